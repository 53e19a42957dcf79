// Known programs: in how many dispatches they run when they are fused, and that their bits stay what they were.
#include <doctest/doctest.h>

#include "base/concat.h"
#include "fuse/text.h"
#include "gpu/program_case.h"
#include "program_builder.h"

namespace gpu_node::test {
namespace {

using enum Dtype;
using ir::ValueName;

Scalar number(double value) { return {f32, value}; }

program::Value tensor(Dtype dtype, const Shape& shape, uint32_t seed = 1, Placement placement = Placement::kPlain) {
  return to_device(any_tensor(dtype, shape, seed), placement);
}

}  // namespace

TEST_CASE("fuse programs: ten ops in a line are one dispatch, of vectors too") {
  for (const int64_t size : {7, 1000, 100'000}) {
    ProgramBuilder p;
    const ValueName x = p.input(f32, {size});
    ValueName a = x;
    for (int i = 0; i < 5; ++i) {
      a = p.op("multiply", f32, {size}, {a, number(1 + i * 0.125)});
      a = p.op("subtract", f32, {size}, {a, x});
    }
    const std::vector<program::Value> inputs = {tensor(f32, {size})};
    CHECK(check_fused(p.with_outputs({a}), inputs).dispatches == 1);
  }
}

TEST_CASE("fuse programs: outputs of one input, and what they share, are one dispatch") {
  ProgramBuilder p;
  const ValueName x = p.input(f32, {300}), y = p.input(f32, {300});
  const ValueName t = p.op("multiply", f32, {300}, {x, y});
  const ValueName a = p.op("exp", f32, {300}, {t});
  const ValueName b = p.op("add", f32, {300}, {t, number(0.5)});
  const ValueName c = p.op("greater", u8, {300}, {x, number(0)});
  const std::vector<program::Value> inputs = {tensor(f32, {300}, 1), tensor(f32, {300}, 2)};
  CHECK(check_fused(p.with_outputs({a, b, t, c}), inputs).dispatches == 1);
}

TEST_CASE("fuse programs: operands that lie otherwise, broadcast or are numbers in a run") {
  for (const int64_t rows : {3, 300}) {
    ProgramBuilder p;
    const ValueName x = p.input(f32, {rows, 400}), y = p.input(f32, {400}), z = p.input(f32, {rows, 1}),
                    s = p.input(f32, {});
    const ValueName a = p.op("add", f32, {rows, 400}, {x, y});
    const ValueName b = p.op("multiply", f32, {rows, 400}, {a, z});
    const ValueName c = p.op("subtract", f32, {rows, 400}, {b, s});
    const ValueName d = p.op("add", f32, {rows, 400}, {c, p.op("iota", f32, {400}, {}, ir::IotaAttributes{})});
    const ir::Program program = p.with_outputs({d});
    for (const Placement placement : {Placement::kPlain, Placement::kTransposed}) {
      const std::vector<program::Value> inputs = {tensor(f32, {rows, 400}, 1, placement), tensor(f32, {400}, 2),
                                                  tensor(f32, {rows, 1}, 3), number(1.5)};
      CHECK(check_fused(program, inputs).dispatches == 1);
    }
  }
}

TEST_CASE("fuse programs: identities that drivers like are kept to the bit") {
  ProgramBuilder p;
  const ValueName x = p.input(f32, {64}), y = p.input(f32, {64}), h = p.input(f16, {64});
  const ValueName back = p.op("log", f32, {64}, {p.op("exp", f32, {64}, {x})});
  const ValueName forth = p.op("exp", f32, {64}, {p.op("log", f32, {64}, {x})});
  const ValueName zero = p.op("multiply", f32, {64}, {p.op("multiply", f32, {64}, {x, number(0)}), y});
  const ValueName rest = p.op("subtract", f32, {64}, {p.op("add", f32, {64}, {x, y}), x});
  const ValueName contracted = p.op("add", f32, {64}, {p.op("multiply", f32, {64}, {x, y}), y});
  const ValueName same = p.op("pow", f32, {64}, {p.op("add", f32, {64}, {x, number(0)}), number(1)});
  const ValueName wide =
      p.op("as_type", f32, {64}, {p.op("as_type", f16, {64}, {p.op("multiply", f32, {64}, {x, y})})});
  const ValueName half = p.op("subtract", f16, {64}, {p.op("add", f16, {64}, {h, Scalar{f16, 1000.0}}), h});
  const ValueName narrow =
      p.op("as_type", f64, {64},
           {p.op("as_type", f32, {64}, {p.op("divide", f64, {64}, {x, p.op("as_type", f64, {64}, {y})})})});
  const ValueName twice = p.op("negate", f32, {64}, {p.op("subtract", f32, {64}, {y, x})});
  const std::vector<program::Value> inputs = {tensor(f32, {64}, 1), tensor(f32, {64}, 2), tensor(f16, {64}, 3)};
  check_fused(p.with_outputs({back, forth, zero, rest, contracted, same, wide, half, narrow, twice}), inputs);
}

TEST_CASE("fuse programs: more numbers than push constants hold, of all widths, lie in a buffer") {
  for (const Dtype dtype : {f32, s64, c128, u8}) {
    for (const bool broadcasts : {false, true}) {
      ProgramBuilder p;
      const ValueName x = p.input(dtype, {5, 6}), y = p.input(dtype, {6});
      ValueName a = x;
      for (int i = 0; i < 40; ++i) {
        a = p.op("add", dtype, {5, 6}, {a, Scalar{s64, int64_t{i}}});
        if (broadcasts && i % 10 == 0) a = p.op("multiply", dtype, {5, 6}, {a, y});
      }
      const std::vector<program::Value> inputs = {tensor(dtype, {5, 6}, 1), tensor(dtype, {6}, 2)};
      CHECK(check_fused(p.with_outputs({a}), inputs).dispatches == 1);
    }
  }
}

TEST_CASE("fuse programs: bits are kept by bitcasts between steps") {
  const std::vector<std::pair<Dtype, Dtype>> pairs = {
      {f32, u32},  {u32, f32},  {s32, f32}, {f64, s64},      {u64, f64}, {f16, u16}, {s16, f16}, {bf16, u16},
      {u16, bf16}, {f16, bf16}, {u8, f8},   {s8, f8_e4m3fn}, {f8, s8},   {s16, u16}, {s4, u4}};
  for (const auto& [from, to] : pairs) {
    INFO(concat(dtype_name(from), " to ", dtype_name(to)));
    ProgramBuilder p;
    const ValueName x = p.input(from, {40});
    const ValueName a = p.op("max", from, {40}, {x, Scalar{s64, int64_t{-3}}});
    const ValueName b = p.op("bitcast", to, {40}, {a});
    const ValueName c = p.op("add", to, {40}, {b, b});
    const std::vector<program::Value> inputs = {tensor(from, {40})};
    CHECK(check_fused(p.with_outputs({c}), inputs).dispatches == 1);
  }
}

TEST_CASE("fuse programs: pieces of a concatenation lie where they belong") {
  for (const int axis : {0, 1}) {
    ProgramBuilder p;
    const ValueName x = p.input(f32, {3, 4}), y = p.input(f32, {3, 4});
    const ValueName a = p.op("add", f32, {3, 4}, {x, y}), b = p.op("as_type", f16, {3, 4}, {x});
    const Shape whole = axis == 0 ? Shape{9, 4} : Shape{3, 12};
    const ValueName c = p.op("concatenate", f32, whole, {a, y, b}, ir::AxisAttributes{axis});
    const Shape stacked = axis == 0 ? Shape{2, 3, 4} : Shape{3, 2, 4};
    const ValueName d = p.op("stack", f32, stacked, {a, a}, ir::AxisAttributes{axis});
    const std::vector<program::Value> inputs = {tensor(f32, {3, 4}, 1), tensor(f32, {3, 4}, 2)};
    check_fused(p.with_outputs({c, d, a}), inputs);
  }
}

TEST_CASE("fuse programs: an error names an instruction that was sent") {
  ProgramBuilder p;
  const ValueName x = p.input(f32, {4});
  p.op("exp", f32, {4}, {x});  // nobody needs it
  const ValueName a = p.op("multiply", f32, {4}, {x, x});
  const ValueName b = p.op("add", f32, {4}, {a, number(1)});
  const auto made = program::CompiledProgram::make(p.with_outputs({b}));
  REQUIRE(made.ok());
  REQUIRE((*made)->steps().size() == 1);
  program::ProgramRun run(executor());
  const program::Value input = tensor(f32, {4});
  const program::Operand operand = input;
  REQUIRE(run.begin(*made, {&operand, 1}).ok());
  const program::Charge refuses = [](uint64_t) -> Result<program::Payment> {
    return Error{ErrorCode::kQuota, "no more"};
  };
  const Result<bool> step = run.step(0, {refuses, refuses});
  REQUIRE_FALSE(step.ok());
  CHECK(step.error().code == ErrorCode::kQuota);
  CHECK(step.error().message == "run_program: instruction 2: add f32{4}, f32 literal -> f32{4}: no more");
}

TEST_CASE("fuse programs: other sizes compile nothing new") {
  const auto run = [](int64_t size) {
    ProgramBuilder p;
    const ValueName x = p.input(f32, {size}), y = p.input(f32, {size});
    const ValueName a = p.op("multiply", f32, {size}, {x, number(static_cast<double>(size))});
    const ValueName b = p.op("add", f32, {size}, {p.op("tanh", f32, {size}, {a}), y});
    const std::vector<program::Value> inputs = {tensor(f32, {size}, 1), tensor(f32, {size}, 2)};
    CHECK(run_program(p.with_outputs({b}), inputs, true).dispatches == 1);
  };
  run(3);
  const uint64_t before = device().counters().pipelines_created;
  for (int64_t size = 4; size < 44; ++size) run(size);
  CHECK(device().counters().pipelines_created == before);
}

}  // namespace gpu_node::test
