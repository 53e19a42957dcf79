// Creation, views, copies and literals through the executor.
#include <doctest/doctest.h>

#include <cmath>

#include "gpu/host_ops.h"

namespace gpu_node::test {
namespace {

using enum Dtype;

ir::Attributes with_axes(const Dims& axes) { return ir::AxesAttributes{ir::Axes(axes.begin(), axes.end())}; }

ir::Attributes with_axis(std::optional<int64_t> axis) { return ir::IotaAttributes{axis}; }

ir::Attributes with_value(const Scalar& value) { return ir::ConstantAttributes{value}; }

HostTensor counting(Dtype dtype, const Shape& shape) {
  std::vector<Number> values;
  for (int64_t i = 0; i < element_count(shape); ++i) values.push_back(Number::of(i));
  return {dtype, shape, values};
}

// The tensor's elements as plain integers.
std::vector<int64_t> integers(const program::Tensor& tensor) {
  std::vector<int64_t> all;
  for (const Number& number : from_device(tensor).numbers())
    all.push_back(static_cast<int64_t>(number.is_integer ? number.integer : static_cast<__int128>(number.real)));
  return all;
}

uint64_t dispatches() { return device().counters().dispatches; }

}  // namespace

TEST_CASE("create: iota counts, wraps and rounds in every type") {
  int cases = 0;
  for (Dtype dtype : real_types()) {
    for (int64_t size : {int64_t{1}, int64_t{300}, int64_t{70'000}}) {
      const HostTensor got = from_device(run_op("iota", {}, {dtype, {size}}, with_axis({})));
      for (int64_t i = 0; i < size; ++i) {
        const Number expected = rounded(dtype, Number::of(i));
        if (ulps(dtype, got.number(i), expected) == 0 || got.number(i).as_real() == expected.as_real()) continue;
        FAIL("iota " << dtype_name(dtype) << " element " << i << ": " << number_text(got.number(i)));
      }
      ++cases;
    }
    CHECK(integers(run_op("iota", {}, {dtype, {2, 3, 2}}, with_axis(1))) ==
          integers(to_device({dtype, {12}, [&] {
                                std::vector<Number> values;
                                for (int i = 0; i < 12; ++i) values.push_back(Number::of(i / 2 % 3));
                                return values;
                              }()})));
    ++cases;
  }
  CHECK(integers(run_op("iota", {}, {s32, {2, 2}}, with_axis(0))) == std::vector<int64_t>{0, 0, 1, 1});
  CHECK(integers(run_op("iota", {}, {s32, {}}, with_axis({}))) == std::vector<int64_t>{0});
  CHECK(run_op("iota", {}, {s32, {0, 4}}, with_axis(1)).storage == nullptr);
  MESSAGE("iota: " << cases + 3 << " cases");
}

TEST_CASE("create: eye, rectangular and batched; constant") {
  CHECK(integers(run_op("eye", {}, {u8, {2, 3}})) == std::vector<int64_t>{1, 0, 0, 0, 1, 0});
  CHECK(integers(run_op("eye", {}, {f64, {2, 3, 2}})) == std::vector<int64_t>{1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0});
  for (Dtype dtype : real_types()) {
    CHECK(integers(run_op("eye", {}, {dtype, {2, 2}})) ==
          integers(to_device({dtype, {4}, {Number::of(1), Number::of(0), Number::of(0), Number::of(1)}})));
    const HostTensor got = from_device(run_op("constant", {}, {dtype, {5}}, with_value({f64, 1.75})));
    for (const Number& number : got.numbers())
      CHECK(number.as_real() == rounded(dtype, Number::of_real(1.75)).as_real());
  }
  const HostTensor big = from_device(run_op("constant", {}, {u64, {3}}, with_value({u64, ~uint64_t{0}})));
  CHECK(number_text(big.number(2)) == "18446744073709551615");
  CHECK(from_device(run_op("constant", {}, {f32, {2}}, with_value({f32, std::nan("")}))).number(1).is_nan());
}

TEST_CASE("views: move no data where strides can express them") {
  const HostTensor host = counting(s32, {2, 3, 4});
  const program::Value tensor = to_device(host);
  const uint64_t before = dispatches();
  const auto t = run_op("transpose", {&tensor, 1}, {s32, {4, 2, 3}}, with_axes({2, 0, 1}));
  const auto r = run_op("reshape", {&tensor, 1}, {s32, {6, 4}});
  const auto b = run_op("broadcast", {&tensor, 1}, {s32, {5, 2, 3, 4}}, with_axes({1, 2, 3}));
  const program::Value flat = to_device(counting(s32, {1, 4, 1}));
  const auto q = run_op("squeeze", {&flat, 1}, {s32, {4, 1}}, with_axes({0}));
  const auto c = run_op("bitcast", {&tensor, 1}, {f32, {2, 3, 4}});
  const program::Value turned = t;
  const auto split = run_op("reshape", {&turned, 1}, {s32, {2, 2, 2, 1, 3}});
  CHECK(dispatches() == before);
  CHECK(integers(r) == integers(std::get<program::Tensor>(tensor)));
  CHECK(integers(q) == std::vector<int64_t>{0, 1, 2, 3});
  CHECK(c.dtype == f32);
  CHECK(c.storage == std::get<program::Tensor>(tensor).storage);
  std::vector<int64_t> expected;
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 6; ++j) expected.push_back(j * 4 + i);
  CHECK(integers(t) == expected);
  CHECK(integers(split) == expected);
  const std::vector<int64_t> repeated = integers(b);
  REQUIRE(repeated.size() == 120);
  for (size_t i = 0; i < repeated.size(); ++i) CHECK(repeated[i] == static_cast<int64_t>(i % 24));
}

TEST_CASE("views: a reshape that strides cannot express copies, in every element size") {
  for (Dtype dtype : {u4, s8, f8, u16, bf16, s32, f32, u64, f64}) {
    const program::Value turned = to_device(counting(dtype, {3, 5}), Placement::kTransposed);
    CHECK(integers(run_op("reshape", {&turned, 1}, {dtype, {15}})) == integers(to_device(counting(dtype, {15}))));
  }
  // Of many dimensions, none of which merge: by the parameter buffer.
  const program::Value many = to_device(counting(s32, {2, 3, 2, 1, 3, 2, 2}), Placement::kTransposed);
  CHECK(integers(run_op("reshape", {&many, 1}, {s32, {144}})) == integers(to_device(counting(s32, {144}))));
}

TEST_CASE("views: complex tensors are moved, bit by bit") {
  program::Tensor plain = to_device(counting(f32, {2, 3, 2}));
  plain.dtype = c64;
  plain.map = IndexMap::row_major({2, 3});
  const program::Value tensor = plain;
  const program::Value turned = run_op("transpose", {&tensor, 1}, {c64, {3, 2}});
  program::Tensor copy = run_op("reshape", {&turned, 1}, {c64, {6}});
  copy.dtype = f32;
  copy.map = IndexMap::row_major({12});
  CHECK(integers(copy) == std::vector<int64_t>{0, 1, 6, 7, 2, 3, 8, 9, 4, 5, 10, 11});
}

TEST_CASE("views: bitcasts of sub-byte integers change how bits extend") {
  const program::Value nibbles = to_device({u4, {4}, {Number::of(7), Number::of(8), Number::of(15), Number::of(0)}});
  CHECK(integers(run_op("bitcast", {&nibbles, 1}, {s4, {4}})) == std::vector<int64_t>{7, -8, -1, 0});
  const program::Value pairs = to_device({s2, {4}, {Number::of(-2), Number::of(-1), Number::of(0), Number::of(1)}});
  CHECK(integers(run_op("bitcast", {&pairs, 1}, {u2, {4}})) == std::vector<int64_t>{2, 3, 0, 1});
}

TEST_CASE("literals: are operands of every family that has some") {
  const program::Value one = Scalar{f32, 1.0};
  CHECK(integers(run_op("bitcast", {&one, 1}, {s32, {}})) == std::vector<int64_t>{0x3f800000});
  CHECK(integers(run_op("reshape", {&one, 1}, {f32, {1, 1}})) == std::vector<int64_t>{1});
  CHECK(integers(run_op("broadcast", {&one, 1}, {f32, {3}}, with_axes({}))) == std::vector<int64_t>{1, 1, 1});
  CHECK(integers(run_op("negate", {&one, 1}, {f32, {}})) == std::vector<int64_t>{-1});
  const program::Value operands[] = {one, Scalar{s32, int64_t{41}}};
  CHECK(integers(run_op("add", operands, {f32, {}})) == std::vector<int64_t>{42});
  const program::Value compared[] = {Scalar{s64, (int64_t{1} << 53) + 1}, Scalar{f64, 0x1p53}};
  CHECK(integers(run_op("equal", compared, {u8, {}})) == std::vector<int64_t>{0});
}

TEST_CASE("executor: contiguous gives the tensor itself or a copy") {
  const program::Tensor tensor = to_device(counting(f64, {4, 3}));
  CHECK(executor().contiguous(tensor, {})->storage == tensor.storage);
  program::Tensor part = tensor;
  part.map = {{2, 3}, {3, 1}, 6};
  const auto copy = executor().contiguous(part, {});
  REQUIRE(copy.ok());
  CHECK(copy->storage != tensor.storage);
  CHECK(integers(*copy) == std::vector<int64_t>{6, 7, 8, 9, 10, 11});
  part.map = {{4, 3}, {-3, -1}, 11};
  CHECK(integers(part) == std::vector<int64_t>{11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0});
}

TEST_CASE("executor: allocation, its charge and its limits") {
  struct Purse : program::Payer {
    uint64_t spent = 0;
    void give_back(uint64_t bytes) override { spent -= bytes; }
  };
  const auto purse = std::make_shared<Purse>();
  const uint64_t& charged = purse->spent;
  const program::Charge charge = [&](uint64_t bytes) -> Result<program::Payment> {
    if (bytes > 1000) return Error{ErrorCode::kQuota, "too much"};
    purse->spent += bytes;
    return program::Payment(purse, bytes);
  };
  {
    const auto zeros = executor().allocate(u8, {7}, true, false, charge);
    REQUIRE(zeros.ok());
    CHECK(charged == 7);
    CHECK(integers(*zeros) == std::vector<int64_t>(7, 0));
  }
  CHECK(charged == 0);
  CHECK(executor().allocate(f64, {200}, false, false, charge).error().code == ErrorCode::kQuota);
  CHECK(executor().allocate(f64, {0}, false, false, charge)->storage == nullptr);
  const auto huge = executor().allocate(f64, {int64_t{1} << 61}, false, false, {});
  REQUIRE_FALSE(huge.ok());
  CHECK(huge.error().code == ErrorCode::kOutOfMemory);
  const program::Value tensor = to_device(counting(f32, {3}));
  const program::Value both[] = {tensor, to_device(counting(f32, {4}))};
  const Error error = op_error("add", both, {f32, {3}});
  CHECK(error.code == ErrorCode::kInvalidArgument);
  CHECK(error.message == "add: shapes f32{3} and f32{4} do not broadcast: axis 0 is 3 and 4");
}

}  // namespace gpu_node::test
