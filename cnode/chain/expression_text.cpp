// From a tree back to text.
#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <iterator>

#include "chain/expression.h"

namespace gpu_node::chain {
namespace {

using Kind = Expression::Kind;

struct Infix {
  std::string_view op;
  std::string_view text;
  int precedence;
  int left;  // the least precedence that an operand may have without parentheses
  int right;
};
constexpr int kNegation = 4;
constexpr int kPrimary = 6;
constexpr Infix kInfix[] = {
    {"less", " < ", 1, 2, 2},     {"less_equal", " <= ", 1, 2, 2},
    {"greater", " > ", 1, 2, 2},  {"greater_equal", " >= ", 1, 2, 2},
    {"equal", " == ", 1, 2, 2},   {"not_equal", " != ", 1, 2, 2},
    {"add", " + ", 2, 2, 3},      {"subtract", " - ", 2, 2, 3},
    {"multiply", " * ", 3, 3, 4}, {"divide", " / ", 3, 3, 4},
    {"pow", "^", 5, 6, 4},
};

std::string number_text(double number) {
  std::array<char, 40> buffer{};
  const auto [end, status] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number);
  return {buffer.data(), end};
}

class Printer {
 public:
  explicit Printer(const Expression& expression) : expression_(expression) {}

  std::string text(uint32_t id, int least) const {
    const Expression::Node& node = expression_.nodes[id];
    if (node.kind == Kind::kNumber) return number_text(node.number);
    if (node.kind == Kind::kReference) return node.name + (node.children.empty() ? "" : "[" + list(node) + "]");
    if (node.kind == Kind::kSum)
      return "sum(" + node.name + (node.over.empty() ? "" : " in " + node.over) + ", " + list(node) + ")";
    if (node.name == "negate" && node.children.size() == 1)
      return enclosed("-" + text(node.children[0], kNegation), kNegation, least);
    if (infix(node) == nullptr) return node.name + "(" + list(node) + ")";
    // Comparisons and powers are in no line, but may have one on their left.
    std::vector<uint32_t> line = line_down(expression_, id);
    if (line.size() == 1) line.push_back(node.children[0]);
    std::string all = text(line.back(), row_of(line[line.size() - 2]).left);
    for (size_t i = line.size() - 1; i-- > 0;) {
      const Infix& row = row_of(line[i]);
      all += std::string(row.text) + text(expression_.nodes[line[i]].children[1], row.right);
      all = enclosed(all, row.precedence, i == 0 ? least : row_of(line[i - 1]).left);
    }
    return all;
  }

 private:
  static const Infix* infix(const Expression::Node& node) {
    const auto* found = std::ranges::find_if(kInfix, [&](const Infix& row) { return row.op == node.name; });
    return found == std::end(kInfix) || node.children.size() != 2 ? nullptr : found;
  }
  // REQUIRES: infix() has it.
  const Infix& row_of(uint32_t id) const {
    const Infix* row = infix(expression_.nodes[id]);
    assert(row != nullptr);
    return *row;
  }
  static std::string enclosed(const std::string& inner, int precedence, int least) {
    return precedence < least && precedence < kPrimary ? "(" + inner + ")" : inner;
  }
  std::string list(const Expression::Node& node) const {
    std::string all;
    for (const uint32_t child : node.children) all += (all.empty() ? "" : ", ") + text(child, 0);
    return all;
  }

  const Expression& expression_;
};

}  // namespace

std::string text_of(const Expression& expression, uint32_t id) { return Printer(expression).text(id, 0); }

std::string text_of(const Expression& expression) {
  return text_of(expression, static_cast<uint32_t>(expression.nodes.size() - 1));
}

}  // namespace gpu_node::chain
