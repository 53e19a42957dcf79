// The simplifier at numbers that are none, have no end or are nearly nothing: it changes no value but as
// specs/README.md lists.
#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "chain/evaluator.h"
#include "chain/graph.h"

namespace gpu_node::chain {
namespace {

using enum ScalarOp;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kHuge = std::numeric_limits<double>::max();
constexpr double kTiny = std::numeric_limits<double>::denorm_min();
constexpr double kSpecial[] = {0.0,   -0.0,   1,     -1,     kInfinity, -kInfinity, kNan,
                               kHuge, -kHuge, kTiny, -kTiny, 2.5,       1e-200};

bool same(double a, double b) {
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b) || (std::isnan(a) && std::isnan(b));
}

double value_at(Graph graph, ValueId id, std::span<const double> at) {
  const auto program = make_program({.dimensions = {{"n"}}, .variables = {{"x"}, {"y"}, {"z"}}, .data = {{"t", {0}}}},
                                    std::move(graph), id);
  REQUIRE(program.ok());
  const Binding binding{.dimensions = {3}, .data = {{kHuge, -0.0, 4}}};
  auto evaluator = Evaluator::make(*program, binding);
  REQUIRE(evaluator.ok());
  return evaluator->evaluate(at).logp;
}

// Calls |build| with a graph that simplifies and one that does not; the values at |at| of what it gives.
template <typename Build>
std::pair<double, double> both(Build build, std::span<const double> at) {
  Graph simple;
  Graph plain(Graph::Simplify::kNo);
  const ValueId a = build(simple);
  const ValueId b = build(plain);
  return {value_at(std::move(simple), a, at), value_at(std::move(plain), b, at)};
}

// Made of the ops and constants whose rules are exact: no products of ordinary constants, powers, logarithms of
// transforms.
ValueId random_value(Graph& graph, std::mt19937& random, int depth) {
  if (depth == 0) {
    constexpr double kConstants[] = {0.0, -0.0, 1, -1, kInfinity, -kInfinity, kNan};
    if (random() % 2 == 0) return graph.constant(kConstants[random() % std::size(kConstants)]);
    return graph.coordinate(static_cast<uint16_t>(random() % 3));
  }
  constexpr ScalarOp kOps[] = {kAdd,    kAdd,    kSubtract, kSubtract, kMultiply, kMultiply,     kDivide, kDivide,
                               kNegate, kNegate, kSelect,   kMin,      kMax,      kClip,         kLess,   kEqual,
                               kExp,    kAbs,    kSqrt,     kSign,     kAtan2,    kGreaterEqual, kIsNan,  kLogicalOr};
  const ScalarOp op = kOps[random() % std::size(kOps)];
  std::vector<ValueId> operands;
  operands.reserve(kMaxOperands);
  for (int i = 0; i < operand_count(op); ++i) operands.push_back(random_value(graph, random, depth - 1));
  // Equal operands are what x - x and x / x need.
  if (operands.size() == 2 && random() % 6 == 0) operands[1] = operands[0];
  return graph.apply(op, operands);
}

}  // namespace

TEST_CASE("simplifier: special values stay what they are, to the bit" * doctest::test_suite("truth")) {
  int finite = 0;
  for (uint32_t round = 0; round < 30000; ++round) {
    std::mt19937 random(round);
    const std::array<double, 3> at = {kSpecial[random() % std::size(kSpecial)],
                                      kSpecial[random() % std::size(kSpecial)],
                                      kSpecial[random() % std::size(kSpecial)]};
    const uint32_t seed = random();
    const int depth = 1 + static_cast<int>(round % 4);
    const auto [found, wanted] = both(
        [&](Graph& graph) {
          std::mt19937 own(seed);
          return random_value(graph, own, depth);
        },
        at);
    CAPTURE(round);
    CHECK(same(found, wanted));
    finite += std::isfinite(wanted) ? 1 : 0;
  }
  CHECK(finite > 10000);
}

TEST_CASE("simplifier: every rule of one or two operands, at special values" * doctest::test_suite("truth")) {
  for (const ScalarOp op : {kAdd, kSubtract, kMultiply, kDivide, kMin, kMax})
    for (const double constant : kSpecial)
      for (const double x : kSpecial)
        for (const bool first : {true, false})
          for (const bool negated : {true, false}) {
            const auto [found, wanted] = both(
                [&](Graph& graph) {
                  const ValueId c = graph.constant(constant);
                  const ValueId value = negated ? graph.apply(kNegate, graph.coordinate(0)) : graph.coordinate(0);
                  const ValueId result = first ? graph.apply(op, c, value) : graph.apply(op, value, c);
                  return graph.apply(kDivide, graph.constant(1), result);  // tells 0 from -0
                },
                std::array{x, 0.0, 0.0});
            CAPTURE(std::string(name_of(op)));
            CAPTURE(constant);
            CAPTURE(x);
            CHECK(same(found, wanted));
          }
  for (const ScalarOp op : {kAdd, kSubtract, kMultiply, kDivide})
    for (const double x : kSpecial) {
      const auto [found, wanted] =
          both([&](Graph& graph) { return graph.apply(op, graph.coordinate(0), graph.coordinate(0)); },
               std::array{x, 0.0, 0.0});
      CHECK(same(found, wanted));
    }
}

TEST_CASE("simplifier: what the page lists, and no more than it says") {
  const auto near = [](double a, double b) {
    return same(a, b) || std::fabs(a - b) <= 1e-14 * std::fmax(1e-300, std::fabs(b));
  };
  // Powers, at every pair of special values: x * x, 1 / x, and exp(u * y) of a finite u.
  for (const double power : {0.0, 1.0, 2.0, -1.0, 3.0, 0.5})
    for (const double x : kSpecial) {
      const auto [found, wanted] =
          both([&](Graph& graph) { return graph.apply(kPow, graph.coordinate(0), graph.constant(power)); },
               std::array{x, 0.0, 0.0});
      CAPTURE(power);
      CAPTURE(x);
      CHECK(near(found, wanted));
    }
  // Constants are multiplied where the product is an ordinary number in every type.
  for (const double c : {1e25, 1e-25, 3.0, 0.0, kInfinity, kHuge, kTiny})
    for (const double e : {1e25, 1e-25, -7.0, 0.0, kInfinity, kHuge, kTiny})
      for (const double x : {0.0, 1e-25, -3.0, kInfinity, kNan}) {
        const auto [found, wanted] = both(
            [&](Graph& graph) {
              return graph.apply(kMultiply, graph.constant(c),
                                 graph.apply(kMultiply, graph.constant(e), graph.coordinate(0)));
            },
            std::array{x, 0.0, 0.0});
        CAPTURE(c);
        CAPTURE(e);
        CHECK(near(found, wanted));
      }
  Graph graph;
  const ValueId product =
      graph.apply(kMultiply, graph.constant(1e25), graph.apply(kMultiply, graph.constant(1e25), graph.coordinate(0)));
  // 1e50 is infinite in f32.
  for (const Value& value : graph.values()) CHECK((value.kind != ValueKind::kConstant || value.number == 1e25));
  CHECK(graph[product].op == kMultiply);
}

TEST_CASE("simplifier: a constant leaves a sum only if it cannot lose it" * doctest::test_suite("truth")) {
  // t has the greatest number that there is: its sum with itself is infinite, 0 times it is not.
  for (const double c : {0.0, -0.0, kTiny, 1e-200, 1e-40, kInfinity, kNan}) {
    const auto [found, wanted] = both(
        [&](Graph& graph) {
          const IndexId i = graph.index_over(0, 0);
          const ValueId t = graph.data(0, std::array{graph.index(i)});
          const ValueId twice = graph.apply(kAdd, t, graph.apply(kMultiply, t, graph.coordinate(0)));
          return graph.sum(i, graph.apply(kMultiply, graph.constant(c), graph.apply(kMax, twice, t)));
        },
        std::array{0.5, 0.0, 0.0});
    CAPTURE(c);
    CHECK(same(found, wanted));
  }
}

}  // namespace gpu_node::chain
