// reduce and window_reduce with functions that are neither associative nor commutative, against the host in double:
// element after element, each step rounded.
#include <doctest/doctest.h>

#include <cmath>

#include "gpu/layouts.h"
#include "gpu/op_case.h"
#include "gpu/plan_runner.h"
#include "kernels/families.h"

namespace gpu_node::test {
namespace {

using enum Dtype;

ir::FunctionStep step(std::string_view op, Dtype type, const SmallList<ir::FunctionStep::Operand, 2>& operands) {
  return {ir::find_op(op), type, operands};
}

// acc / 2 - x: of integers the quotient.
ir::Function halved_less(Dtype type) {
  const char* half = is_integer(type) ? "quotient" : "divide";
  const Scalar two = is_integer(type) ? Scalar{s32, int64_t{2}} : Scalar{f32, 2.0};
  return {{step(half, type, {int64_t{1}, two}), step("subtract", type, {int64_t{-1}, int64_t{0}})}};
}

Number halved_less(Dtype type, const Number& x, const Number& acc) {
  if (is_integer(type))
    return rounded(type, Number::of(rounded(type, Number::of(acc.integer / 2)).integer - x.integer));
  return rounded(type, Number::of_real(rounded(type, Number::of_real(acc.real / 2)).real - x.real));
}

HostTensor numbers(Dtype dtype, const Shape& shape, Layout layout, uint32_t seed) {
  HostTensor tensor = make_tensor(dtype, shape, layout);
  std::mt19937 random(seed);
  for (int64_t i = 0; i < static_cast<int64_t>(tensor.bytes.size()) / dtype_size_bytes(dtype); ++i)
    encode(dtype, is_float(dtype) ? Number::of_real(std::ldexp(1.0L + random(), -30) - 2) : Number::of(random() % 100),
           tensor.element(i));
  return tensor;
}

// What the function makes of |elements|, one after the other.
Number folded(Dtype type, const Number& acc, std::span<const Number> elements) {
  Number so_far = rounded(type, acc);
  for (const Number& element : elements) so_far = halved_less(type, rounded(type, element), so_far);
  return so_far;
}

void check_equal(Dtype type, const HostTensor& got, int64_t flat, const Number& expected) {
  const Number number = got.number(flat);
  const bool same = is_integer(type) ? number.integer == expected.integer : number.real == expected.real;
  if (!same)
    FAIL_CHECK(type_text(type, got.map.shape)
               << " at " << flat << ": " << number_text(number) << ", not " << number_text(expected));
}

void check_reduce(const HostTensor& from, const std::optional<Dims>& over, bool keep,
                  std::optional<Dtype> result = {}) {
  const Dtype type = result.value_or(from.dtype);
  const Number start = is_integer(type) ? Number::of(7) : Number::of_real(0.75);
  ir::FoldAttributes attributes{{}, keep, halved_less(type)};
  if (over) {
    attributes.axes.emplace();
    for (const int64_t axis : *over) attributes.axes->push_back(static_cast<uint8_t>(axis));
  }
  Shape shape, outer, inner;
  for (int d = 0; d < from.map.shape.size(); ++d) {
    const bool reduced = !over || std::find(over->begin(), over->end(), d) != over->end();
    (reduced ? inner : outer).push_back(from.map.shape[d]);
    if (!reduced || keep) shape.push_back(reduced ? 1 : from.map.shape[d]);
  }
  const HostTensor got =
      run_op(kernels::plan_fold, "reduce", {from, HostTensor(type, {}, {start})}, type, shape, attributes);
  int64_t flat = 0;
  for_each_index(outer, [&](const Dims& kept) {
    std::vector<Number> elements;
    for_each_index(inner, [&](const Dims& reduced) {
      int64_t at = from.map.offset;
      for (int d = 0, k = 0, r = 0; d < from.map.shape.size(); ++d) {
        const bool is_reduced = !over || std::find(over->begin(), over->end(), d) != over->end();
        at += (is_reduced ? reduced[r++] : kept[k++]) * from.map.strides[d];
      }
      elements.push_back(from.at(at));
    });
    check_equal(type, got, flat++, folded(type, start, elements));
  });
}

}  // namespace

TEST_CASE("reduce: every type, along every axes, operands lying in every way, in their order") {
  uint32_t seed = 0;
  for (const Dtype dtype : real_types())
    for (const Layout layout : kLayouts) {
      const HostTensor from = numbers(dtype, {3, 4, 5}, layout, ++seed);
      for (const Dims& axes : {Dims{0}, Dims{1}, Dims{2}, Dims{0, 2}, Dims{1, 2}, Dims{2, 0}})
        check_reduce(from, axes, seed % 2 == 0);
      check_reduce(from, {}, false);
    }
}

TEST_CASE("reduce: nothing, one element, 70,000 and 300,000 in a row, many rows") {
  check_reduce(HostTensor(f32, {3, 0}), Dims{1}, false);
  check_reduce(HostTensor(s32, {0}), {}, false);
  check_reduce(numbers(f64, {}, Layout::kRowMajor, 1), {}, false);
  check_reduce(numbers(f32, {1}, Layout::kRowMajor, 1), Dims{0}, true);
  for (const int64_t count : {16'383, 16'384, 16'385, 70'000, 300'000}) {
    check_reduce(numbers(f32, {count}, Layout::kReversed, 2), {}, false);
    check_reduce(numbers(s64, {count, 2}, Layout::kTransposed, 3), Dims{0}, false);
  }
  check_reduce(numbers(f16, {70'000, 3}, Layout::kRowMajor, 4), Dims{1}, false);
}

TEST_CASE("reduce: the function sees numbers of the result's type") {
  check_reduce(numbers(u8, {4, 9}, Layout::kRowMajor, 1), Dims{1}, false, f32);
  check_reduce(numbers(f32, {4, 9}, Layout::kRowMajor, 2), Dims{1}, false, s32);
  check_reduce(numbers(f64, {4, 9}, Layout::kRowMajor, 3), Dims{0}, false, bf16);
  check_reduce(numbers(s64, {4, 9}, Layout::kRowMajor, 4), Dims{0}, false, u8);
}

TEST_CASE("reduce: functions of many steps: choices, comparisons of literals, functions of the library") {
  // x > 1 ? exp(acc * 0.5) : acc + x * x, by the host's exp in long double, rounded after each step.
  const ir::Function function = {{step("greater", u8, {int64_t{0}, Scalar{s32, int64_t{1}}}),
                                  step("multiply", f32, {int64_t{1}, Scalar{f32, 0.5}}),
                                  step("exp", f32, {int64_t{-2}}), step("multiply", f32, {int64_t{0}, int64_t{0}}),
                                  step("add", f32, {int64_t{1}, int64_t{-4}}),
                                  step("select", f32, {int64_t{-1}, int64_t{-3}, int64_t{-5}})}};
  const HostTensor from = numbers(f32, {6, 9}, Layout::kTransposed, 3);
  const HostTensor got = run_op(kernels::plan_fold, "reduce", {from, HostTensor(f64, {})}, f32, {6},
                                ir::FoldAttributes{ir::Axes{1}, false, function});
  for (int64_t row = 0; row < 6; ++row) {
    float acc = 0;
    for (int64_t k = 0; k < 9; ++k) {
      const auto x = static_cast<float>(from.number(row * 9 + k).real);
      acc = x > 1 ? static_cast<float>(std::exp(static_cast<long double>(acc * 0.5F))) : acc + x * x;
    }
    CHECK(ulps(f32, got.number(row), Number::of_real(acc)) <= 1);
  }
}

TEST_CASE("window_reduce: every type, strides, dilations, padding of both signs with what comes first") {
  uint32_t seed = 50;
  for (const Dtype dtype : real_types())
    for (const Layout layout : kLayouts) {
      const HostTensor from = numbers(dtype, {5, 7}, layout, ++seed);
      const Number start = is_integer(dtype) ? Number::of(3) : Number::of_real(0.5);
      const ir::WindowFoldAttributes given{{2, 3}, {{1, 0}, {-1, 2}}, Dims{2, 1}, Dims{1, 2}, halved_less(dtype)};
      const HostTensor got = run_op(kernels::plan_window_fold, "window_reduce", {from, HostTensor(dtype, {}, {start})},
                                    dtype, {3, 4}, given);
      int64_t flat = 0;
      for_each_index({3, 4}, [&](const Dims& window) {
        std::vector<Number> elements;
        for_each_index({2, 3}, [&](const Dims& k) {
          const int64_t row = window[0] * 2 + k[0] - 1, column = window[1] + k[1] * 2 + 1;
          const bool inside = row >= 0 && row < 5 && column >= 0 && column < 7;
          elements.push_back(inside ? from.number(row * 7 + column) : rounded(dtype, start));
        });
        check_equal(dtype, got, flat++, folded(dtype, start, elements));
      });
    }
}

TEST_CASE("reduce: what is refused") {
  const auto of = [](Dtype dtype, const Shape& shape) {
    return program::Value(program::Tensor{dtype, IndexMap::row_major(shape), {}});
  };
  const auto error = [&](std::vector<ir::FunctionStep> steps) {
    return op_error("reduce", std::vector<program::Value>{of(f32, {4}), of(f32, {})}, {f32, {}},
                    ir::FoldAttributes{{}, false, {std::move(steps)}})
        .message;
  };
  CHECK(error({}) == "reduce: function has no step");
  CHECK(error({step("sum", f32, {int64_t{0}})}) ==
        "reduce: step 1 of function: sum is not computed element by element");
  CHECK(error({step("bitcast", f32, {int64_t{0}})}) ==
        "reduce: step 1 of function: bitcast is not computed element by element");
  CHECK(error({step("add", f32, {int64_t{0}, int64_t{2}})}) ==
        "reduce: step 1 of function names 2; there are 0, the element, 1, what came before");
  CHECK(error({step("add", f32, {int64_t{0}, int64_t{1}}), step("add", f32, {int64_t{-1}, int64_t{-2}})}) ==
        "reduce: step 2 of function names -2; there are 0, the element, 1, what came before, and -1 to -1");
  CHECK(error({step("add", f32, {int64_t{0}})}) == "reduce: step 1 of function: add: takes 2 operands, not 1");
  CHECK(error({step("bitwise_and", s32, {int64_t{0}, int64_t{1}})})
            .starts_with("reduce: step 1 of function: bitwise_and: "));
  CHECK(error({step("add", f64, {int64_t{0}, int64_t{1}})}) == "reduce: function gives f64, but the result is of f32");
  CHECK(op_error("reduce", std::vector<program::Value>{of(f32, {4}), of(f32, {1})}, {f32, {}},
                 ir::FoldAttributes{{}, false, {{step("add", f32, {int64_t{0}, int64_t{1}})}}})
            .message == "reduce: acc must be a scalar, not f32{1}");
}

}  // namespace gpu_node::test
