// Scalar ops, their derivatives and the simplifier.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>

#include "chain/evaluator.h"
#include "chain/graph.h"
#include "ir/op.h"
#include "scalar/special_functions.h"

namespace gpu_node::chain {
namespace {

using scalar::digamma;
using scalar::erf_inv;
using scalar::log_sigmoid;
using scalar::sigmoid;
using scalar::softplus;

struct Point {
  ScalarOp op;
  double x;
  double value;
};

// Computed in fifty digits.
const Point kPoints[] = {
    {ScalarOp::kDigamma, 0.001, -1000.5755719318103},
    {ScalarOp::kDigamma, 0.5, -1.9635100260214235},
    {ScalarOp::kDigamma, 1, -0.57721566490153286},
    {ScalarOp::kDigamma, 1.5, 0.036489973978576521},
    {ScalarOp::kDigamma, 3.25, 1.016990911068179},
    {ScalarOp::kDigamma, 10, 2.2517525890667211},
    {ScalarOp::kDigamma, 1e5, 11.512920464961895},
    {ScalarOp::kDigamma, -0.5, 0.036489973978576521},
    {ScalarOp::kDigamma, -3.75, -1.6923885983113303},
    {ScalarOp::kLgamma, 0.001, 6.9071788853838537},
    {ScalarOp::kLgamma, 0.5, 0.57236494292470009},
    {ScalarOp::kLgamma, 1.5, -0.12078223763524522},
    {ScalarOp::kLgamma, 3.25, 0.93580193110872536},
    {ScalarOp::kLgamma, 100, 359.1342053695754},
    {ScalarOp::kLgamma, 1e5, 1051287.7089736569},
    {ScalarOp::kErfInv, 0.001, 0.00088622715746655212},
    {ScalarOp::kErfInv, 0.5, 0.47693627620446987},
    {ScalarOp::kErfInv, -0.7, -0.73286907795921678},
    {ScalarOp::kErfInv, 0.95, 1.3859038243496777},
    {ScalarOp::kErfInv, 0.999999, 3.4589107372754988},
    {ScalarOp::kErfInv, -0.9999999999, -4.5728249585449249},
    {ScalarOp::kSoftplus, -37, 8.5330476257440654e-17},
    {ScalarOp::kSoftplus, -1, 0.31326168751822283},
    {ScalarOp::kSoftplus, 0.5, 0.97407698418010668},
    {ScalarOp::kSoftplus, 40, 40},
    {ScalarOp::kSoftplus, 1000, 1000},
};

// A program of three real variables.
Program program_of(const Graph& graph, ValueId logp) {
  Symbols symbols{.variables = {{"a"}, {"b"}, {"c"}}};
  auto program = make_program(std::move(symbols), graph, logp);
  REQUIRE_MESSAGE(program.ok(), (program.ok() ? "" : program.error().message));
  CHECK(validate(*program).ok());
  return std::move(program).value();
}

Density value_of(const Program& program, std::vector<double> at) {
  const Binding binding;
  auto evaluator = Evaluator::make(program, binding);
  REQUIRE(evaluator.ok());
  return evaluator->evaluate(at);
}

// Where |op| is smooth.
std::vector<double> domain_point(ScalarOp op, std::mt19937& random) {
  std::uniform_real_distribution<double> unit(0.05, 0.95);
  std::vector<double> at = {4 * unit(random) - 2, 4 * unit(random) - 2, 4 * unit(random) - 2};
  switch (op) {
    case ScalarOp::kLog:
    case ScalarOp::kSqrt:
    case ScalarOp::kRsqrt:
    case ScalarOp::kLgamma:
    case ScalarOp::kPow:
      at[0] = 3 * unit(random);
      break;
    case ScalarOp::kAcosh:
      at[0] = 1 + unit(random);
      break;
    case ScalarOp::kLog1p:
    case ScalarOp::kAcos:
    case ScalarOp::kAsin:
    case ScalarOp::kAtanh:
    case ScalarOp::kErfInv:
      at[0] = 2 * unit(random) - 1;
      break;
    case ScalarOp::kTan:
      at[0] = unit(random);
      break;
    case ScalarOp::kDivide:
      at[1] = std::copysign(0.3 + unit(random), at[1]);
      break;
    default:
      break;
  }
  return at;
}

// A random expression without poles, made twice.
std::pair<ValueId, ValueId> random_values(std::mt19937& random, Graph& left, Graph& right, int depth) {
  using enum ScalarOp;
  if (depth == 0) {
    if (random() % 3 == 0) {
      constexpr double kNumbers[] = {0, 1, -1, 2, 0.5, -0.25, 3};
      const double number = kNumbers[random() % std::size(kNumbers)];
      return {left.constant(number), right.constant(number)};
    }
    const auto symbol = static_cast<uint16_t>(random() % 3);
    return {left.coordinate(symbol), right.coordinate(symbol)};
  }
  constexpr ScalarOp kOps[] = {kAdd,    kSubtract, kMultiply, kDivide,     kNegate, kExp, kLog,
                               kLog1p,  kSigmoid,  kSoftplus, kLogSigmoid, kPow,    kMax, kMin,
                               kSelect, kLess,     kNegate,   kSubtract,   kTanh};
  const ScalarOp op = kOps[random() % std::size(kOps)];
  std::vector<ValueId> a;
  std::vector<ValueId> b;
  for (int i = 0; i < operand_count(op); ++i) {
    const auto [x, y] = random_values(random, left, right, depth - 1);
    a.push_back(x);
    b.push_back(y);
  }
  return {left.apply(op, a), right.apply(op, b)};
}

}  // namespace

TEST_CASE("scalar ops: each is an elementwise row of the op table with as many operands") {
  for (const ScalarOp op : scalar_ops()) {
    CAPTURE(std::string(name_of(op)));
    CHECK(find_scalar_op(name_of(op)) == op);
    const ir::Op* row = ir::find_op(name_of(op));
    REQUIRE(row != nullptr);
    CHECK(static_cast<int>(row->operands()) == operand_count(op));
    CHECK(ir::is_elementwise(row->family));
    CHECK(row->density);
  }
  for (const ir::Op& row : ir::ops()) CHECK(row.density == find_scalar_op(row.name).has_value());
  CHECK(!find_scalar_op("reduce_max"));
}

TEST_CASE("scalar ops: special functions to the last digits") {
  for (const Point& point : kPoints) {
    CAPTURE(std::string(name_of(point.op)));
    CAPTURE(point.x);
    CHECK(std::fabs(evaluate(point.op, &point.x) - point.value) <= 5e-16 * std::fabs(point.value));
  }
  // At the zero of digamma only the absolute error can be small.
  CHECK(std::fabs(digamma(1.4616321449683622) + 9.2412655217294275e-17) < 2e-16);
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  CHECK(softplus(kInfinity) == kInfinity);
  CHECK(softplus(-kInfinity) == 0);
  CHECK(std::isnan(softplus(NAN)));
  CHECK(log_sigmoid(-1e300) == -1e300);
  CHECK(sigmoid(-1000) == 0);
  CHECK(sigmoid(1000) == 1);
  CHECK(std::isnan(digamma(-2)));
  CHECK(erf_inv(1) == kInfinity);
  CHECK(std::isnan(erf_inv(1.5)));
}

TEST_CASE("derivatives: of every op, against central differences") {
  std::mt19937 random(5);
  for (const ScalarOp op : scalar_ops()) {
    if (op == ScalarOp::kDigamma) continue;
    CAPTURE(std::string(name_of(op)));
    Graph graph;
    std::vector<ValueId> operands;
    for (uint16_t i = 0; i < operand_count(op); ++i) operands.push_back(graph.coordinate(i));
    const ValueId result = graph.apply(op, operands);
    // A factor, so that the adjoint is not 1.
    const Program program = program_of(graph, graph.apply(ScalarOp::kMultiply, graph.constant(-1.5), result));
    for (int round = 0; round < 50; ++round) {
      const std::vector<double> at = domain_point(op, random);
      const Density density = value_of(program, at);
      for (size_t i = 0; i < at.size(); ++i) {
        const auto shifted = [&](double step) {
          std::vector<double> moved = at;
          moved[i] += step;
          return value_of(program, moved).logp;
        };
        constexpr double kStep = 1e-4;
        const double expected =
            (8 * (shifted(kStep) - shifted(-kStep)) - (shifted(2 * kStep) - shifted(-2 * kStep))) / (12 * kStep);
        CHECK(std::fabs(density.gradient[i] - expected) <= 1e-8 * std::fmax(1, std::fabs(expected)));
      }
    }
  }
}

TEST_CASE("derivatives: digamma has none, unless nothing varies in it") {
  Graph graph;
  const ValueId digamma_of = graph.apply(ScalarOp::kDigamma, graph.coordinate(0));
  const auto program = make_program({.variables = {{"a"}}}, graph, digamma_of);
  REQUIRE(!program.ok());
  CHECK(program.error().code == ErrorCode::kUnsupported);
  CHECK(program.error().message == "digamma has no derivative here");
  Graph fixed;
  const ValueId number = fixed.apply(ScalarOp::kDigamma, fixed.parameter(0));
  CHECK(make_program({.parameters = {{"p"}}, .variables = {{"a"}}}, fixed, number).ok());
}

TEST_CASE("simplifier: random expressions keep their values and derivatives") {
  std::mt19937 random(11);
  std::normal_distribution<double> normal;
  int compared = 0;
  size_t before = 0;
  size_t after = 0;
  for (int round = 0; round < 3000; ++round) {
    Graph simple;
    Graph plain(Graph::Simplify::kNo);
    const auto [a, b] = random_values(random, simple, plain, 1 + round % 5);
    const Program left = program_of(simple, a);
    const Program right = program_of(plain, b);
    before += right.values.size();
    after += left.values.size();
    for (int point = 0; point < 4; ++point) {
      const std::vector<double> at = {normal(random), normal(random), normal(random)};
      const Density found = value_of(left, at);
      const Density wanted = value_of(right, at);
      const auto close = [](double x, double y) { return std::fabs(x - y) <= 1e-7 * std::fmax(1, std::fabs(y)); };
      // What was no number may become one; what was one stays the same. Huge ones have lost their digits on the way.
      if (!std::isfinite(wanted.logp) || std::fabs(wanted.logp) > 1e6) continue;
      ++compared;
      CHECK(close(found.logp, wanted.logp));
      for (size_t i = 0; i < 3; ++i)
        if (std::isfinite(wanted.gradient[i]) && std::fabs(wanted.gradient[i]) < 1e6)
          CHECK(close(found.gradient[i], wanted.gradient[i]));
    }
  }
  CHECK(compared > 4000);
  CHECK(after < before);
}

TEST_CASE("simplifier: logarithms of transforms do not overflow") {
  using enum ScalarOp;
  const auto log_of = [](ScalarOp transform, double u) {
    Graph graph;
    const ValueId x = graph.apply(transform, graph.coordinate(0));
    return value_of(program_of(graph, graph.apply(kLog, x)), {u, 0, 0});
  };
  for (const double u : {-1e4, -800.0, -38.0, -36.0, -1.0, 0.0, 2.0, 700.0}) {
    CAPTURE(u);
    CHECK(log_of(kExp, u).logp == u);
    CHECK(log_of(kSigmoid, u).logp == log_sigmoid(u));
    const double wanted = u < -37 ? u : std::log(softplus(u));
    CHECK(log_of(kSoftplus, u).logp == doctest::Approx(wanted).epsilon(1e-14));
    const double slope = u < -37 ? 1 : sigmoid(u) / softplus(u);
    CHECK(log_of(kSoftplus, u).gradient[0] == doctest::Approx(slope).epsilon(1e-12));
  }
}

TEST_CASE("simplifier: equal values are one") {
  using enum ScalarOp;
  Graph graph;
  const ValueId x = graph.coordinate(0);
  const ValueId y = graph.coordinate(1);
  CHECK(graph.apply(kAdd, x, y) == graph.apply(kAdd, y, x));
  CHECK(graph.apply(kSubtract, x, y) != graph.apply(kSubtract, y, x));
  CHECK(graph.apply(kAdd, x, graph.constant(-0.0)) == x);
  CHECK(graph.apply(kSubtract, x, graph.constant(0)) == x);
  CHECK(graph.apply(kMultiply, graph.constant(1), x) == x);
  CHECK(graph.apply(kPow, x, graph.constant(2)) == graph.apply(kMultiply, x, x));
  CHECK(graph.apply(kNegate, graph.apply(kNegate, x)) == x);
  CHECK(graph.apply(kLog, graph.apply(kExp, x)) == x);
  CHECK(graph[graph.apply(kAdd, graph.constant(2), graph.constant(3))].number == 5);
  // Not these: x may be -0, or infinite.
  CHECK(graph.apply(kAdd, x, graph.constant(0)) != x);
  CHECK(graph.apply(kDivide, graph.constant(0), x) != graph.constant(0));
  CHECK(graph.apply(kMultiply, graph.constant(0), x) != graph.constant(0));
  CHECK(graph.apply(kSubtract, x, x) != graph.constant(0));
}

}  // namespace gpu_node::chain
