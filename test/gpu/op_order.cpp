// top_k against a stable sort of the host, for every type: values to the last bit, positions exactly.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <random>

#include "gpu/layouts.h"
#include "gpu/op_case.h"
#include "gpu/plan_runner.h"
#include "kernels/families.h"

namespace gpu_node::test {
namespace {

using enum Dtype;

ir::Attributes best(int64_t k) { return ir::TopKAttributes{ir::Count{k}}; }

// Whether |a| comes before |b|: NaN is above all, the zeros are equal.
bool above(const Number& a, const Number& b) {
  if (a.is_nan() || b.is_nan()) return a.is_nan() && !b.is_nan();
  return a.is_integer ? a.integer > b.integer : a.real > b.real;
}

void check_best(const HostTensor& operand, int64_t k, Dtype index = s32) {
  Shape shape = operand.map.shape;
  const int64_t length = shape[shape.size() - 1];
  shape[shape.size() - 1] = k;
  const auto got = run_op(kernels::plan_order, "top_k", {operand}, {{operand.dtype, shape}, {index, shape}}, best(k));
  const std::vector<Number> numbers = operand.numbers();
  const auto size = static_cast<size_t>(dtype_size_bytes(operand.dtype));
  for (int64_t row = 0; row < operand.count() / length; ++row) {
    std::vector<int64_t> order(static_cast<size_t>(length));
    std::iota(order.begin(), order.end(), 0);
    const auto of = [&](int64_t i) { return numbers[static_cast<size_t>(row * length + i)]; };
    std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return above(of(a), of(b)); });
    for (int64_t j = 0; j < k; ++j) {
      const int64_t at = order[static_cast<size_t>(j)], result = row * k + j;
      const bool same_bits =
          std::memcmp(got[0].element(result), operand.element(operand.position(row * length + at)), size) == 0;
      if (same_bits && got[1].integer(result) == wrap_to(index, static_cast<uint64_t>(at))) continue;
      FAIL_CHECK(type_text(operand.dtype, operand.map.shape)
                 << " k " << k << ", row " << row << ", place " << j << ": " << number_text(got[0].number(result))
                 << " at " << got[1].integer(result) << ", not " << number_text(of(at)) << " at " << at);
      return;
    }
  }
}

HostTensor sampled(Dtype dtype, const Shape& shape, uint32_t seed, Layout layout = Layout::kRowMajor) {
  std::vector<Number> values = sample(dtype, static_cast<size_t>(std::max<int64_t>(element_count(shape), 16)), seed);
  std::shuffle(values.begin(), values.end(), std::mt19937(seed));
  values.resize(static_cast<size_t>(element_count(shape)));
  return laid_out(HostTensor(dtype, shape, values), layout);
}

}  // namespace

TEST_CASE("top_k: every type, with special values among them, in rows that lie in every way") {
  uint32_t seed = 0;
  for (const Dtype dtype : real_types()) {
    for (const int64_t k : {1, 7, 50}) check_best(sampled(dtype, {5, 50}, ++seed), k);
    for (const Layout layout : {Layout::kTransposed, Layout::kReversed})
      check_best(sampled(dtype, {3, 4, 20}, ++seed, layout), 6);
  }
}

TEST_CASE("top_k: rows of one element, of a block, of a few more, of many; few kept and all") {
  for (const int64_t length : {1, 2, 63, 64, 65, 256, 257, 1024, 1025, 3000, 4096, 70'001}) {
    for (const int64_t k : {int64_t{1}, int64_t{10}, int64_t{512}, int64_t{513}, length - 1, length}) {
      if (k < 1 || k > length) continue;
      check_best(sampled(f32, {2, length}, static_cast<uint32_t>(length + k)), k);
    }
    // Only a few different values: equal ones stay in order.
    std::vector<Number> few;
    for (int64_t i = 0; i < length; ++i) few.push_back(Number::of(i * 7 % 3));
    check_best(HostTensor(u8, {length}, few), length);
  }
  check_best(sampled(f64, {5000}, 1), 5000);
  check_best(sampled(s64, {5000}, 2), 600);
  check_best(sampled(u64, {5000}, 3), 3, u64);
}

TEST_CASE("top_k: more rows than a dimension of workgroups, indices of other types") {
  check_best(sampled(s8, {70'000, 3}, 4), 2, u8);
  check_best(sampled(f16, {300}, 5), 300, s8);
}

TEST_CASE("top_k: a million elements of which some are kept, and two million in order") {
  check_best(sampled(f32, {1'000'003}, 6), 100);
  check_best(sampled(f32, {2'000'000}, 7), 2'000'000);
}

TEST_CASE("top_k: as on a GPU") {
  vulkan::DeviceInfo info = device().info();
  info.software = false;
  info.shared_memory_bytes = 32'768;
  const PlannedFor card(info);
  uint32_t seed = 100;
  for (const Dtype dtype : {s8, f32, f64})
    for (const int64_t length : {1, 50, 1025, 5'000, 70'001})
      for (const int64_t k : {int64_t{1}, int64_t{512}, int64_t{513}, length})
        if (k <= length) check_best(sampled(dtype, {2, length}, ++seed), k);
}

TEST_CASE("top_k: what is refused") {
  const auto error = [&](const ir::TensorType& type, std::initializer_list<ir::TensorType> results, int64_t k) {
    return op_error("top_k",
                    std::vector{program::Value(program::Tensor{type.dtype, IndexMap::row_major(type.shape), {}})},
                    results, best(k))
        .message;
  };
  CHECK(error({f32, {3}}, {{f32, {4}}, {s32, {4}}}, 4) == "top_k: k 4 is outside 1 to 3, the last axis of f32{3}");
  CHECK(error({f32, {3}}, {{f32, {0}}, {s32, {0}}}, 0) == "top_k: k 0 is outside 1 to 3, the last axis of f32{3}");
  CHECK(error({f32, {}}, {{f32, {}}, {s32, {}}}, 1) == "top_k: needs at least 1 dimension, not f32{}");
  CHECK(error({f32, {3}}, {{f32, {2}}, {f32, {2}}}, 2) ==
        "top_k: the result is declared f32{2}, but is of an integer type");
  CHECK(error({f32, {3}}, {{f32, {2}}}, 2) == "top_k: has 2 results, not 1");
  CHECK(error({c64, {3}}, {{c64, {2}}, {s32, {2}}}, 2) ==
        "top_k: complex numbers have no order, but operand 0 is c64{3}");
  vulkan::DeviceInfo narrow = device().info();
  narrow.max_storage_range = 60 * 1024;
  const PlannedFor planned(narrow);
  // Its own elements fit, the places that go along with them do not.
  CHECK(plan_error(kernels::plan_order, "top_k", {HostTensor(f16, {20'000})}, {{f16, {20'000}}, {s8, {20'000}}},
                   best(20'000))
            .message ==
        "top_k: 1 partial results of 20000 elements take 80000 bytes, above the device's storage range of 61440 bytes");
}

}  // namespace gpu_node::test
