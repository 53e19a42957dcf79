// Cumulative ops against sums of the host in higher precision, and exactly where nothing is rounded.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "gpu/layouts.h"
#include "gpu/op_case.h"
#include "gpu/plan_runner.h"
#include "kernels/families.h"

namespace gpu_node::test {
namespace {

using enum Dtype;

constexpr std::string_view kOps[] = {"cumulative_sum", "cumulative_product", "cumulative_max", "cumulative_min"};

// What |op| makes of what it has, and of |next|.
Number joined(std::string_view op, const Number& so_far, const Number& next) {
  const bool integer = next.is_integer;
  if (op == "cumulative_sum")
    return integer ? Number::of(static_cast<int64_t>(static_cast<uint64_t>(so_far.integer) +
                                                     static_cast<uint64_t>(next.integer)))
                   : Number::of_real(so_far.real + next.real);
  if (op == "cumulative_product")
    return integer ? Number::of(static_cast<int64_t>(static_cast<uint64_t>(so_far.integer) *
                                                     static_cast<uint64_t>(next.integer)))
                   : Number::of_real(so_far.real * next.real);
  if (so_far.is_nan() || next.is_nan()) return so_far.is_nan() ? so_far : next;
  const bool above = integer ? next.integer > so_far.integer : next.real > so_far.real;
  return above == (op == "cumulative_max") ? next : so_far;
}

void check_scan(std::string_view op, const HostTensor& operand, int64_t axis, bool reverse, double bound) {
  const HostTensor got = run_op(kernels::plan_cumulative, op, {operand}, operand.dtype, operand.map.shape,
                                ir::CumulativeAttributes{axis, reverse});
  const std::vector<Number> numbers = operand.numbers();
  const int64_t count = operand.map.shape[static_cast<int>(axis)];
  int64_t inner = 1;
  for (int d = static_cast<int>(axis) + 1; d < operand.map.shape.size(); ++d) inner *= operand.map.shape[d];
  for (int64_t line = 0; line < operand.count() / count; ++line) {
    Number exact;
    for (int64_t k = 0; k < count; ++k) {
      const int64_t position = reverse ? count - 1 - k : k;
      const int64_t flat = line / inner * count * inner + position * inner + line % inner;
      const Number& next = numbers[static_cast<size_t>(flat)];
      exact = k == 0 ? next : joined(op, exact, next);
      const Number result = got.number(flat);
      const bool good = next.is_integer ? result.integer == rounded(operand.dtype, exact).integer
                                        : ulps(operand.dtype, result, exact) <= bound;
      if (good) continue;
      FAIL_CHECK(std::string(op) << " " << type_text(operand.dtype, operand.map.shape) << " axis " << axis
                                 << std::string(reverse ? " reversed" : "") << ", line " << line << ", place "
                                 << position << ": " << number_text(result) << ", not " << number_text(exact));
      return;
    }
  }
}

// Numbers of both signs whose sums and products stay within the type.
HostTensor moderate(Dtype dtype, const Shape& shape, Layout layout, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<Number> values;
  for (int64_t i = 0; i < element_count(shape); ++i)
    values.push_back(is_float(dtype) ? Number::of_real((random() % 2 == 0 ? 1 : -1) * (0.75L + random() % 256 / 512.0L))
                                     : Number::of(static_cast<int64_t>(random())));
  return laid_out(HostTensor(dtype, shape, values), layout);
}

// The tests' device as a GPU would be, with |shuffles| where it has them.
vulkan::DeviceInfo card_info(bool shuffles) {
  vulkan::DeviceInfo info = device().info();
  info.software = false;
  info.shared_memory_bytes = std::max(info.shared_memory_bytes, 32'768u);
  info.has_subgroup_shuffle = info.has_subgroup_shuffle && shuffles;
  return info;
}

}  // namespace

TEST_CASE("cumulative ops: every type, along every axis, both ways, operands lying in every way") {
  uint32_t seed = 0;
  for (const Dtype dtype : real_types())
    for (const std::string_view op : kOps)
      for (const Layout layout : {Layout::kRowMajor, Layout::kTransposed, Layout::kReversed})
        for (const int64_t axis : {0, 1, 2}) {
          // Products are rounded once for each factor, in what the type is computed in.
          const double bound = op == "cumulative_product" && dtype_info(dtype).bits >= 32 ? 8 : 0.51;
          ++seed;
          check_scan(op, moderate(dtype, {3, 7, 5}, layout, seed), axis, seed % 2 == 0, bound);
        }
}

TEST_CASE("cumulative ops: lines of one element, of a few, of many; more lines than a dimension of workgroups") {
  uint32_t seed = 100;
  for (const int64_t count : {1, 2, 15, 16, 17, 1023, 1024, 1025, 4097, 70'000})
    for (const bool reverse : {false, true}) {
      check_scan("cumulative_sum", moderate(f32, {2, count}, Layout::kRowMajor, ++seed), 1, reverse, 0.51);
      check_scan("cumulative_sum", moderate(s32, {count, 3}, Layout::kTransposed, ++seed), 0, reverse, 0);
      check_scan("cumulative_max", moderate(f64, {count, 40}, Layout::kRowMajor, ++seed), 0, reverse, 0.51);
    }
  check_scan("cumulative_sum", moderate(u8, {70'000, 3}, Layout::kRowMajor, 1), 1, false, 0);
  check_scan("cumulative_min", moderate(s64, {3, 70'000}, Layout::kRowMajor, 2), 0, true, 0);
}

TEST_CASE("cumulative ops: 200,000 and a million and three along an axis, with the same bits every time") {
  for (const std::string_view op : kOps) check_scan(op, moderate(s64, {200'000}, Layout::kRowMajor, 3), 0, false, 0);
  check_scan("cumulative_sum", moderate(f32, {200'000}, Layout::kReversed, 4), 0, true, 0.51);
  const HostTensor operand = moderate(f32, {1'000'003}, Layout::kRowMajor, 5);
  check_scan("cumulative_sum", operand, 0, false, 0.51);
  const ir::Attributes along = ir::CumulativeAttributes{};
  const auto run = [&] {
    return run_op(kernels::plan_cumulative, "cumulative_sum", {operand}, f32, operand.map.shape, along);
  };
  CHECK(run().bytes == run().bytes);
}

TEST_CASE("cumulative ops: by tiles, as on GPUs with and without shuffles") {
  uint32_t seed = 300;
  for (const bool shuffles : {true, false}) {
    const PlannedFor card(card_info(shuffles));
    for (const Dtype dtype : real_types())
      for (const std::string_view op : {"cumulative_sum", "cumulative_max"})
        for (const Layout layout : {Layout::kRowMajor, Layout::kTransposed, Layout::kReversed}) {
          ++seed;
          check_scan(op, moderate(dtype, {2, layout == Layout::kRowMajor ? 8200 : 5003}, layout, seed), 1,
                     seed % 2 == 0, 0.51);
        }
    // Lines of a part of a tile, of workgroups of every size, of several tiles.
    for (const int64_t count : {257, 512, 1000, 1024, 2047, 3841, 4096, 4097, 8192, 70'000})
      for (const bool reverse : {false, true}) {
        check_scan("cumulative_sum", moderate(f32, {3, count}, Layout::kRowMajor, ++seed), 1, reverse, 0.51);
        check_scan("cumulative_sum", moderate(f32, {count}, Layout::kReversed, ++seed), 0, reverse, 0.51);
        check_scan("cumulative_sum", moderate(s64, {3, count}, Layout::kRowMajor, ++seed), 1, reverse, 0);
      }
    // Segments of several tiles, with what lies before each.
    check_scan("cumulative_sum", moderate(f64, {1'200'011}, Layout::kRowMajor, 5), 0, false, 0.51);
    check_scan("cumulative_min", moderate(s32, {1'200'012}, Layout::kReversed, 6), 0, true, 0);
  }
}

template <typename Part>
void check_complex_sums(Dtype dtype) {
  constexpr int64_t kCount = 5003;
  HostTensor operand = make_tensor(dtype, {kCount}, Layout::kRowMajor);
  std::vector<Part> parts, sums;
  for (int64_t i = 0; i < 2 * kCount; ++i) {
    parts.push_back(static_cast<Part>(i * 7 % 13 - 5));
    sums.push_back(parts.back() + (i < 2 ? Part(0) : sums[static_cast<size_t>(i) - 2]));
  }
  REQUIRE(operand.bytes.size() == parts.size() * sizeof(Part));
  std::memcpy(operand.bytes.data(), parts.data(), operand.bytes.size());
  const HostTensor got =
      run_op(kernels::plan_cumulative, "cumulative_sum", {operand}, dtype, {kCount}, ir::CumulativeAttributes{0});
  CHECK(std::memcmp(got.bytes.data(), sums.data(), operand.bytes.size()) == 0);
}

TEST_CASE("cumulative ops: sums of complex numbers, part by part, by tiles too") {
  check_complex_sums<float>(c64);
  check_complex_sums<double>(c128);
  const PlannedFor card(card_info(true));
  check_complex_sums<float>(c64);
  check_complex_sums<double>(c128);
}

TEST_CASE("cumulative ops: NaN from the first one on, infinities, rounding that is not lost") {
  constexpr long double kNan = std::numeric_limits<long double>::quiet_NaN();
  constexpr long double kInf = std::numeric_limits<long double>::infinity();
  for (const Dtype dtype : {f16, bf16, f32, f64}) {
    std::vector<Number> values;
    for (int i = 0; i < 3000; ++i) values.push_back(Number::of_real(i % 7 - 3));
    values[1500] = Number::of_real(kNan);
    values[700] = Number::of_real(kInf);
    values[300] = Number::of_real(-kInf);
    for (const std::string_view op : {"cumulative_sum", "cumulative_max", "cumulative_min"})
      for (const bool reverse : {false, true}) check_scan(op, HostTensor(dtype, {3000}, values), 0, reverse, 0.51);
  }
  // 1e8 and ones: each alone is lost to a plain sum.
  std::vector<Number> values(10'000, Number::of_real(1));
  values[0] = Number::of_real(1e8);
  check_scan("cumulative_sum", HostTensor(f32, {10'000}, values), 0, false, 0.51);
}

TEST_CASE("cumulative ops: what is refused") {
  const auto error = [&](const std::string& op, Dtype dtype, int64_t axis) {
    return op_error(op, std::vector{program::Value(program::Tensor{dtype, IndexMap::row_major({3}), {}})}, {dtype, {3}},
                    ir::CumulativeAttributes{axis})
        .message;
  };
  CHECK(error("cumulative_sum", f32, 1) == "cumulative_sum: axis: 1 is not an axis of f32{3}");
  CHECK(error("cumulative_max", c64, 0) == "cumulative_max: complex numbers have no order, but operand 0 is c64{3}");
}

}  // namespace gpu_node::test
