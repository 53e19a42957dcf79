// Recursive descent over the grammar of expression.h. Depth is bounded twice: of the recursion, and of the tree. A line
// of operators of one precedence is flat however long it is: who walks trees uses line_down().
#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "base/concat.h"
#include "chain/expression.h"
#include "chain/lexer.h"

namespace gpu_node::chain {
namespace {

using Kind = Expression::Kind;

// Parentheses make no tree deeper; so that what prints a tree is never refused, they may add as much again.
constexpr uint32_t kMaxNesting = 2 * kMaxExpressionDepth;

struct Spelling {
  std::string_view symbol;
  std::string_view op;
};
constexpr Spelling kComparisons[] = {{"<", "less"},           {"<=", "less_equal"}, {">", "greater"},
                                     {">=", "greater_equal"}, {"==", "equal"},      {"!=", "not_equal"}};
constexpr Spelling kAdditions[] = {{"+", "add"}, {"-", "subtract"}};
constexpr Spelling kProducts[] = {{"*", "multiply"}, {"/", "divide"}};

bool is_of(std::span<const Spelling> table, const Expression::Node& node) {
  return node.kind == Kind::kCall && node.children.size() == 2 &&
         std::ranges::any_of(table, [&](const Spelling& row) { return row.op == node.name; });
}

class Parser {
 public:
  explicit Parser(std::string_view text) : lexer_(text) {}

  Result<Expression> parse() {
    GPU_TRY(advance());
    GPU_TRY(comparison());
    if (token_.kind != Token::Kind::kEnd) return unexpected("an operator or the end");
    return std::move(expression_);
  }

 private:
  using Node = Result<uint32_t>;

  Result<void> advance() {
    GPU_ASSIGN(token_, lexer_.next());
    return {};
  }
  Error unexpected(const std::string& expected) const {
    const std::string found = token_.kind == Token::Kind::kEnd ? "the end" : "'" + std::string(token_.text) + "'";
    return parse_error(token_.column, "expected " + expected + ", found " + found);
  }

  bool at(std::string_view symbol) const { return token_.kind == Token::Kind::kSymbol && token_.text == symbol; }
  Result<void> expect(std::string_view symbol) {
    if (!at(symbol)) return unexpected("'" + std::string(symbol) + "'");
    return advance();
  }

  // |flat|: its first child is of the same level.
  Node add(Expression::Node node, bool flat = false) {
    for (const uint32_t child : node.children) {
      const bool deeper = !flat || child != node.children[0];
      node.depth = std::max(node.depth, expression_.nodes[child].depth + (deeper ? 1 : 0));
    }
    if (node.depth > kMaxExpressionDepth)
      return parse_error(node.column, concat("deeper than ", kMaxExpressionDepth, " levels"));
    expression_.nodes.push_back(std::move(node));
    return static_cast<uint32_t>(expression_.nodes.size() - 1);
  }
  Node add_call(std::string_view op, uint32_t column, std::vector<uint32_t> children, bool flat = false) {
    return add({.kind = Kind::kCall, .name = std::string(op), .children = std::move(children), .column = column}, flat);
  }

  const Spelling* operator_of(std::span<const Spelling> table) const {
    if (token_.kind != Token::Kind::kSymbol) return nullptr;
    const auto* found = std::find_if(table.data(), table.data() + table.size(),
                                     [this](const Spelling& row) { return row.symbol == token_.text; });
    return found == table.data() + table.size() ? nullptr : found;
  }

  // Left-associative operators of one precedence.
  template <typename Operand>
  Node chain(std::span<const Spelling> table, Operand operand) {
    GPU_ASSIGN(uint32_t left, operand());
    while (const Spelling* row = operator_of(table)) {
      const uint32_t column = token_.column;
      GPU_TRY(advance());
      GPU_ASSIGN(const uint32_t right, operand());
      GPU_ASSIGN(left, add_call(row->op, column, {left, right}, is_of(table, expression_.nodes[left])));
    }
    return left;
  }

  Node comparison() {
    GPU_ASSIGN(const uint32_t left, sum());
    const Spelling* row = operator_of(kComparisons);
    if (row == nullptr) return left;
    const uint32_t column = token_.column;
    GPU_TRY(advance());
    GPU_ASSIGN(const uint32_t right, sum());
    return add_call(row->op, column, {left, right});
  }
  Node sum() {
    return chain(kAdditions, [this] { return product(); });
  }
  Node product() {
    return chain(kProducts, [this] { return negation(); });
  }

  Node negation() {
    if (!at("-")) return power();
    const uint32_t column = token_.column;
    if (++nesting_ > kMaxNesting) return too_deep();
    GPU_TRY(advance());
    GPU_ASSIGN(const uint32_t operand, negation());
    --nesting_;
    return add_call("negate", column, {operand});
  }

  Node power() {
    GPU_ASSIGN(const uint32_t base, primary());
    if (!at("^")) return base;
    const uint32_t column = token_.column;
    if (++nesting_ > kMaxNesting) return too_deep();
    GPU_TRY(advance());
    GPU_ASSIGN(const uint32_t exponent, negation());
    --nesting_;
    return add_call("pow", column, {base, exponent});
  }

  Error too_deep() const { return parse_error(token_.column, concat("deeper than ", kMaxNesting, " levels")); }

  Node primary() {
    if (++nesting_ > kMaxNesting) return too_deep();
    auto node = primary_inside();
    --nesting_;
    return node;
  }

  Node primary_inside() {
    const Token token = token_;
    if (token.kind == Token::Kind::kNumber) {
      GPU_TRY(advance());
      return add({.kind = Kind::kNumber, .number = token.number, .column = token.column});
    }
    if (at("(")) {
      GPU_TRY(advance());
      GPU_ASSIGN(const uint32_t inner, comparison());
      GPU_TRY(expect(")"));
      return inner;
    }
    if (token.kind != Token::Kind::kName) return unexpected("a number, a name or '('");
    GPU_ASSIGN(const std::string name, take_name("a name", /*allow_words=*/true));
    if (at("(")) return name == "sum" ? sum_over(token.column) : call(name, token.column);
    if (!is_name(name)) return parse_error(token.column, "'" + name + "' is a word of the language");
    return reference(name, token.column);
  }

  Result<std::string> take_name(const std::string& expected, bool allow_words = false) {
    if (token_.kind != Token::Kind::kName) return unexpected(expected);
    if (token_.text.size() > kMaxNameBytes)
      return parse_error(token_.column, concat("a name longer than ", kMaxNameBytes, " letters"));
    if (!allow_words && !is_name(token_.text))
      return parse_error(token_.column, "'" + std::string(token_.text) + "' is a word of the language");
    std::string name(token_.text);
    GPU_TRY(advance());
    return name;
  }

  Node reference(const std::string& name, uint32_t column) {
    Expression::Node node{.kind = Kind::kReference, .name = name, .column = column};
    if (at("[")) {
      do {
        if (node.children.size() == 2) return parse_error(token_.column, "more than two places in brackets");
        GPU_TRY(advance());
        GPU_ASSIGN(const uint32_t child, place());
        node.children.push_back(child);
      } while (at(","));
      GPU_TRY(expect("]"));
    }
    return add(std::move(node));
  }

  Node place() {
    if (++nesting_ > kMaxNesting) return too_deep();
    const Token token = token_;
    if (token.kind == Token::Kind::kNumber) {
      if (token.number != std::floor(token.number) || token.number > 1e9)
        return parse_error(token.column, "a place is a whole number, an index or data that holds indices");
      GPU_TRY(advance());
      --nesting_;
      return add({.kind = Kind::kNumber, .number = token.number, .column = token.column});
    }
    GPU_ASSIGN(const std::string name, take_name("a whole number, an index or data that holds indices"));
    auto node = reference(name, token.column);
    --nesting_;
    return node;
  }

  Node call(const std::string& name, uint32_t column) {
    std::vector<uint32_t> arguments;
    do {
      if (arguments.size() == kMaxArguments)
        return parse_error(token_.column, concat("more than ", kMaxArguments, " arguments"));
      GPU_TRY(advance());
      GPU_ASSIGN(const uint32_t argument, comparison());
      arguments.push_back(argument);
    } while (at(","));
    GPU_TRY(expect(")"));
    return add_call(name, column, std::move(arguments));
  }

  Node sum_over(uint32_t column) {
    Expression::Node node{.kind = Kind::kSum, .column = column};
    GPU_TRY(expect("("));
    GPU_ASSIGN(node.name, take_name("the name of an index"));
    if (token_.kind == Token::Kind::kName && token_.text == "in") {
      GPU_TRY(advance());
      GPU_ASSIGN(node.over, take_name("the name of a dimension"));
    }
    GPU_TRY(expect(","));
    GPU_ASSIGN(const uint32_t body, comparison());
    node.children = {body};
    GPU_TRY(expect(")"));
    return add(std::move(node));
  }

  Lexer lexer_;
  Token token_;
  Expression expression_;
  uint32_t nesting_ = 0;
};

}  // namespace

bool is_name(std::string_view text) {
  if (text.empty() || text.size() > kMaxNameBytes || text == "sum" || text == "in") return false;
  Lexer lexer(text);
  const auto token = lexer.next();
  return token.ok() && token->kind == Token::Kind::kName && token->text.size() == text.size() && text[0] != '_';
}

std::vector<uint32_t> line_down(const Expression& expression, uint32_t id) {
  std::vector<uint32_t> line = {id};
  for (;;) {
    const Expression::Node& node = expression.nodes[line.back()];
    if (!is_of(kAdditions, node) && !is_of(kProducts, node)) return line;
    line.push_back(node.children[0]);
  }
}

Result<Expression> parse_expression(std::string_view text) {
  if (text.size() > kMaxExpressionBytes)
    return parse_error(1, concat("the expression has ", text.size(), " bytes, the limit is ", kMaxExpressionBytes));
  return Parser(text).parse();
}

}  // namespace gpu_node::chain
