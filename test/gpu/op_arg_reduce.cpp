// argmax and argmin against a plain search: positions are exact for every type.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "gpu/host_tensor.h"
#include "gpu/layouts.h"
#include "gpu/plan_runner.h"
#include "kernels/families.h"

namespace gpu_node::test {
namespace {

int g_cases = 0;

// |axis| -1: the flat index.
ir::ArgReduceAttributes along(int64_t axis, bool tie_high, bool keep_axis = false) {
  return {axis < 0 ? std::nullopt : std::optional(axis), tie_high ? ir::TieBreak::kHigh : ir::TieBreak::kLow,
          keep_axis};
}

struct Best {
  bool any = false;
  Number element;
  int64_t position = 0;

  // The last NaN, else the best number; of equal ones the first, or with |tie_high| the last.
  void see(bool is_max, bool tie_high, const Number& next, int64_t at) {
    bool takes = !any || next.is_nan();
    if (any && !element.is_nan()) {
      // Exact: long double holds every 64-bit integer.
      const long double x = next.as_real(), y = element.as_real();
      takes = takes || (is_max ? x > y : x < y) || (tie_high && x == y);
    }
    if (!takes) return;
    any = true;
    element = next;
    position = at;
  }
};

void check_search(std::string_view op, const HostTensor& operand, const ir::ArgReduceAttributes& attributes,
                  Dtype result_dtype) {
  ++g_cases;
  const int64_t axis = attributes.axis.value_or(-1);
  const bool tie_high = attributes.tie_break == ir::TieBreak::kHigh;
  const Shape& shape = operand.map.shape;
  Shape result_shape;
  for (int d = 0; d < shape.size(); ++d) {
    const bool searched = axis < 0 || axis == d;
    if (!searched) result_shape.push_back(shape[d]);
    if (searched && attributes.keep_axis) result_shape.push_back(1);
  }
  std::vector<Best> expected(static_cast<size_t>(element_count(result_shape)));
  int64_t flat = 0;
  for_each_index(shape, [&](const Dims& index) {
    int64_t output = 0, position = operand.map.offset;
    for (int d = 0; d < shape.size(); ++d) {
      if (axis >= 0 && axis != d) output = output * shape[d] + index[d];
      position += index[d] * operand.map.strides[d];
    }
    const int64_t at = axis < 0 ? flat : index[static_cast<int>(axis)];
    expected[static_cast<size_t>(output)].see(op == "argmax", tie_high, operand.at(position), at);
    ++flat;
  });
  const HostTensor result = run_op(kernels::plan_arg_reduce, op, {operand}, result_dtype, result_shape, attributes);
  for (size_t i = 0; i < expected.size(); ++i) {
    const uint64_t want = wrap_to(result_dtype, static_cast<uint64_t>(expected[i].position));
    const uint64_t got = result.integer(static_cast<int64_t>(i));
    if (got == want) continue;
    FAIL_CHECK(op << " " << type_text(operand.dtype, shape) << " axis " << axis << (tie_high ? " high" : " low")
                  << ": output " << i << " is " << got << ", not " << want);
    return;
  }
}

// argmax with one tie break and argmin with the other; |tie_high| is argmax's.
void check_searches(Dtype dtype, const Shape& shape, Layout layout, int64_t axis, bool tie_high, std::mt19937& random) {
  for (const std::string_view op : {"argmax", "argmin"}) {
    HostTensor operand = make_tensor(dtype, shape, layout);
    // Few distinct values make ties; wide ones make the search depend on every bit.
    if (random() % 2 == 0) {
      fill_any(operand, random);
    } else {
      fill_small(operand, random);
    }
    check_search(op, operand, along(axis, tie_high == (op == "argmax"), axis == 1), Dtype::s32);
  }
}

}  // namespace

TEST_CASE("argmax and argmin of every type, layout and axis") {
  std::mt19937 random(11);
  g_cases = 0;
  for (const Dtype dtype : real_types()) {
    // Both tie breaks of both ops come up: every other type swaps them, and three types take all four.
    for (const bool swap : {false, true}) {
      const bool all_four = dtype == Dtype::f32 || dtype == Dtype::s64 || dtype == Dtype::u8;
      if (swap && !all_four) break;
      const bool tie_high = swap != (static_cast<int>(dtype) % 2 == 0);
      check_searches(dtype, {}, Layout::kRowMajor, -1, tie_high, random);
      check_searches(dtype, {1}, Layout::kRowMajor, 0, tie_high, random);
      for (const Layout layout : kLayouts) {
        check_searches(dtype, {7}, layout, -1, tie_high, random);
        check_searches(dtype, {3, 5, 7}, layout, -1, tie_high, random);
        check_searches(dtype, {3, 5, 7}, layout, 0, tie_high, random);
        check_searches(dtype, {3, 5, 7}, layout, 2, tie_high, random);
      }
      check_searches(dtype, {3, 5, 7}, Layout::kRowMajor, 1, tie_high, random);
      check_searches(dtype, {70'000}, Layout::kRowMajor, -1, tie_high, random);
      check_searches(dtype, {300'000}, Layout::kRowMajor, 0, tie_high, random);
    }
  }
  MESSAGE(g_cases << " cases");
}

TEST_CASE("argmax and argmin around the bound on loops and of every aspect") {
  std::mt19937 random(12);
  g_cases = 0;
  for (const Dtype dtype : {Dtype::f32, Dtype::u8, Dtype::f64}) {
    for (const int64_t count : {65'535, 65'536, 200'000}) {
      check_searches(dtype, {count, 3}, Layout::kRowMajor, 0, true, random);
      check_searches(dtype, {3, count}, Layout::kRowMajor, 1, false, random);
      check_searches(dtype, {count, 3}, Layout::kTransposed, -1, false, random);
      check_searches(dtype, {2, count / 5, 2}, Layout::kRowMajor, 1, false, random);
    }
    check_searches(dtype, {257, 129}, Layout::kTransposed, 1, false, random);
    check_searches(dtype, {20'000, 60}, Layout::kRowMajor, 1, false, random);
    check_searches(dtype, {2, 3, 2, 3, 2, 3, 2, 3}, Layout::kTransposed, -1, false, random);
  }
  // Positions wrap in narrow result types.
  for (const Dtype dtype : {Dtype::u8, Dtype::s16, Dtype::u32, Dtype::u64, Dtype::s64}) {
    HostTensor operand(Dtype::f32, {70'000});
    operand.set_real(65'000, 1.0);
    check_search("argmax", operand, along(-1, false), dtype);
  }
  MESSAGE(g_cases << " cases");
}

TEST_CASE("argmax and argmin of NaN and infinities") {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  for (const Dtype dtype : {Dtype::f8, Dtype::f16, Dtype::bf16, Dtype::f32, Dtype::f64}) {
    CAPTURE(dtype_name(dtype));
    const auto check = [dtype](const std::vector<double>& values) {
      HostTensor operand(dtype, {static_cast<int64_t>(values.size())});
      for (size_t i = 0; i < values.size(); ++i) operand.set_real(static_cast<int64_t>(i), values[i]);
      for (const std::string_view op : {"argmax", "argmin"})
        for (const bool tie_high : {false, true}) check_search(op, operand, along(-1, tie_high), Dtype::s32);
    };
    check({-kInf, -kInf, -kInf});
    check({kInf, kInf, kInf});
    check({1, kInf, -kInf, kInf, -kInf});
    check({0.0, -0.0, 0.0});
    check({1, kNan, kInf, kNan, -kInf});
    check({kNan});
    std::vector<double> values(70'000, -kInf);
    check(values);
    values[69'999] = values[40'000] = kNan;
    check(values);
  }
}

}  // namespace gpu_node::test
