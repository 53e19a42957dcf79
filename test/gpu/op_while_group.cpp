// Loops whose rounds are the work of one workgroup: with reductions, products and views in them, to the bit what rounds
// recorded one by one give; and against loops of the host.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "base/concat.h"
#include "gpu/device.h"
#include "gpu/loop_case.h"
#include "gpu/plan_runner.h"
#include "kernels/loop/loop.h"

namespace gpu_node::test {
namespace {

using enum Dtype;
using ir::ValueName;

// A part of a loop that is a kernel, and the copy that a look may need.
constexpr uint64_t kOfKernel = 4;

ir::ReduceAttributes over(std::initializer_list<int64_t> axes) { return {ir::Axes(axes.begin(), axes.end()), false}; }

program::Value placed(Dtype dtype, const Shape& shape, const std::vector<double>& values,
                      Placement placement = Placement::kPlain) {
  std::vector<Number> numbers;
  for (const double value : values)
    numbers.push_back(is_float(dtype) ? Number::of_real(value) : Number::of(static_cast<int64_t>(value)));
  return to_device(HostTensor(dtype, shape, numbers), placement);
}

std::vector<double> some_numbers(int64_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(-1, 1);
  std::vector<double> values(static_cast<size_t>(count));
  for (double& value : values) value = static_cast<float>(uniform(random) / 8);
  return values;
}

// Of any numbers; of sums of floats finite ones, since which of two NaNs is their sum is the driver's choice.
program::Value operand_of(std::string_view op, Dtype type, const Shape& shape, uint32_t seed) {
  const bool adds = op == "sum" || op == "product";
  if (is_integer(type) || is_complex(type) || !adds) return to_device(any_tensor(type, shape, seed));
  return placed(type, shape, some_numbers(element_count(shape), seed));
}

// Steps of gradient descent on x' M x / 2 + sum(cos(x)).
ir::Program descent(Dtype type, int64_t n) {
  return counted_loop({{type, {n}}, {type, {n, n}}}, [&](ProgramBuilder& p, const std::vector<ValueName>& state) {
    const ValueName x = state[1], m = state[2];
    const ValueName right = p.op("dot", type, {n}, {m, x}, ir::DotAttributes{{1}, {}, {0}, {}});
    const ValueName left = p.op("dot", type, {n}, {x, m}, ir::DotAttributes{{0}, {}, {0}, {}});
    const ValueName half = p.op("multiply", type, {n}, {p.op("add", type, {n}, {left, right}), number(type, 0.5)});
    const ValueName slope = p.op("subtract", type, {n}, {half, p.op("sin", type, {n}, {x})});
    const ValueName step = p.op("multiply", type, {n}, {slope, number(type, 0.0625)});
    return std::vector{p.op("subtract", type, {n}, {x, step}), m};
  });
}

std::vector<double> descended(std::vector<double> x, const std::vector<double>& m, int rounds) {
  const size_t n = x.size();
  for (int round = 0; round < rounds; ++round) {
    std::vector<double> next = x;
    for (size_t i = 0; i < n; ++i) {
      double slope = 0;
      for (size_t k = 0; k < n; ++k) slope += (m[i * n + k] + m[k * n + i]) * x[k] / 2;
      next[i] -= (slope - std::sin(x[i])) * 0.0625;
    }
    x = next;
  }
  return x;
}

}  // namespace

TEST_CASE("while of a workgroup: products, lying in any way, of any small size") {
  for (const Dtype type : {f32, f64})
    for (const int64_t n : {1, 2, 3, 8, 10, 15, 24, type == f32 ? 33 : 30}) {
      CAPTURE(n);
      const std::vector<double> x = some_numbers(n, 3), m = some_numbers(n * n, 5);
      for (const Placement placement : {Placement::kPlain, Placement::kTransposed}) {
        const std::vector<program::Value> inputs = {scalar(s64, 0), placed(type, {n}, x, placement),
                                                    placed(type, {n, n}, m, placement), scalar(s64, 20)};
        const ProgramOutcome outcome = check_fused(descent(type, n), inputs);
        REQUIRE(outcome.error == "");
        CHECK(outcome.dispatches <= kOfKernel + 2 * (placement == Placement::kPlain ? 0 : 1));
        const std::vector<double> expected = descended(x, m, 20);
        for (int64_t i = 0; i < n; ++i) {
          const double off = outcome.outputs[1].number(i).as_real() - expected[static_cast<size_t>(i)];
          CHECK(std::abs(off) < (type == f32 ? 2e-5 : 1e-13));
        }
      }
    }
}

TEST_CASE("while of a workgroup: every reduction, over any axes, of views") {
  const struct {
    const char* op;
    std::vector<Dtype> types;
  } kReductions[] = {{"sum", {f32, f64, s32, u8, s64}},
                     {"product", {f32, f64, s32, u32}},
                     {"reduce_max", {f32, f64, s32, u8}},
                     {"reduce_min", {f32, f64, s32, u8}}};
  for (const auto& [op, types] : kReductions)
    for (const Dtype type : types)
      for (const Shape& shape : {Shape{3, 5}, Shape{8, 4}, Shape{1, 40}, Shape{33, 12}}) {
        CAPTURE(op);
        CAPTURE(dtype_name(type));
        CAPTURE(shape_text(shape));
        const int64_t rows = shape[0], columns = shape[1];
        const ir::Program program = counted_loop(
            {{type, shape}, {type, {rows}}, {type, {columns}}, {type, {}}},
            [&](ProgramBuilder& p, const std::vector<ValueName>& state) {
              const ValueName turned = p.op("reverse", type, shape, {state[1]}, ir::AxesAttributes{{{0}}});
              const ValueName other = p.op("transpose", type, {columns, rows}, {turned}, ir::AxesAttributes{});
              const ValueName by_row = p.op(op, type, {rows}, {turned}, over({1}));
              const ValueName by_column = p.op(op, type, {columns}, {other}, over({1}));
              const ValueName of_all = p.op(op, type, {}, {state[1]}, ir::ReduceAttributes{});
              const ValueName back = p.op("transpose", type, shape, {other}, ir::AxesAttributes{});
              return std::vector{back, by_row, by_column, of_all};
            });
        const std::vector<program::Value> inputs = {scalar(s64, 0),
                                                    operand_of(op, type, shape, 11),
                                                    operand_of(op, type, {rows}, 12),
                                                    operand_of(op, type, {columns}, 13),
                                                    operand_of(op, type, {}, 14),
                                                    scalar(s64, 3)};
        const ProgramOutcome outcome = check_fused(program, inputs);
        REQUIRE(outcome.error == "");
        CHECK(outcome.dispatches <= kOfKernel);
      }
}

TEST_CASE("while of a workgroup: sums with infinities and what is no number; signs of zeros") {
  const float inf = std::numeric_limits<float>::infinity(), none = std::nanf("");
  const ir::Program program =
      counted_loop({{f32, {4}}, {f32, {}}, {f32, {}}}, [](ProgramBuilder& p, const std::vector<ValueName>& state) {
        return std::vector{state[1], p.op("sum", f32, {}, {state[1]}, ir::ReduceAttributes{}),
                           p.op("dot", f32, {}, {state[1], state[1]}, ir::DotAttributes{{0}, {}, {0}, {}})};
      });
  for (const std::vector<float>& x : {std::vector<float>{1, inf, 2, 3},
                                      {inf, -inf, 0, 1},
                                      {none, 1, 2, 3},
                                      {-0.0f, -0.0f, -0.0f, -0.0f},
                                      {3e38f, 3e38f, -3e38f, 1e-45f}}) {
    float sum = -0.0f, product = 0;
    for (const float value : x) sum += value, product += value * value;
    const std::vector<program::Value> inputs = {scalar(s64, 0), vector(x), scalar(f32, 7), scalar(f32, 7),
                                                scalar(s64, 1)};
    const ProgramOutcome plain = run_program(program, inputs, false), fused = run_program(program, inputs, true);
    REQUIRE(plain.error == "");
    REQUIRE(fused.error == "");
    CHECK(fused.dispatches <= kOfKernel);
    for (const size_t k : {2u, 3u}) {
      const auto wanted = static_cast<float>(plain.outputs[k].number(0).as_real());
      const auto got = static_cast<float>(fused.outputs[k].number(0).as_real());
      CHECK((std::isnan(wanted) ? std::isnan(got) : wanted == got && std::signbit(wanted) == std::signbit(got)));
    }
    CHECK(std::isnan(fused.outputs[2].number(0).as_real()) == std::isnan(sum));
    CHECK(std::isnan(fused.outputs[3].number(0).as_real()) == std::isnan(product));
  }
}

TEST_CASE("while of a workgroup: truths and places of the best") {
  for (const Dtype type : {f32, f64, s32, u8}) {
    CAPTURE(dtype_name(type));
    const Shape shape{6, 7};
    const ir::Program program = counted_loop(
        {{type, shape}, {u8, {6}}, {u8, {}}, {s32, {7}}, {s32, {}}},
        [&](ProgramBuilder& p, const std::vector<ValueName>& state) {
          const ValueName next = p.op("reverse", type, shape, {state[1]}, ir::AxesAttributes{{{1}}});
          return std::vector{next, p.op("all", u8, {6}, {state[1]}, over({1})),
                             p.op("any", u8, {}, {state[1]}, ir::ReduceAttributes{}),
                             p.op("argmax", s32, {7}, {state[1]}, ir::ArgReduceAttributes{0, ir::TieBreak::kHigh}),
                             p.op("argmin", s32, {}, {state[1]}, ir::ArgReduceAttributes{})};
        });
    const std::vector<program::Value> inputs = {scalar(s64, 0),
                                                to_device(any_tensor(type, shape, 21)),
                                                to_device(HostTensor(u8, {6})),
                                                to_device(HostTensor(u8, {})),
                                                to_device(HostTensor(s32, {7})),
                                                to_device(HostTensor(s32, {})),
                                                scalar(s64, 2)};
    REQUIRE(check_fused(program, inputs).error == "");
  }
}

TEST_CASE("while of a workgroup: goes on until all steps are short") {
  for (const int64_t n : {1, 2, 10, 100, 1000}) {
    CAPTURE(n);
    const auto step = [n](ProgramBuilder& p, ValueName x) {
      const ValueName square = p.op("multiply", f32, {n}, {x, x});
      const ValueName cube = p.op("multiply", f32, {n}, {square, x});
      return p.op(
          "divide", f32, {n},
          {p.op("subtract", f32, {n}, {cube, number(f32, 2)}), p.op("multiply", f32, {n}, {square, number(f32, 3)})});
    };
    ProgramBuilder condition;
    condition.input(f32, {n});
    const ValueName last = condition.input(f32, {n});
    const ValueName is_long =
        condition.op("greater", u8, {n}, {condition.op("abs", f32, {n}, {last}), number(f32, 1e-6)});
    ProgramBuilder body;
    const ValueName x = body.input(f32, {n});
    body.input(f32, {n});
    const ValueName by = step(body, x);
    ProgramBuilder p;
    const ValueName from = p.input(f32, {n});
    const std::vector<ValueName> results =
        p.loop({from, from}, {{f32, {n}}, {f32, {n}}},
               condition.with_outputs({condition.op("any", u8, {}, {is_long}, ir::ReduceAttributes{})}),
               body.with_outputs({body.op("subtract", f32, {n}, {x, by}), by}));
    const ir::Program program = p.with_outputs({results[0], results[1]});
    std::vector<float> starts;
    for (int64_t i = 0; i < n; ++i) starts.push_back(0.5f + static_cast<float>(i % 13) / 8);
    const ProgramOutcome outcome = check_fused(program, std::vector<program::Value>{vector(starts)});
    REQUIRE(outcome.error == "");
    CHECK(outcome.dispatches <= kOfKernel);
    for (const float root : floats(outcome.outputs[0])) CHECK(std::abs(root - std::cbrt(2.0)) < 2e-7);
  }
}

TEST_CASE("while of a workgroup: state that trades places is seen as it was before the round") {
  const Shape square{4, 4};
  const ir::Program program = counted_loop(
      {{f32, square}, {f32, square}, {f32, {4}}, {f32, {}}, {f32, {}}},
      [&](ProgramBuilder& p, const std::vector<ValueName>& state) {
        const ValueName sum = p.op("sum", f32, {}, {state[3]}, ir::ReduceAttributes{});
        const ValueName row = p.op(
            "reshape", f32, {4}, {p.op("slice", f32, {1, 4}, {state[1]}, ir::SliceAttributes{{{2, 0}}, {{1, 4}}, {}})});
        return std::vector{p.op("transpose", f32, square, {state[2]}, ir::AxesAttributes{}), state[1], row, state[5],
                           sum};
      });
  std::vector<double> a, b;
  for (int i = 0; i < 16; ++i) {
    a.push_back(i);
    b.push_back(100 - i);
  }
  for (const int64_t rounds : {0, 1, 2, 3, 7}) {
    CAPTURE(rounds);
    const std::vector<program::Value> inputs = {scalar(s64, 0),
                                                placed(f32, square, a),
                                                placed(f32, square, b),
                                                vector({1, 2, -0.0f, std::nanf("")}),
                                                scalar(f32, 1.5),
                                                scalar(f32, 2.5),
                                                scalar(s64, static_cast<double>(rounds))};
    const ProgramOutcome outcome = check_fused(program, inputs);
    REQUIRE(outcome.error == "");
    CHECK(outcome.dispatches <= kOfKernel);
    std::vector<double> left = a, right = b;
    for (int64_t r = 0; r < rounds; ++r) {
      std::vector<double> turned(16);
      for (size_t i = 0; i < 4; ++i)
        for (size_t k = 0; k < 4; ++k) turned[i * 4 + k] = right[k * 4 + i];
      right = left;
      left = turned;
    }
    for (int64_t i = 0; i < 16; ++i) CHECK(outcome.outputs[1].number(i).as_real() == left[static_cast<size_t>(i)]);
  }
}

TEST_CASE("while of a workgroup: counters, numbers that are broadcast, and what arrays take of each other's places") {
  // Ten arrays of 500 live at a time, of more than fit beside each other.
  constexpr int64_t n = 500;
  const ir::Program program =
      counted_loop({{s32, {n}}, {s32, {}}}, [&](ProgramBuilder& p, const std::vector<ValueName>& state) {
        ValueName now = state[1];
        for (int i = 0; i < 20; ++i) {
          const ValueName turned = p.op("reverse", s32, {n}, {now}, ir::AxesAttributes{});
          const ValueName places = p.op("iota", s32, {n}, {}, ir::IotaAttributes{});
          now = p.op("add", s32, {n}, {p.op("subtract", s32, {n}, {turned, places}), state[2]});
        }
        return std::vector{now, p.op("sum", s32, {}, {now}, ir::ReduceAttributes{})};
      });
  const std::vector<program::Value> inputs = {scalar(s64, 0), placed(s32, {n}, std::vector<double>(n, 3)),
                                              scalar(s32, 5), scalar(s64, 3)};
  const ProgramOutcome outcome = check_fused(program, inputs);
  REQUIRE(outcome.error == "");
  CHECK(outcome.dispatches <= kOfKernel);
  std::vector<int32_t> expected(n, 3);
  uint32_t sum = 5;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 20; ++i) {
      std::vector<int32_t> next(n);
      for (size_t k = 0; k < n; ++k)
        next[k] = static_cast<int32_t>(static_cast<uint32_t>(expected[n - 1 - k]) - static_cast<uint32_t>(k) + sum);
      expected = next;
    }
    sum = 0;
    for (const int32_t value : expected) sum += static_cast<uint32_t>(value);
  }
  for (int64_t i = 0; i < n; ++i) CHECK(outcome.outputs[1].number(i).integer == expected[static_cast<size_t>(i)]);
  CHECK(static_cast<uint32_t>(outcome.outputs[2].number(0).integer) == sum);
}

TEST_CASE("while of a workgroup: more rounds than a dispatch has") {
  const ir::Program program = counted_loop({{u32, {5}}}, [](ProgramBuilder& p, const std::vector<ValueName>& state) {
    const ValueName sum = p.op("sum", u32, {}, {state[1]}, ir::ReduceAttributes{});
    const ValueName more = p.op("add", u32, {5}, {state[1], p.op("iota", u32, {5}, {}, ir::IotaAttributes{})});
    return std::vector{p.op("bitwise_xor", u32, {5}, {more, sum})};
  });
  std::array<uint32_t, 5> expected{1, 2, 3, 4, 5};
  for (int round = 0; round < 70'000; ++round) {
    uint32_t sum = 0;
    for (const uint32_t value : expected) sum += value;
    for (uint32_t k = 0; k < 5; ++k) expected[k] = (expected[k] + k) ^ sum;
  }
  const ProgramOutcome outcome = run_program(
      program, std::vector<program::Value>{scalar(s64, 0), placed(u32, {5}, {1, 2, 3, 4, 5}), scalar(s64, 70'000)},
      true);
  REQUIRE(outcome.error == "");
  for (int64_t i = 0; i < 5; ++i) CHECK(outcome.outputs[1].number(i).integer == expected[static_cast<size_t>(i)]);
}

TEST_CASE("while of a workgroup: rounds that are more than that are recorded") {
  for (const int64_t n : {20, 5000}) {
    // Products by tiles; arrays beyond shared memory.
    const Shape shape = n == 20 ? Shape{n, n} : Shape{n};
    const ir::Program program =
        counted_loop({{f32, shape}, {f32, {}}}, [&](ProgramBuilder& p, const std::vector<ValueName>& state) {
          const ValueName sum = p.op("sum", f32, {}, {state[1]}, ir::ReduceAttributes{});
          const ValueName next =
              n == 20 ? p.op("dot", f32, shape, {state[1], state[1]}, ir::DotAttributes{{1}, {}, {0}, {}})
                      : p.op("add", f32, shape, {state[1], number(f32, 1)});
          return std::vector{next, sum};
        });
    const std::vector<program::Value> inputs = {
        scalar(s64, 0), placed(f32, shape, some_numbers(element_count(shape), 9)), scalar(f32, 0), scalar(s64, 4)};
    const ProgramOutcome outcome = check_fused(program, inputs);
    REQUIRE(outcome.error == "");
    CHECK(outcome.dispatches > kOfKernel);
  }
}

TEST_CASE("while of a workgroup: planned for a card, for little shared memory, for drivers that end long loops") {
  const ir::Program program = descent(f32, 10);
  const auto code = kernels::loop_code(program.bodies[0], program.bodies[1]);
  REQUIRE(code);
  REQUIRE(std::holds_alternative<kernels::GroupLoop>(code->code));
  const std::vector<double> x = some_numbers(10, 3), m = some_numbers(100, 5);
  const std::vector<double> expected = descended(x, m, 100);
  const std::vector<program::Value> inputs = {scalar(s64, 0), placed(f32, {10}, x), placed(f32, {10, 10}, m),
                                              scalar(s64, 100)};
  vulkan::DeviceInfo info = device().info();
  info.software = false;
  info.max_loop_iterations = 65'535;
  for (const uint32_t shared : {16384u, 32768u}) {
    info.shared_memory_bytes = shared;
    const Result<kernels::LoopPlan> plan = kernels::plan_loop(*code, true, info);
    REQUIRE(plan.ok());
    std::vector<vulkan::BufferRef> operands, results;
    for (const program::Value& input : inputs) operands.push_back(std::get<program::Tensor>(input).storage->parts[0]);
    for (const size_t bytes : {8u, 40u, 400u, 4u}) results.push_back(upload(device(), std::vector<std::byte>(bytes)));
    REQUIRE(record_plan(device(), plan->plan, operands, results).ok());
    finish(device());
    CHECK(download_as<int64_t>(device(), results[0], 1)[0] == 100);
    CHECK(download_as<uint32_t>(device(), results[3], 1)[0] == 0);
    const std::vector<float> got = download_as<float>(device(), results[1], 10);
    for (size_t i = 0; i < 10; ++i) CHECK(std::abs(got[i] - expected[i]) < 2e-5);
  }
  info.shared_memory_bytes = 256;
  const Result<kernels::LoopPlan> refused = kernels::plan_loop(*code, true, info);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::kUnsupported);
}

}  // namespace gpu_node::test
