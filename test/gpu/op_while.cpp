// Loops on the device against loops of the host: how many rounds, over what state, with what in a round; fused, where a
// round is recorded or the whole is a kernel, and each instruction by itself.
#include <doctest/doctest.h>

#include <cmath>

#include "base/concat.h"
#include "gpu/loop_case.h"

namespace gpu_node::test {
namespace {

using enum Dtype;
using ir::ValueName;

constexpr int64_t kRounds[] = {0, 1, 2, 3, 4, 5, 63, 100, 1000};

}  // namespace

TEST_CASE("while: as many rounds as the condition says, none among them") {
  const ir::Program program = counted_loop({{f32, {}}}, [](ProgramBuilder& p, const std::vector<ValueName>& state) {
    const ValueName half = p.op("multiply", f32, {}, {state[1], number(f32, 0.5)});
    return std::vector{p.op("add", f32, {}, {half, number(f32, 3)})};
  });
  for (const int64_t rounds : kRounds) {
    CAPTURE(rounds);
    float expected = 100;
    for (int64_t i = 0; i < rounds; ++i) expected = expected * 0.5f + 3;
    const std::vector<program::Value> inputs = {scalar(s64, 0), scalar(f32, 100),
                                                scalar(s64, static_cast<double>(rounds))};
    const ProgramOutcome outcome = check_fused(program, inputs);
    REQUIRE(outcome.error == "");
    CHECK(outcome.outputs[0].number(0).integer == rounds);
    CHECK(outcome.outputs[1].number(0).as_real() == expected);
  }
}

TEST_CASE("while: a condition of what rounds compute, branches in them") {
  // How many rounds it takes from |from| to 1: halves of what is even, three times and one more of what is odd.
  ProgramBuilder condition;
  const ValueName number_now = condition.input(s64, {});
  condition.input(s32, {});
  const ir::Program goes_on = condition.with_outputs({condition.op("not_equal", u8, {}, {number_now, number(s64, 1)})});
  ProgramBuilder body;
  const ValueName n = body.input(s64, {}), steps = body.input(s32, {});
  const ValueName odd = body.op("remainder", s64, {}, {n, number(s64, 2)});
  const ValueName is_even = body.op("equal", u8, {}, {odd, number(s64, 0)});
  const ValueName half = body.op("quotient", s64, {}, {n, number(s64, 2)});
  const ValueName triple = body.op("add", s64, {}, {body.op("multiply", s64, {}, {n, number(s64, 3)}), number(s64, 1)});
  const ValueName next = body.op("select", s64, {}, {is_even, half, triple});
  const ValueName more = body.op("add", s32, {}, {steps, number(s32, 1)});
  ProgramBuilder p;
  const ValueName from = p.input(s64, {}), none = p.input(s32, {});
  const std::vector<ValueName> results =
      p.loop({from, none}, {{s64, {}}, {s32, {}}}, goes_on, body.with_outputs({next, more}));
  const ir::Program program = p.with_outputs({results[0], results[1]});
  for (const int64_t start : {1, 2, 27, 97}) {
    int64_t expected = 0;
    for (int64_t k = start; k != 1; ++expected) k = k % 2 == 0 ? k / 2 : 3 * k + 1;
    const ProgramOutcome outcome =
        check_fused(program, std::vector<program::Value>{scalar(s64, static_cast<double>(start)), number(s32, 0)});
    REQUIRE(outcome.error == "");
    CHECK(outcome.outputs[1].number(0).integer == expected);
  }
}

TEST_CASE("while: more rounds than an invocation's loops may have on old drivers") {
  const ir::Program program = counted_loop({{u32, {}}}, [](ProgramBuilder& p, const std::vector<ValueName>& state) {
    const ValueName product = p.op("multiply", u32, {}, {state[1], Scalar{u32, uint64_t{1664525}}});
    return std::vector{p.op("add", u32, {}, {product, Scalar{u32, uint64_t{1013904223}}})};
  });
  uint32_t expected = 1;
  for (int i = 0; i < 70'000; ++i) expected = expected * 1664525u + 1013904223u;
  const std::vector<program::Value> inputs = {scalar(s64, 0), scalar(u32, 1), scalar(s64, 70'000)};
  const ProgramOutcome outcome = run_program(program, inputs, true);
  REQUIRE(outcome.error == "");
  CHECK(outcome.outputs[0].number(0).integer == 70'000);
  CHECK(outcome.outputs[1].number(0).integer == expected);
}

TEST_CASE("while: vectors, with what all rounds have alike, lying in any way") {
  for (const int64_t size : {1, 10, 1000}) {
    // Gradient descent towards |target|, with momentum.
    const ir::TensorType of{f32, {size}};
    const ir::Program program = counted_loop({of, of, of}, [&](ProgramBuilder& p, const std::vector<ValueName>& state) {
      const ValueName slope = p.op("subtract", f32, {size}, {state[1], state[3]});
      const ValueName kept = p.op("multiply", f32, {size}, {state[2], number(f32, 0.875)});
      const ValueName speed = p.op("add", f32, {size}, {kept, slope});
      const ValueName step = p.op("multiply", f32, {size}, {speed, number(f32, 0.0625)});
      return std::vector{p.op("subtract", f32, {size}, {state[1], step}), speed, state[3]};
    });
    std::vector<float> x, target;
    for (int64_t i = 0; i < size; ++i) {
      x.push_back(static_cast<float>(i) - 3);
      target.push_back(i % 7 == 3 ? std::nanf("") : 1 / static_cast<float>(i + 1));
    }
    for (const Placement placement : {Placement::kPlain, Placement::kTransposed}) {
      std::vector<Number> numbers;
      for (const float value : target) numbers.push_back(Number::of_real(value));
      const std::vector<program::Value> inputs = {scalar(s64, 0), vector(x), vector(std::vector<float>(x.size(), 0)),
                                                  to_device(HostTensor(f32, {size}, numbers), placement),
                                                  scalar(s64, 100)};
      const ProgramOutcome outcome = check_fused(program, inputs);
      REQUIRE(outcome.error == "");
      std::vector<float> expected = x, speed(x.size());
      for (int i = 0; i < 100; ++i)
        for (size_t k = 0; k < x.size(); ++k) {
          speed[k] = speed[k] * 0.875f + (expected[k] - target[k]);
          expected[k] = expected[k] - speed[k] * 0.0625f;
        }
      const std::vector<float> got = floats(outcome.outputs[1]);
      for (size_t k = 0; k < x.size(); ++k) {
        CAPTURE(k);
        CHECK((std::isnan(expected[k]) ? std::isnan(got[k]) : got[k] == expected[k]));
      }
    }
  }
}

TEST_CASE("while: a body with dots and reductions, a condition that has one too") {
  constexpr int64_t n = 12;
  // A power iteration until the vector hardly changes.
  ProgramBuilder condition;
  condition.input(f32, {n});
  const ValueName change = condition.input(f32, {n});
  condition.input(f32, {n, n});
  const ValueName most =
      condition.op("reduce_max", f32, {}, {condition.op("abs", f32, {n}, {change})}, ir::ReduceAttributes{});
  ProgramBuilder body;
  const ValueName x = body.input(f32, {n});
  body.input(f32, {n});
  const ValueName matrix = body.input(f32, {n, n});
  const ValueName y = body.op("dot", f32, {n}, {matrix, x}, ir::DotAttributes{{1}, {}, {0}, {}});
  const ValueName size = body.op("reduce_max", f32, {}, {body.op("abs", f32, {n}, {y})}, ir::ReduceAttributes{});
  const ValueName next = body.op("divide", f32, {n}, {y, size});
  const ValueName delta = body.op("subtract", f32, {n}, {next, x});
  ProgramBuilder p;
  const ValueName from = p.input(f32, {n}), first = p.input(f32, {n}), of = p.input(f32, {n, n});
  const std::vector<ValueName> results =
      p.loop({from, first, of}, {{f32, {n}}, {f32, {n}}},
             condition.with_outputs({condition.op("greater", u8, {}, {most, number(f32, 1e-6)})}),
             body.with_outputs({next, delta}));
  const ir::Program program = p.with_outputs({results[0], results[1]});
  HostTensor m(f32, {n, n});
  for (int64_t i = 0; i < n * n; ++i)
    encode(f32, Number::of_real(i / n == i % n ? static_cast<double>(i / n + 1) : 0.01), m.element(m.position(i)));
  const std::vector<program::Value> inputs = {vector(std::vector<float>(n, 1)), vector(std::vector<float>(n, 1)),
                                              to_device(m)};
  const ProgramOutcome outcome = check_fused(program, inputs);
  REQUIRE(outcome.error == "");
  const std::vector<float> got = floats(outcome.outputs[0]);
  // The eigenvector of the largest eigenvalue, which is near 12.
  for (int64_t i = 0; i < n; ++i) {
    double sum = 0;
    for (int64_t k = 0; k < n; ++k) sum += m.number(i * n + k).as_real() * got[static_cast<size_t>(k)];
    double largest = 0;
    for (int64_t k = 0; k < n; ++k) largest += m.number((n - 1) * n + k).as_real() * got[static_cast<size_t>(k)];
    CHECK(std::abs(sum / largest - got[static_cast<size_t>(i)]) < 2e-6);
  }
  for (const float left : floats(outcome.outputs[1])) CHECK(std::abs(left) <= 1e-6f);
}

TEST_CASE("while: a loop in a loop") {
  // Sums of 1 to k for k up to the number of rounds.
  ir::Program inner = counted_loop({{s64, {}}}, [](ProgramBuilder& p, const std::vector<ValueName>& state) {
    return std::vector{p.op("add", s64, {}, {state[1], state[0]})};
  });
  const ir::Program program = counted_loop({{s64, {}}}, [&](ProgramBuilder& p, const std::vector<ValueName>& state) {
    const ValueName zero = p.op("subtract", s64, {}, {state[0], state[0]});
    const ValueName end = p.op("add", s64, {}, {state[0], number(s64, 1)});
    const std::vector<ValueName> sums =
        p.loop({zero, state[1], end}, {{s64, {}}, {s64, {}}}, std::move(inner.bodies[0]), std::move(inner.bodies[1]));
    return std::vector{sums[1]};
  });
  for (const int64_t rounds : {0, 1, 7, 20}) {
    int64_t expected = 0;
    for (int64_t i = 0; i < rounds; ++i)
      for (int64_t k = 0; k < i + 1; ++k) expected += k;
    const std::vector<program::Value> inputs = {scalar(s64, 0), scalar(s64, 0),
                                                scalar(s64, static_cast<double>(rounds))};
    const ProgramOutcome outcome = check_fused(program, inputs);
    REQUIRE(outcome.error == "");
    CHECK(outcome.outputs[1].number(0).integer == expected);
  }
}

TEST_CASE("while: values of several types trade places, and one is a constant of the body") {
  const ir::TensorType f{f32, {3}}, i{s32, {3}}, c{c64, {}}, b{u8, {2}};
  const ir::Program program = counted_loop({f, f, i, c, b}, [](ProgramBuilder& p, const std::vector<ValueName>& state) {
    const ValueName turned = p.op("multiply", c64, {}, {state[4], Scalar{c64, std::complex<double>(0, 1)}});
    const ValueName more = p.op("add", s32, {3}, {state[3], p.op("iota", s32, {3}, {}, ir::IotaAttributes{})});
    return std::vector{state[2], state[1], more, turned,
                       p.op("constant", u8, {2}, {}, ir::ConstantAttributes{number(u8, 7)})};
  });
  for (const int64_t rounds : {0, 1, 2, 5}) {
    CAPTURE(rounds);
    const std::vector<program::Value> inputs = {scalar(s64, 0),
                                                vector({1, 2, 3}),
                                                vector({4, 5, -0.0f}),
                                                to_device(HostTensor(s32, {3})),
                                                to_device(HostTensor(c64, {})),
                                                to_device(HostTensor(u8, {2})),
                                                scalar(s64, static_cast<double>(rounds))};
    const ProgramOutcome outcome = check_fused(program, inputs);
    REQUIRE(outcome.error == "");
    CHECK(outcome.outputs[1].number(0).as_real() == (rounds % 2 == 0 ? 1 : 4));
    CHECK(outcome.outputs[2].number(1).as_real() == (rounds % 2 == 0 ? 5 : 2));
    CHECK(outcome.outputs[3].number(2).integer == 2 * rounds);
    CHECK(outcome.outputs[5].number(1).integer == (rounds == 0 ? 0 : 7));
  }
}

TEST_CASE("while: what fails in a round names the instruction of the body") {
  const ir::Program program = counted_loop({{f32, {4}}}, [](ProgramBuilder& p, const std::vector<ValueName>& state) {
    return std::vector{p.op("sort", f32, {4}, {state[1]}, ir::OrderAttributes{})};
  });
  const auto made = program::CompiledProgram::make(program, std::nullopt);
  REQUIRE(made.ok());
  program::ProgramRun run(executor());
  const std::vector<program::Value> inputs = {scalar(s64, 0), vector({4, 3, 2, 1}), scalar(s64, 10)};
  const std::vector<program::Operand> operands(inputs.begin(), inputs.end());
  REQUIRE(run.begin(*made, operands).ok());
  const program::Charge poor = [](uint64_t bytes) -> Result<program::Payment> {
    if (bytes == 16) return Error{ErrorCode::kQuota, "no more"};
    return program::Payment();
  };
  Result<bool> step = false;
  while (step.ok() && !*step) {
    if (run.rest() != nullptr && run.rest()->kernel.valid()) run.rest()->kernel.wait();
    step = run.step(0, {poor, poor});
  }
  REQUIRE_FALSE(step.ok());
  CHECK(step.error().code == ErrorCode::kQuota);
  CHECK(step.error().message.starts_with("run_program: instruction 0: while s64{}, f32{4}, s64{}, body 1"));
  CHECK(step.error().message.find("body: instruction 1: sort f32{4} -> f32{4}: no more") != std::string::npos);
}

}  // namespace gpu_node::test
