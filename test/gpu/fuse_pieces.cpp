// Programs in which nobody needs the whole of a concatenation: what they come to on the device, and that their bits
// stay.
#include <doctest/doctest.h>

#include "base/concat.h"
#include "chain/threefry.h"
#include "gpu/program_case.h"
#include "gpu/threefry_program.h"

namespace gpu_node::test {
namespace {

using enum Dtype;
using ir::ValueName;

constexpr chain::Word2 kKey = {12345, 678910};

Scalar word(uint64_t value) { return {u32, value}; }
Scalar number(double value) { return {f32, value}; }

std::vector<program::Value> key() {
  return {to_device(HostTensor(u32, {2}, {Number::of(kKey[0]), Number::of(kKey[1])}))};
}

// Word |i| of |count|, from the generator that the chains' samplers are held against.
uint32_t expected_word(int64_t i, int64_t count) {
  const int64_t pairs = (count + 1) / 2, pair = i % pairs;
  const auto second = static_cast<uint32_t>(pairs + pair < count ? pairs + pair : 0);
  return chain::threefry(kKey, {static_cast<uint32_t>(pair), second})[static_cast<size_t>(i / pairs)];
}

}  // namespace

TEST_CASE("fuse pieces: random words of even and odd numbers are threefry's, in one dispatch") {
  for (const int64_t count : {1, 2, 3, 7, 8, 1000, 1001, 40'001}) {
    INFO(count << " words");
    ProgramBuilder p;
    const ValueName words = threefry_words(p, p.input(u32, {2}), count);
    const ProgramOutcome outcome =
        check_fused(p.with_outputs({p.op("bitwise_xor", u32, {count}, {words, word(5)})}), key());
    REQUIRE(outcome.outputs.size() == 1);
    CHECK(outcome.dispatches == 1);
    const HostTensor& got = outcome.outputs[0];
    for (int64_t i = 0; i < count; ++i) {
      REQUIRE((got.integer(got.position(i)) ^ 5) == expected_word(i, count));
    }
  }
}

TEST_CASE("fuse pieces: normal numbers of any shape are one dispatch") {
  for (const Shape& shape : {Shape{20, 50}, Shape{1000}, Shape{3, 7}, Shape{11, 13, 5}, Shape{40'001}}) {
    const int64_t count = element_count(shape);
    ProgramBuilder p;
    const ValueName words = p.op("reshape", u32, shape, {threefry_words(p, p.input(u32, {2}), count)});
    const auto two = [&](std::string_view op, ValueName a, uint64_t b) { return p.op(op, u32, shape, {a, word(b)}); };
    const ValueName mantissa = two("bitwise_or", two("right_shift", words, 9), 0x3f800000);
    const auto real = [&](std::string_view op, ValueName a, double b) { return p.op(op, f32, shape, {a, number(b)}); };
    ValueName unit = real("subtract", p.op("bitcast", f32, shape, {mantissa}), 1);
    unit = real("max", real("add", real("multiply", unit, 2), -0.99999994), -0.99999994);
    const ValueName normal = real("add", real("multiply", p.op("erf_inv", f32, shape, {unit}), 1.4142135), 0);
    CHECK(check_fused(p.with_outputs({normal}), key()).dispatches == 1);
  }
}

TEST_CASE("fuse pieces: two words of an element are of one dispatch, whatever is made of them") {
  for (const Shape& shape : {Shape{500}, Shape{20, 50}, Shape{7, 3}}) {
    for (const Dtype dtype : {u64, u32, u16, u8}) {
      INFO(dtype_name(dtype));
      const int64_t count = element_count(shape);
      ProgramBuilder p;
      ValueName words = p.op("reshape", u32, {2, count}, {threefry_words(p, p.input(u32, {2}), 2 * count)});
      words = p.op("as_type", dtype, {2, count}, {words});
      const auto half = [&](int64_t at) {
        ir::SliceAttributes slice;
        slice.starts.values = {at, 0};
        slice.lengths = {1, count};
        return p.op("reshape", dtype, shape, {p.op("slice", dtype, {1, count}, {words}, slice)});
      };
      const ValueName high = p.op("remainder", dtype, shape, {half(0), Scalar{u64, uint64_t{100}}});
      const ValueName low = p.op("multiply", dtype, shape, {half(1), Scalar{u64, uint64_t{3}}});
      CHECK(check_fused(p.with_outputs({p.op("add", dtype, shape, {high, low})}), key()).dispatches == 1);
    }
  }
}

TEST_CASE("fuse pieces: noise on what was there is one dispatch, of an odd length two") {
  for (const Shape& shape : {Shape{20, 50}, Shape{1001}}) {
    ProgramBuilder p;
    const ValueName key_name = p.input(u32, {2}), x = p.input(u32, shape);
    const ValueName words = p.op("reshape", u32, shape, {threefry_words(p, key_name, element_count(shape))});
    const ir::Program program = p.with_outputs({p.op("add", u32, shape, {words, x})});
    for (const Placement placement : {Placement::kPlain, Placement::kTransposed}) {
      if (placement == Placement::kTransposed && shape.size() != 2) continue;
      std::vector<program::Value> inputs = key();
      inputs.push_back(to_device(any_tensor(u32, shape, 3), placement));
      const ProgramOutcome outcome = check_fused(program, inputs);
      CHECK(outcome.dispatches <= (placement == Placement::kPlain ? element_count(shape) % 2 + 1 : 3));
    }
  }
}

TEST_CASE(
    "fuse pieces: counters, constants and single elements one behind the other, of every type and seen otherwise") {
  for (const Dtype dtype : {u8, s8, u16, s32, u64, s64, f16, bf16, f32, f64}) {
    INFO(dtype_name(dtype));
    ProgramBuilder p;
    const ValueName one = p.input(dtype, {1, 1});
    const ValueName count = p.op("iota", dtype, {300, 1}, {}, ir::IotaAttributes{});
    const ValueName again = p.op("iota", dtype, {7, 1}, {}, ir::IotaAttributes{});
    const ValueName fixed = p.op("constant", dtype, {12, 1}, {}, ir::ConstantAttributes{{s64, int64_t{7}}});
    const ValueName all = p.op("concatenate", dtype, {320, 1}, {count, one, again, fixed}, ir::AxisAttributes{0});
    const ValueName turned =
        p.op("transpose", dtype, {8, 40}, {p.op("reshape", dtype, {40, 8}, {all})}, ir::AxesAttributes{ir::Axes{1, 0}});
    const std::vector<program::Value> inputs = {to_device(any_tensor(dtype, {1, 1}, 5))};
    check_fused(p.with_outputs({p.op("negate", dtype, {8, 40}, {turned}), all}), inputs);
  }
}

TEST_CASE("fuse pieces: distances of shifts, of the width and more, below 0, and as numbers elsewhere") {
  for (const Dtype dtype : {u8, s16, u32, s32, u64, s64}) {
    INFO(dtype_name(dtype));
    ProgramBuilder p;
    const ValueName x = p.input(dtype, {100}), y = p.input(dtype, {100});
    ValueName a = x;
    for (const int64_t by : {0, 1, 7, 8, 31, 32, 63, 64, 100, 3}) {
      const ValueName up = p.op("left_shift", dtype, {100}, {x, Scalar{s64, by}});
      const ValueName down = p.op("right_shift", dtype, {100}, {y, Scalar{s64, by}});
      a = p.op("add", dtype, {100}, {p.op("bitwise_xor", dtype, {100}, {up, a}), down});
    }
    a = p.op("subtract", dtype, {100}, {a, Scalar{s64, int64_t{3}}});
    a = p.op("right_shift", dtype, {100}, {a, p.op("bitwise_and", dtype, {100}, {y, Scalar{s64, int64_t{3}}})});
    a = p.op("left_shift", dtype, {100}, {Scalar{s64, int64_t{3}}, a});
    const std::vector<program::Value> inputs = {to_device(any_tensor(dtype, {100}, 1)),
                                                to_device(any_tensor(dtype, {100}, 2))};
    CHECK(check_fused(p.with_outputs({a}), inputs).dispatches == 1);
  }
}

}  // namespace gpu_node::test
