// What float results must satisfy, with n elements and T's own rounding on top: sums of f64 lie within
// n * 2^-104 * sum(|x|) of the exact sum and all others within n * 2^-46 * sum(|x|); products within a relative n *
// 2^-53 (f64) or n * 2^-24; the rest is exact.
#include "gpu/reduce_check.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "gpu/plan_runner.h"
#include "kernels/families.h"

namespace gpu_node::test {
namespace {

bool reduces(const ir::ReduceAttributes& attributes, int axis) {
  return !attributes.axes ||
         std::find(attributes.axes->begin(), attributes.axes->end(), axis) != attributes.axes->end();
}

// All six reductions of one output's elements, on the host.
struct Expected {
  int64_t count = 0;
  uint64_t integer_sum = 0, integer_product = 1;
  bool has_integer = false;
  uint64_t integer_max = 0, integer_min = 0;
  long double sum = 0, magnitude = 0, product = 1;
  double max = -std::numeric_limits<double>::infinity(), min = std::numeric_limits<double>::infinity();
  bool nan = false, all = true, any = false;

  void add_integer(Dtype dtype, uint64_t value) {
    const bool is_signed = dtype_info(dtype).kind == DtypeKind::kSigned;
    const auto less = [is_signed](uint64_t a, uint64_t b) {
      return is_signed ? static_cast<int64_t>(a) < static_cast<int64_t>(b) : a < b;
    };
    integer_sum += value;
    integer_product *= value;
    if (!has_integer || less(integer_max, value)) integer_max = value;
    if (!has_integer || less(value, integer_min)) integer_min = value;
    has_integer = true;
    all = all && value != 0;
    any = any || value != 0;
  }
  void add_real(double value) {
    ++count;
    sum += value;
    magnitude += std::fabs(value);
    product *= value;
    nan = nan || std::isnan(value);
    max = std::max(max, value);
    min = std::min(min, value);
    all = all && value != 0;
    any = any || value != 0;
  }
};

uint64_t lowest_integer(Dtype dtype) {
  const DtypeInfo& info = dtype_info(dtype);
  return info.kind == DtypeKind::kSigned ? ~uint64_t{0} << (info.bits - 1) : 0;
}

// |got| is T(x) for some x within |tolerance| of |exact|.
bool close(Dtype dtype, double got, long double exact, long double tolerance) {
  if (std::isnan(exact)) return std::isnan(got);
  return round_to(dtype, exact - tolerance) <= got && got <= round_to(dtype, exact + tolerance);
}

// Whether output |at| of |result| is right.
bool is_right(std::string_view op, Dtype dtype, const HostTensor& result, int64_t at, const Expected& expected) {
  if (op == "all") return result.integer(at) == (expected.all ? 1 : 0);
  if (op == "any") return result.integer(at) == (expected.any ? 1 : 0);
  if (is_integer(dtype)) {
    const bool empty = !expected.has_integer;
    uint64_t want = op == "sum" ? expected.integer_sum : expected.integer_product;
    if (op == "reduce_max") want = empty ? lowest_integer(dtype) : expected.integer_max;
    if (op == "reduce_min") want = empty ? ~lowest_integer(dtype) : expected.integer_min;
    return result.integer(at) == wrap_to(result.dtype, want);
  }
  const double got = result.real(at);
  const auto count = static_cast<long double>(expected.count);
  const bool wide = dtype == Dtype::f64;
  if (op == "sum") {
    // 2^-62: what the oracle's own sum may be off by; 2^-24: the rounding to f32 that comes before T's.
    const long double spread = expected.magnitude * count;
    const long double rounding = wide ? 0 : std::fabs(expected.sum) * 0x1p-24L;
    return close(dtype, got, expected.sum, spread * (wide ? 0x1p-104L : 0x1p-46L) + spread * 0x1p-62L + rounding);
  }
  if (op == "product")
    return close(dtype, got, expected.product, std::fabs(expected.product) * count * (wide ? 0x1p-53L : 0x1p-24L));
  if (expected.nan) return std::isnan(got);
  return got == round_to(dtype, op == "reduce_max" ? expected.max : expected.min);
}

}  // namespace

Dtype result_type(std::string_view op, Dtype dtype) {
  if (op == "all" || op == "any") return Dtype::u8;
  if (op != "sum" && op != "product") return dtype;
  const DtypeInfo& info = dtype_info(dtype);
  if (info.bits >= 64 || is_float(dtype)) return dtype;
  return info.kind == DtypeKind::kSigned ? Dtype::s32 : Dtype::u32;
}

ir::ReduceAttributes over(const Dims& axes, bool keep_axes) { return {ir::Axes(axes.begin(), axes.end()), keep_axes}; }

void check_reduction(std::string_view op, const HostTensor& operand, const ir::ReduceAttributes& attributes) {
  const Shape& shape = operand.map.shape;
  Shape result_shape;
  Dims kept_strides;  // of the result, per operand axis; 0 for reduced ones
  for (int d = 0; d < shape.size(); ++d) {
    if (!reduces(attributes, d)) {
      result_shape.push_back(shape[d]);
    } else if (attributes.keep_axes) {
      result_shape.push_back(1);
    }
  }
  int64_t stride = 1;
  Dims reversed;
  for (int d = shape.size(); d-- > 0;) {
    reversed.push_back(reduces(attributes, d) ? 0 : stride);
    if (!reduces(attributes, d)) stride *= shape[d];
  }
  for (int i = reversed.size(); i-- > 0;) kept_strides.push_back(reversed[i]);

  std::vector<Expected> expected(static_cast<size_t>(element_count(result_shape)));
  for_each_index(shape, [&](const Dims& index) {
    int64_t at = 0, position = operand.map.offset;
    for (int d = 0; d < shape.size(); ++d) {
      at += index[d] * kept_strides[d];
      position += index[d] * operand.map.strides[d];
    }
    Expected& output = expected[static_cast<size_t>(at)];
    if (is_integer(operand.dtype)) {
      output.add_integer(operand.dtype, operand.integer(position));
    } else {
      output.add_real(operand.real(position));
    }
  });

  const HostTensor result =
      run_op(kernels::plan_reduce, op, {operand}, result_type(op, operand.dtype), result_shape, attributes);
  size_t wrong = 0;
  while (wrong < expected.size() && is_right(op, operand.dtype, result, static_cast<int64_t>(wrong), expected[wrong]))
    ++wrong;
  if (wrong == expected.size()) return;
  const Expected& want = expected[wrong];
  const auto at = static_cast<int64_t>(wrong);
  FAIL_CHECK(op << " " << type_text(operand.dtype, shape) << ir::attributes_text(attributes) << ": output " << wrong
                << " is " << (is_integer(result.dtype) ? static_cast<double>(result.integer(at)) : result.real(at))
                << "; exact: sum " << static_cast<double>(want.sum) << " or " << want.integer_sum << ", product "
                << static_cast<double>(want.product) << " or " << want.integer_product << ", max " << want.max
                << ", min " << want.min);
}

// A long product is almost all of magnitude 1.
void fill_for(std::string_view op, HostTensor& tensor, std::mt19937& random) {
  if (op != "product" || is_integer(tensor.dtype)) return fill_any(tensor, random);
  const auto count = static_cast<int64_t>(tensor.bytes.size()) / dtype_size_bytes(tensor.dtype);
  static constexpr double kFactors[] = {2.0, 0.5, -1.5, 0.75, -1.0};
  for (int64_t i = 0; i < count; ++i) {
    const bool plain = tensor.count() > 64 && (count < 64 || random() % 4096 != 0);
    tensor.set_real(i, plain ? (random() % 2 == 0 ? 1.0 : -1.0) : kFactors[random() % 5]);
  }
  // With a few numbers that no power of two is, so that roundings are seen.
  if (count > 1) tensor.set_real(count / 2, 1.0 + 1.0 / 3.0);
  if (count > 5) tensor.set_real(count / 3, 1.0 - 1.0 / 7.0);
}

}  // namespace gpu_node::test
