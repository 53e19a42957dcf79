// Gradients of what chooses between operands: what is not chosen adds nothing, whatever its own derivative is there.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <memory>
#include <random>

#include "chain/evaluator.h"
#include "chain/model.h"

namespace gpu_node::chain {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Expression parsed(const std::string& text) {
  auto expression = parse_expression(text);
  REQUIRE_MESSAGE(expression.ok(), (expression.ok() ? "" : expression.error().message));
  return std::move(expression).value();
}

// The log density of |terms| and its gradient where x, y and v[0 .. 2] are |at| and t is -2, 0.5 and 3, with
// simplification and without, which must agree.
Density density(const std::string& term, std::vector<double> at) {
  Model model;
  model.symbols.dimensions = {{"n"}};
  model.symbols.variables = {{"x"}, {"y"}, {"v", uint16_t{0}}};
  model.symbols.data = {{"t", {0}}};
  model.terms.push_back({{}, parsed(term)});
  at.resize(5, 0.25);
  Density results[2];
  for (const Graph::Simplify simplify : {Graph::Simplify::kYes, Graph::Simplify::kNo}) {
    const auto compiled = compile(model, simplify);
    REQUIRE_MESSAGE(std::holds_alternative<Program>(compiled),
                    (compiled.index() == 1 ? std::get<ModelError>(compiled).error.message : ""));
    const auto& program = std::get<Program>(compiled);
    CHECK(validate(program).ok());
    const auto binding = bind(program, {.data = {{"t", {{3}, {-2, 0.5, 3}}}}});
    REQUIRE(binding.ok());
    auto evaluator = Evaluator::make(program, *binding);
    REQUIRE(evaluator.ok());
    results[simplify == Graph::Simplify::kYes ? 0 : 1] = evaluator->evaluate(at);
  }
  for (size_t i = 0; i < 5; ++i)
    if (!std::isnan(results[0].gradient[i]) || !std::isnan(results[1].gradient[i]))
      CHECK(results[0].gradient[i] == doctest::Approx(results[1].gradient[i]));
  return results[0];
}

double slope(const std::string& term, double x, double y = 0.25) { return density(term, {x, y}).gradient[0]; }

// A random expression over coordinates x, y, the number t that an index stands for, and sums over that index.
struct Tree {
  enum class Kind : uint8_t { kNumber, kCoordinate, kPlace, kApply, kSum } kind = Kind::kNumber;
  double number = 0;
  uint16_t symbol = 0;
  ScalarOp op = ScalarOp::kAdd;
  std::vector<std::shared_ptr<const Tree>> children;
};
using TreeRef = std::shared_ptr<const Tree>;

constexpr double kPlaces[] = {-2, 0.5, 3};

TreeRef random_tree(std::mt19937& random, int depth, bool inside, std::vector<TreeRef>& known) {
  using enum ScalarOp;
  // Parts are used again, inside of branches and outside of them.
  if (!inside && !known.empty() && random() % 4 == 0) return known[random() % known.size()];
  Tree tree;
  if (depth == 0) {
    constexpr double kNumbers[] = {0, 1, -1, 2, 0.5, -3};
    const auto sort = random() % (inside ? 5 : 4);
    if (sort == 0) return std::make_shared<Tree>(Tree{.number = kNumbers[random() % std::size(kNumbers)]});
    if (sort == 4) return std::make_shared<Tree>(Tree{.kind = Tree::Kind::kPlace});
    return std::make_shared<Tree>(Tree{.kind = Tree::Kind::kCoordinate, .symbol = static_cast<uint16_t>(random() % 2)});
  }
  if (!inside && depth > 1 && random() % 5 == 0) {
    tree.kind = Tree::Kind::kSum;
    tree.children = {random_tree(random, depth - 1, true, known)};
  } else {
    constexpr ScalarOp kOps[] = {kSelect, kSelect, kSelect, kMin, kMax,   kClip,     kAdd,     kMultiply,
                                 kDivide, kLog,    kSqrt,   kExp, kRsqrt, kSubtract, kGreater, kLess};
    tree.kind = Tree::Kind::kApply;
    tree.op = kOps[random() % std::size(kOps)];
    for (int i = 0; i < operand_count(tree.op); ++i)
      tree.children.push_back(random_tree(random, depth - 1, inside, known));
  }
  auto made = std::make_shared<const Tree>(std::move(tree));
  if (!inside) known.push_back(made);
  return made;
}

ValueId in_graph(const Tree& tree, Graph& graph, ValueId place) {
  switch (tree.kind) {
    case Tree::Kind::kNumber:
      return graph.constant(tree.number);
    case Tree::Kind::kCoordinate:
      return graph.coordinate(tree.symbol);
    case Tree::Kind::kPlace:
      return graph.data(0, std::array{place});
    case Tree::Kind::kSum: {
      const IndexId index = graph.index_over(0, 0);
      return graph.sum(index, in_graph(*tree.children[0], graph, graph.index(index)));
    }
    default: {
      std::vector<ValueId> operands;
      operands.reserve(tree.children.size());
      for (const TreeRef& child : tree.children) operands.push_back(in_graph(*child, graph, place));
      return graph.apply(tree.op, operands);
    }
  }
}

// The value of |tree| at |at|, where |place| stands for the index, and in |graph| what it comes to there: every choice
// made and every sum written out.
struct Resolved {
  double value;
  ValueId id;
};
Resolved resolved(const Tree& tree, Graph& graph, std::span<const double> at, double place) {
  using enum ScalarOp;
  switch (tree.kind) {
    case Tree::Kind::kNumber:
      return {tree.number, graph.constant(tree.number)};
    case Tree::Kind::kCoordinate:
      return {at[tree.symbol], graph.coordinate(tree.symbol)};
    case Tree::Kind::kPlace:
      return {place, graph.constant(place)};
    case Tree::Kind::kSum: {
      Resolved total{0, graph.constant(0)};
      for (const double each : kPlaces) {
        const Resolved part = resolved(*tree.children[0], graph, at, each);
        total = {total.value + part.value, graph.apply(kAdd, total.id, part.id)};
      }
      return total;
    }
    default:
      break;
  }
  std::vector<Resolved> parts;
  std::vector<double> values;
  std::vector<ValueId> ids;
  for (const TreeRef& child : tree.children) {
    parts.push_back(resolved(*child, graph, at, place));
    values.push_back(parts.back().value);
    ids.push_back(parts.back().id);
  }
  const auto less = [&](size_t a, size_t b) { return std::isnan(values[a]) || values[a] <= values[b] ? a : b; };
  const auto greater = [&](size_t a, size_t b) { return std::isnan(values[a]) || values[a] >= values[b] ? a : b; };
  switch (tree.op) {
    case kSelect:
      return parts[values[0] != 0 ? 1 : 2];
    case kMin:
      return parts[less(0, 1)];
    case kMax:
      return parts[greater(0, 1)];
    case kClip:
      return parts[less(std::isnan(values[0]) ? 1 : greater(0, 1), 2)];
    default:
      return {evaluate(tree.op, values.data()), graph.apply(tree.op, ids)};
  }
}

Density value_of(Graph graph, ValueId logp, std::span<const double> at) {
  const auto program =
      make_program({.dimensions = {{"n"}}, .variables = {{"x"}, {"y"}}, .data = {{"t", {0}}}}, std::move(graph), logp);
  REQUIRE(program.ok());
  CHECK(validate(*program).ok());
  const Binding binding{.dimensions = {3}, .data = {{std::begin(kPlaces), std::end(kPlaces)}}};
  auto evaluator = Evaluator::make(*program, binding);
  REQUIRE(evaluator.ok());
  return evaluator->evaluate(at);
}

}  // namespace

TEST_CASE("choices: a branch that is not taken adds nothing to the gradient" * doctest::test_suite("truth")) {
  const std::string root = "select(x > 0, -sqrt(x), x)";
  CHECK(slope(root, -1) == 1);
  CHECK(slope(root, 4) == -0.25);
  CHECK(slope("select(x > 0, log(x), -x)", -2) == -1);
  CHECK(slope("select(x < 30, exp(x), x)", 1000) == 1);
  CHECK(slope("select(x < 30, x, exp(exp(x)))", 2) == 1);
  CHECK(slope("select(x < 30, x, exp(exp(x)))", 20) == 1);
  // In each other, either way round.
  const std::string nested = "select(x > 0, select(x > 1, log(x - 1), -sqrt(1 - x)), x^2 + rsqrt(-x))";
  CHECK(slope(nested, 3) == 0.5);
  CHECK(slope(nested, 0.75) == 1);
  CHECK(slope(nested, -4) == doctest::Approx(-8 + 0.0625));
  CHECK(slope("exp(select(x > 0, -sqrt(x), x)) * y", -1, 2) == doctest::Approx(2 * std::exp(-1)));
  CHECK(slope("select(y > 0, 1, 2) * select(x > 0, sqrt(x), y * x)", -1, -3) == -6);
}

TEST_CASE("choices: min, max and clip take nothing from what they do not give" * doctest::test_suite("truth")) {
  CHECK(slope("min(x, exp(x^2))", 40) == 1);
  CHECK(slope("max(x, -exp(x^2))", 40) == 1);
  CHECK(slope("min(sqrt(x), y)", 0, -1) == 0);
  CHECK(slope("max(x + y, log(x))", 0, 1) == 1);
  CHECK(slope("clip(exp(x^2), -1, 2) + x", 40) == 1);
  CHECK(slope("clip(x, -exp(x^2), exp(x^2))", 40) == 1);
  CHECK(slope("clip(sqrt(x), 0.5, 2) + x", 0) == 1);
  // What is no number is clipped to the lower bound, and so is its gradient.
  CHECK(slope("clip(sqrt(x), 0.5, 2) + x", -1) == 1);
  CHECK(slope("clip(sqrt(-x), 3 * x, 2)", 0.5) == 3);
}

TEST_CASE("choices: a value that several choices share" * doctest::test_suite("truth")) {
  const std::string both = "select(x > 0, sqrt(x), 0) + select(x > 1, 2 * sqrt(x), x)";
  CHECK(slope(both, -1) == 1);
  CHECK(slope(both, 0.25) == 2);
  CHECK(slope(both, 4) == 0.75);
  CHECK(slope("select(x > 0, 3 * sqrt(x), 0) - select(x > 0, sqrt(x), x)", -1) == -1);
  CHECK(slope("select(x > 0, exp(y) * sqrt(x), exp(y) * x)", -1, 1) == doctest::Approx(std::exp(1)));
  CHECK(density("select(x > 0, exp(y) * sqrt(x), exp(y) * x)", {-1, 1}).gradient[1] == doctest::Approx(-std::exp(1)));
  // Used outside as well it counts, finite or not.
  CHECK(slope("select(x > 0, sqrt(x), x) + sqrt(x + 5)", -1) == 1.25);
  CHECK(std::isnan(slope("select(x > 0, sqrt(x), x) + sqrt(x)", -1)));
  CHECK(slope("logsumexp(select(x > 0, log(x), -1 / 0), x)", -1) == doctest::Approx(1));
  CHECK(slope("logsumexp(select(x > 0, log(x), -1 / 0), select(x > 0, x, log(0)), y)", -1) == 0);
  CHECK(slope("select(x > 0, logsumexp(log(x), log(x)), x)", 0) == 1);
}

TEST_CASE("choices: what is detached keeps its value and has no slope") {
  CHECK(density("detach(x) * x", {3, 0}).logp == 9);
  CHECK(slope("detach(x) * x", 3) == 3);
  CHECK(slope("detach(sqrt(x)) + x", -1) == 1);
  CHECK(slope("detach(2 * x)", 3) == 0);
  CHECK(slope("detach(2) * x", 3) == 2);
  CHECK(slope("detach(max(x, y)) + log(exp(x - detach(max(x, y))) + exp(y - detach(max(x, y))))", 1, 1) == 0.5);
  CHECK(slope("sum(i, x * detach(t[i] * x))", 2) == slope("sum(i, x * t[i] * 2)", 2));
}

TEST_CASE("choices: in sums, by place" * doctest::test_suite("truth")) {
  // sqrt(x) belongs to the places where t > 4: to none; to those where t > 2: to the last.
  CHECK(slope("sum(i, select(t[i] > 4, sqrt(x), x * t[i]))", -1) == 1.5);
  CHECK(slope("sum(i, select(t[i] > 2, sqrt(x), x * t[i]))", 4) == -1.25);
  CHECK(std::isnan(slope("sum(i, select(t[i] > 2, sqrt(x), x * t[i]))", -1)));
  CHECK(slope("sum(i, select(x + t[i] > 0, sqrt(x + t[i]), x))", 1) ==
        doctest::Approx(1 + 0.5 / std::sqrt(1.5) + 0.25));
  CHECK(slope("select(x > 0, sum(i, t[i]^2 * sqrt(x)), x)", -1) == 1);
  CHECK(slope("sum(i, select(t[i] > 0, sum(j, select(t[j] < -5, t[i] * log(x), x * t[j])), 0))", -1) == 3);
  const Density each = density("sum(i, select(v[i] > 0, log(v[i]) * sqrt(x), v[i] * y))", {-1, 2, -3, -4, -0.0});
  CHECK(each.gradient[0] == 0);
  CHECK(each.gradient[1] == -7);
  for (size_t i = 2; i < 5; ++i) CHECK(each.gradient[i] == 2);
  CHECK(density("select(x > 0, log(v[1] + v[2]), v[1])", {-1, 0, 1, -2, -3}).gradient[3] == 1);
}

TEST_CASE("choices: random expressions have the gradient of what they choose") {
  std::mt19937 random(3);
  constexpr double kAt[] = {-2, -1, 0, 0.25, 1, 3, 40, 800, -800, 1e200, kInfinity};
  int compared = 0;
  for (int round = 0; round < 20000; ++round) {
    std::vector<TreeRef> known;
    const TreeRef tree = random_tree(random, 2 + round % 4, false, known);
    const std::vector<double> at = {kAt[random() % std::size(kAt)], kAt[random() % std::size(kAt)]};
    Graph whole(Graph::Simplify::kNo);
    const Density found = [&] {
      const ValueId id = in_graph(*tree, whole, kNoValue);
      return value_of(whole, id, at);
    }();
    Graph chosen(Graph::Simplify::kNo);
    const ValueId id = resolved(*tree, chosen, at, 0).id;
    const Density wanted = value_of(chosen, id, at);
    if (!std::isfinite(wanted.logp)) continue;
    for (size_t i = 0; i < 2; ++i) {
      if (!std::isfinite(wanted.gradient[i]) || std::fabs(wanted.gradient[i]) > 1e100) continue;
      ++compared;
      const double scale = std::fmax(1, std::fabs(wanted.gradient[i]));
      CHECK(std::fabs(found.gradient[i] - wanted.gradient[i]) <= 1e-9 * scale);
    }
  }
  CHECK(compared > 20000);
}

}  // namespace gpu_node::chain
