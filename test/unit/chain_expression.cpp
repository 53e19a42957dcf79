// The expression language: what parses, as what, and what is refused where.
#include <doctest/doctest.h>

#include <random>

#include "chain/expression.h"

namespace gpu_node::chain {
namespace {

std::string printed(const std::string& text) {
  const auto expression = parse_expression(text);
  return expression.ok() ? text_of(*expression) : expression.error().message;
}

// A random tree, as text with all its parentheses.
std::string random_text(std::mt19937& random, int depth) {
  const auto inner = [&] { return random_text(random, depth - 1); };
  if (depth == 0) {
    constexpr const char* kLeaves[] = {"x", "theta[i]", "X[i, 3]", "0.25", "1e-300", "y[g[i]]", "7"};
    return kLeaves[random() % std::size(kLeaves)];
  }
  switch (random() % 12) {
    case 0:
      return "(" + inner() + ") + (" + inner() + ")";
    case 1:
      return "(" + inner() + ") - (" + inner() + ")";
    case 2:
      return "(" + inner() + ") * (" + inner() + ")";
    case 3:
      return "(" + inner() + ") / (" + inner() + ")";
    case 4:
      return "(" + inner() + ") ^ (" + inner() + ")";
    case 5:
      return "-(" + inner() + ")";
    case 6:
      return "exp(" + inner() + ")";
    case 7:
      return "sum(j in k, " + inner() + ")";
    case 8:
      return "sum(j, " + inner() + ")";
    case 9:
      return "(" + inner() + ") <= (" + inner() + ")";
    case 10:
      return "logsumexp(" + inner() + ", " + inner() + ")";
    default:
      return inner();
  }
}

// Whether two trees are the same but for their columns.
bool same(const Expression& a, uint32_t i, const Expression& b, uint32_t k) {
  const Expression::Node& x = a.nodes[i];
  const Expression::Node& y = b.nodes[k];
  if (x.kind != y.kind || x.number != y.number || x.name != y.name || x.over != y.over ||
      x.children.size() != y.children.size())
    return false;
  for (size_t c = 0; c < x.children.size(); ++c)
    if (!same(a, x.children[c], b, y.children[c])) return false;
  return true;
}

}  // namespace

TEST_CASE("expression: precedence and associativity, by the parentheses that printing keeps") {
  CHECK(printed("a+b*c^d") == "a + b * c^d");
  CHECK(printed("(a+b)*c") == "(a + b) * c");
  CHECK(printed("a-(b-c)-d") == "a - (b - c) - d");
  CHECK(printed("a-((b-c)-d)") == "a - (b - c - d)");
  CHECK(printed("a/(b*c)/d") == "a / (b * c) / d");
  CHECK(printed("-x^2") == "-x^2");
  CHECK(printed("(-x)^2") == "(-x)^2");
  CHECK(printed("2^3^4") == "2^3^4");
  CHECK(printed("(2^3)^4") == "(2^3)^4");
  CHECK(printed("2^-x*y") == "2^-x * y");
  CHECK(printed("-a*b") == "-a * b");
  CHECK(printed("-(a*b)") == "-(a * b)");
  CHECK(printed("a - -b") == "a - -b");
  CHECK(printed("add(a, b)") == "a + b");
  CHECK(printed("(a < b) + (c == d)") == "(a < b) + (c == d)");
  CHECK(printed("sum( j ,X[i,j]*beta[j] )+1.50") == "sum(j, X[i, j] * beta[j]) + 1.5");
  CHECK(printed("sum(j in k, theta[group[j]])") == "sum(j in k, theta[group[j]])");
}

TEST_CASE("expression: errors say the column and what was expected") {
  CHECK(printed("") == "column 1: expected a number, a name or '(', found the end");
  CHECK(printed("a + ") == "column 5: expected a number, a name or '(', found the end");
  CHECK(printed("a b") == "column 3: expected an operator or the end, found 'b'");
  CHECK(printed("(a + b") == "column 7: expected ')', found the end");
  CHECK(printed("a + $") == "column 5: '$' is no part of the language");
  CHECK(printed("a = b") == "column 3: '=' is no part of the language");
  CHECK(printed("a + \xc3\xa9") == "column 5: byte 195 is no part of the language");
  CHECK(printed("1.2.3") == "column 1: not a number");
  CHECK(printed("12x") == "column 1: not a number");
  CHECK(printed("1e999") == "column 1: the number leaves the range of double");
  CHECK(printed("x[1.5]") == "column 3: a place is a whole number, an index or data that holds indices");
  CHECK(printed("x[i+1]") == "column 4: expected ']', found '+'");
  CHECK(printed("x[i, j, k]") == "column 7: more than two places in brackets");
  CHECK(printed("sum(x)") == "column 6: expected ',', found ')'");
  CHECK(printed("sum") == "column 1: 'sum' is a word of the language");
  CHECK(printed("f()") == "column 3: expected a number, a name or '(', found ')'");
  CHECK(printed("a < b < c") == "column 7: expected an operator or the end, found '<'");
}

TEST_CASE("expression: length, depth and arguments are bounded") {
  const auto fails_with = [](const std::string& text, const std::string& part) {
    const auto expression = parse_expression(text);
    REQUIRE(!expression.ok());
    CHECK_MESSAGE(expression.error().message.find(part) != std::string::npos, expression.error().message);
  };
  fails_with(std::string(70'000, ' '), "the limit is 65536");
  for (const char* opening : {"(", "-", "exp(", "x[g[", "sum(j, ", "2^", "1+(", "-("}) {
    std::string text;
    while (text.size() < 6000) text += opening;
    fails_with(text + "x", "deeper than ");
  }
  std::string arguments = "logsumexp(x";
  for (int i = 0; i < 16; ++i) arguments += ", x";
  fails_with(arguments + ")", "more than 16 arguments");
  fails_with(std::string(65, 'a'), "a name longer than 64 letters");
}

TEST_CASE("expression: a line of operators is flat, nesting is what is bounded" * doctest::test_suite("truth")) {
  for (const char* spelled : {"+", "-", "*", "/"}) {
    std::string text = "x";
    for (int i = 0; i < 16'000; ++i) text += std::string(" ") + spelled + " y";
    const auto expression = parse_expression(text);
    REQUIRE_MESSAGE(expression.ok(), (expression.ok() ? "" : expression.error().message));
    CHECK(expression->nodes.back().depth == 2);
    CHECK(text_of(*expression) == text);
  }
  std::string mixed = "a";
  for (int i = 0; i < 2000; ++i) mixed += i % 3 == 0 ? " + b * c / d" : " - -e";
  CHECK(printed(mixed) == mixed);
  // To the right, and where parentheses are needed on the left, a tree is as deep as it is written.
  const auto nested = [](int levels, const std::string& left, const std::string& right) {
    std::string text = "x";
    for (int i = 0; i < levels; ++i) text = left + text + right;
    return printed(text);
  };
  CHECK(nested(127, "a - (", ")").starts_with("a - (a - (a"));
  CHECK(nested(128, "a - (", ")").ends_with("deeper than 128 levels"));
  CHECK(nested(63, "(", " + 1) * 2").starts_with("(((("));
  CHECK(nested(64, "(", " + 1) * 2").ends_with("deeper than 128 levels"));
  CHECK(nested(255, "(", ")") == "x");
  CHECK(nested(256, "(", ")").ends_with("deeper than 256 levels"));
}

TEST_CASE("expression: what is printed parses to the same tree") {
  std::mt19937 random(3);
  for (int round = 0; round < 4000; ++round) {
    const std::string text = random_text(random, 1 + round % 6);
    const auto expression = parse_expression(text);
    if (!expression.ok()) {
      CHECK(text.size() > kMaxExpressionBytes);
      continue;
    }
    const auto again = parse_expression(text_of(*expression));
    REQUIRE_MESSAGE(again.ok(), text_of(*expression));
    CHECK(same(*expression, static_cast<uint32_t>(expression->nodes.size() - 1), *again,
               static_cast<uint32_t>(again->nodes.size() - 1)));
  }
}

}  // namespace gpu_node::chain
