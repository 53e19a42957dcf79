// sort and argsort against a stable sort of the host: values to the last bit, positions exactly.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <numeric>
#include <random>

#include "gpu/layouts.h"
#include "gpu/op_case.h"
#include "gpu/plan_runner.h"
#include "kernels/families.h"

namespace gpu_node::test {
namespace {

using enum Dtype;
using ir::Direction;

ir::Attributes along(int64_t axis, Direction direction, bool stable = false) {
  return ir::OrderAttributes{axis, direction, stable};
}

// NaN is above all, the zeros are equal.
bool below(const Number& a, const Number& b) {
  if (a.is_nan() || b.is_nan()) return b.is_nan() && !a.is_nan();
  return a.is_integer ? a.integer < b.integer : a.real < b.real;
}

void check_order(const HostTensor& operand, int64_t axis, Direction direction, Dtype index = s32) {
  const Shape& shape = operand.map.shape;
  const HostTensor values =
      run_op(kernels::plan_order, "sort", {operand}, operand.dtype, shape, along(axis, direction));
  const HostTensor places =
      run_op(kernels::plan_order, "argsort", {operand}, index, shape, along(axis, direction, true));
  const std::vector<Number> numbers = operand.numbers();
  const int64_t length = shape[static_cast<int>(axis)];
  int64_t inner = 1;
  for (int d = static_cast<int>(axis) + 1; d < shape.size(); ++d) inner *= shape[d];
  const auto size = static_cast<size_t>(dtype_size_bytes(operand.dtype));
  for (int64_t line = 0; line < operand.count() / length; ++line) {
    const auto flat = [&](int64_t place) { return line / inner * length * inner + place * inner + line % inner; };
    const auto of = [&](int64_t place) -> const Number& { return numbers[static_cast<size_t>(flat(place))]; };
    std::vector<int64_t> order(static_cast<size_t>(length));
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
      return direction == Direction::kAscending ? below(of(a), of(b)) : below(of(b), of(a));
    });
    for (int64_t j = 0; j < length; ++j) {
      const int64_t at = order[static_cast<size_t>(j)];
      const bool same = std::memcmp(values.element(flat(j)), operand.element(operand.position(flat(at))), size) == 0;
      if (same && places.integer(flat(j)) == wrap_to(index, static_cast<uint64_t>(at))) continue;
      FAIL_CHECK(type_text(operand.dtype, shape)
                 << std::string(direction == Direction::kAscending ? " asc" : " desc") << " axis " << axis << ", line "
                 << line << ", place " << j << ": " << number_text(values.number(flat(j))) << " at "
                 << places.integer(flat(j)) << ", not " << number_text(of(at)) << " at " << at);
      return;
    }
  }
}

void check_both(const HostTensor& operand, int64_t axis, Dtype index = s32) {
  for (const Direction direction : {Direction::kAscending, Direction::kDescending})
    check_order(operand, axis, direction, index);
}

HostTensor sampled(Dtype dtype, const Shape& shape, uint32_t seed, Layout layout = Layout::kRowMajor) {
  std::vector<Number> values = sample(dtype, static_cast<size_t>(std::max<int64_t>(element_count(shape), 16)), seed);
  std::shuffle(values.begin(), values.end(), std::mt19937(seed));
  values.resize(static_cast<size_t>(element_count(shape)));
  return laid_out(HostTensor(dtype, shape, values), layout);
}

// Any bits, of floats among them NaNs of either sign and of many kinds; every third a zero, an infinity or a NaN.
HostTensor any_bits(Dtype dtype, const Shape& shape, uint32_t seed) {
  std::mt19937 random(seed);
  HostTensor tensor(dtype, shape);
  const double special[] = {0.0, -0.0, std::numeric_limits<double>::infinity(),
                            -std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()};
  for (int64_t i = 0; i < tensor.count(); ++i) {
    if (!is_float(dtype)) {
      tensor.set_integer(i, random());
    } else if (random() % 3 == 0) {
      tensor.set_real(i, special[random() % std::size(special)]);
    } else {
      const uint64_t bits = uint64_t{random()} << 32 | random();
      std::memcpy(tensor.element(i), &bits, static_cast<size_t>(dtype_size_bytes(dtype)));
    }
  }
  return tensor;
}

// What a GPU has at least, as far as the device of the tests can do it.
vulkan::DeviceInfo a_card() {
  vulkan::DeviceInfo info = device().info();
  info.software = false;
  info.shared_memory_bytes = 32'768;
  return info;
}

// NaN, infinities, both zeros and many equal numbers among others.
HostTensor mixed(int64_t count, uint32_t seed) {
  std::mt19937 random(seed);
  constexpr float kInf = std::numeric_limits<float>::infinity();
  const float special[] = {std::numeric_limits<float>::quiet_NaN(), 0.0F, -0.0F, kInf, -kInf, 1.0F, 1e-45F};
  HostTensor tensor(f32, {count});
  for (int64_t i = 0; i < count; ++i) {
    const float value =
        random() % 3 == 0 ? special[random() % std::size(special)] : static_cast<float>(random()) - 2e9F;
    std::memcpy(tensor.element(i), &value, sizeof value);
  }
  return tensor;
}

}  // namespace

TEST_CASE("sort: every type, both ways, along every axis, operands lying in every way") {
  uint32_t seed = 0;
  for (const Dtype dtype : real_types()) {
    for (const int64_t axis : {0, 1, 2})
      for (const Layout layout : {Layout::kRowMajor, Layout::kTransposed, Layout::kReversed})
        check_both(sampled(dtype, {3, 20, 5}, ++seed, layout), axis);
    // Long enough to be sorted digit by digit.
    check_both(sampled(dtype, {2, 20'000}, ++seed), 1);
  }
}

TEST_CASE("sort: rows of one, two, around a block, of 70,000; other index types") {
  for (const int64_t length : {1, 2, 1023, 1024, 1025, 16'383, 16'384, 70'000}) {
    check_both(mixed(length, static_cast<uint32_t>(length)), 0);
    check_both(sampled(f64, {length}, static_cast<uint32_t>(length)), 0, u64);
    check_both(sampled(u8, {length}, static_cast<uint32_t>(length)), 0, s64);
  }
  check_both(sampled(s64, {20'000, 3}, 9, Layout::kTransposed), 0);
  check_both(sampled(s16, {70'000, 3}, 10), 1, u8);
}

TEST_CASE("sort: a million and three numbers with NaN and both zeros") { check_both(mixed(1'000'003, 11), 0); }

TEST_CASE("sort: any bits, of which only NaNs and zeros are alike, keep theirs") {
  for (const Dtype dtype : real_types())
    for (const Shape& shape : {Shape{5, 3}, Shape{2, 900}}) check_both(any_bits(dtype, shape, 12), 1);
  for (const Dtype dtype : {f8, f8_e4m3fn, f16, bf16, f32, f64}) check_both(any_bits(dtype, {2, 5'000}, 12), 1);
}

TEST_CASE("sort: as on a GPU, every type in rows of a workgroup and digit by digit") {
  const PlannedFor card(a_card());
  for (const Dtype dtype : real_types())
    for (const int64_t length : {1'500, 20'011}) check_both(any_bits(dtype, {2, length}, 13), 1);
}

TEST_CASE("sort: as on a GPU, rows around those that lanes, subgroups and workgroups hold") {
  vulkan::DeviceInfo info = a_card();
  const PlannedFor card(info);
  // Each power of two is a kernel, which takes a software driver a second to compile.
  for (const int64_t length : {1, 2, 3, 31, 32, 33, 1000, 1023, 1024, 1025, 4097, 8192, 8193, 16'385})
    check_both(any_bits(f32, {3, length}, static_cast<uint32_t>(length)), 1);
  for (const int64_t length : {33, 2049, 16'385}) {
    check_both(sampled(s16, {3, length}, static_cast<uint32_t>(length)), 1, s64);
    check_both(any_bits(f64, {3, length}, static_cast<uint32_t>(length)), 1, u32);
  }
  check_both(any_bits(f32, {40'000, 5}, 14), 1);
  check_both(mixed(1'000'003, 15), 0);
  check_both(sampled(s64, {16'384, 3}, 16, Layout::kTransposed), 0);
}

TEST_CASE("sort: as on GPUs without shuffles and ballots, or with little shared memory and small workgroups") {
  vulkan::DeviceInfo info = a_card();
  const auto check_some = [&](uint32_t seed) {
    const PlannedFor card(info);
    for (const Dtype dtype : {bf16, f64})
      for (const int64_t length : {5, 1'000, 20'011}) check_both(any_bits(dtype, {2, length}, seed), 1);
  };
  info.has_subgroup_shuffle = false;
  check_some(17);
  info.shared_memory_bytes = 16'384;
  info.max_workgroup_invocations = 128;
  check_some(18);
  info.has_subgroup_shuffle = device().info().has_subgroup_shuffle;
  check_some(19);
}

TEST_CASE("sort: more rows than a dimension of workgroups") { check_both(any_bits(u8, {70'000, 3}, 20), 1); }

TEST_CASE("sort: what is refused") {
  const auto error = [&](const std::string& op, const ir::TensorType& type, const ir::TensorType& result,
                         int64_t axis) {
    return op_error(op, std::vector{program::Value(program::Tensor{type.dtype, IndexMap::row_major(type.shape), {}})},
                    result, along(axis, Direction::kAscending))
        .message;
  };
  CHECK(error("sort", {f32, {3}}, {f32, {3}}, 1) == "sort: axis: 1 is not an axis of f32{3}");
  CHECK(error("sort", {c64, {3}}, {c64, {3}}, 0) == "sort: complex numbers have no order, but operand 0 is c64{3}");
  CHECK(error("argsort", {f32, {3}}, {f32, {3}}, 0) ==
        "argsort: the result is declared f32{3}, but is of an integer type");
}

}  // namespace gpu_node::test
