// What becomes of concatenations of which nobody needs the whole, and of reshapes of what several take.
#include <doctest/doctest.h>

#include "fuse/fuse.h"
#include "fuse/text.h"
#include "program_builder.h"

namespace gpu_node::fuse {
namespace {

using enum Dtype;
using ir::ValueName;
using test::ProgramBuilder;

Scalar word(uint64_t value) { return {u32, value}; }

std::string text_of(const ir::Program& program) { return text(fused(program)); }

ValueName slice(ProgramBuilder& p, Dtype dtype, ValueName of, const Dims& starts, const Dims& lengths) {
  ir::SliceAttributes slice;
  slice.starts.values = starts;
  slice.lengths = lengths;
  return p.op("slice", dtype, lengths, {of}, slice);
}

// Two numbers of each element of |x|, one behind the other.
ValueName pair(ProgramBuilder& p, ValueName x, int64_t n) {
  const ValueName t = p.op("add", u32, {n}, {x, word(1)});
  const ValueName a = p.op("multiply", u32, {n}, {t, x}), b = p.op("bitwise_xor", u32, {n}, {t, x});
  return p.op("concatenate", u32, {2 * n}, {a, b}, ir::AxisAttributes{0});
}

}  // namespace

TEST_CASE("fuse pieces: who looks at one piece takes that, and the whole is not made") {
  ProgramBuilder p;
  const ValueName x = p.input(u32, {4});
  const ValueName rows = p.op("reshape", u32, {2, 4}, {pair(p, x, 4)});
  const ValueName wide = p.op("as_type", u64, {2, 4}, {rows});  // of all, taken by both
  const ValueName high = p.op("squeeze", u64, {4}, {slice(p, u64, wide, {0, 0}, {1, 4})});
  const ValueName low = p.op("reshape", u64, {4}, {slice(p, u64, wide, {1, 0}, {1, 4})});
  const ValueName bits =
      p.op("bitwise_or", u64, {4}, {p.op("left_shift", u64, {4}, {high, Scalar{s64, int64_t{32}}}), low});
  CHECK(text_of(p.with_outputs({bits})) ==
        "-12 u64{4} = map 0 [{4}: a = 0; b = 1:u32; c = 32:u64; d = add a b u32; e = multiply d a u32; "
        "f = bitwise_xor d a u32; g = as_type e u64; h = as_type f u64; i = left_shift g c u64; "
        "j = bitwise_or i h u64; > j]\nout -12\n");
}

TEST_CASE("fuse pieces: a part of a piece is a slice of it; what others need of the whole stays") {
  ProgramBuilder p;
  const ValueName y = p.input(u32, {2, 3});
  const ValueName a = p.op("concatenate", u32, {4, 3}, {y, y}, ir::AxisAttributes{0});
  const ValueName part = p.op("reshape", u32, {3}, {slice(p, u32, a, {3, 0}, {1, 3})});
  CHECK(text_of(p.with_outputs({part})) ==
        "-6 u32{6} = reshape 0\n-3 u32{3} = slice -6, starts [3], lengths [3]\nout -3\n");

  ProgramBuilder q;
  const ValueName u = q.input(u32, {4});
  const ValueName whole = pair(q, u, 4);
  const ValueName half = slice(q, u32, whole, {4}, {4});
  const Steps steps = fused(q.with_outputs({half, whole}));
  REQUIRE(steps.steps.size() == 2);
  CHECK(steps.steps[1].instruction()->op->name == "slice");
}

TEST_CASE("fuse pieces: counters, constants and single elements one behind the other are chosen among") {
  ProgramBuilder p;
  const ValueName x = p.input(u32, {4}), last = p.input(u32, {1});
  const ValueName count = p.op("iota", u32, {7}, {}, ir::IotaAttributes{});
  const ValueName all = p.op("concatenate", u32, {8}, {count, last}, ir::AxisAttributes{0});
  const ValueName rows = p.op("reshape", u32, {2, 4}, {all});
  const ValueName first = p.op("squeeze", u32, {4}, {slice(p, u32, rows, {0, 0}, {1, 4})});
  const ValueName second = p.op("squeeze", u32, {4}, {slice(p, u32, rows, {1, 0}, {1, 4})});
  const ValueName sum = p.op("add", u32, {4}, {p.op("multiply", u32, {4}, {first, x}), second});
  const Steps steps = fused(p.with_outputs({sum}));
  INFO(text(steps));
  // A view of the single element, and one map that reads it and |x|.
  REQUIRE(steps.steps.size() == 2);
  CHECK(steps.steps[0].instruction()->op->name == "reshape");
  const auto& map = std::get<ir::Map>(steps.steps[1].work);
  CHECK(map.operands.size() == 2);
  REQUIRE(map.parts.size() == 1);
  CHECK(map.parts[0].steps.size() == 4);  // less, select, multiply, add

  // The second counter begins anew, which floats would have been rounded for.
  for (const Dtype dtype : {s64, f16}) {
    ProgramBuilder r;
    const ValueName one = r.op("iota", dtype, {300}, {}, ir::IotaAttributes{});
    const ValueName two = r.op("iota", dtype, {200}, {}, ir::IotaAttributes{});
    const ValueName whole = r.op("concatenate", dtype, {500}, {one, two}, ir::AxisAttributes{0});
    const Steps made = fused(r.with_outputs({r.op("negate", dtype, {500}, {whole})}));
    CHECK((made.steps.size() == 1) == (dtype == s64));
  }
}

TEST_CASE("fuse pieces: a slice that leaves out little is taken behind what is computed of it") {
  for (const int64_t left : {31, 12}) {
    ProgramBuilder p;
    const ValueName x = p.input(u32, {16});
    const ValueName most = slice(p, u32, pair(p, x, 16), {left == 31 ? 0 : 8}, {left});
    const ValueName shifted = p.op("right_shift", u32, {left}, {most, word(9)});
    const Steps steps = fused(p.with_outputs({p.op("bitcast", f32, {left}, {shifted})}));
    INFO(text(steps));
    REQUIRE(steps.steps.size() == (left == 31 ? 2 : 4));
    CHECK((steps.steps[1].instruction() != nullptr && steps.steps[1].instruction()->op->name == "slice"));
  }
}

TEST_CASE("fuse pieces: what is computed with a concatenation is cut as it is, if it lies row by row") {
  for (const bool transposes : {false, true}) {
    ProgramBuilder p;
    const ValueName x = p.input(u32, {4}), y = p.input(u32, {4, 2});
    const ValueName square = p.op("reshape", u32, {4, 2}, {pair(p, x, 4)});
    const ValueName other = transposes ? p.op("transpose", u32, {4, 2}, {p.op("reshape", u32, {2, 4}, {y})}) : y;
    const Steps steps = fused(p.with_outputs({p.op("add", u32, {4, 2}, {square, other})}));
    INFO(text(steps));
    size_t computed = 0;
    for (const Step& step : steps.steps)
      computed += step.instruction() == nullptr || step.instruction()->op->name == "add" ? 1 : 0;
    CHECK(computed == (transposes ? 2 : 1));
  }
}

TEST_CASE("fuse pieces: a reshape of what several take is behind what is computed of it") {
  ProgramBuilder p;
  const ValueName x = p.input(f32, {12}), y = p.input(f32, {3, 4});
  const ValueName e = p.op("exp", f32, {12}, {x});
  const ValueName square = p.op("reshape", f32, {3, 4}, {e});
  const ValueName sum = p.op("add", f32, {3, 4}, {square, y});
  const Steps steps = fused(p.with_outputs({sum, e}));
  INFO(text(steps));
  size_t maps = 0;
  for (const Step& step : steps.steps) maps += step.fused_operands() != nullptr ? 1 : 0;
  CHECK(maps == 1);
  for (const Step& step : steps.steps)
    if (step.instruction() != nullptr) CHECK(step.instruction()->op->name == "reshape");
}

}  // namespace gpu_node::fuse
