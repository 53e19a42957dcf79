// sum, product, reduce_max, reduce_min, all, any against exact integers and long doubles.
//
// What float results must satisfy, with n elements and T's own rounding on top: sums of f64 lie within
// n * 2^-104 * sum(|x|) of the exact sum and all others within n * 2^-46 * sum(|x|); products within a relative n *
// 2^-53 (f64) or n * 2^-24; the rest is exact.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "gpu/elements.h"
#include "gpu/host_number.h"
#include "gpu/layouts.h"
#include "gpu/plan_runner.h"
#include "kernels/families.h"

namespace gpu_node::test {
namespace {

using elementwise::real_types;

constexpr std::string_view kOps[] = {"sum", "product", "reduce_max", "reduce_min", "all", "any"};

int g_cases = 0;

Dtype result_type(std::string_view op, Dtype dtype) {
  if (op == "all" || op == "any") return Dtype::u8;
  if (op != "sum" && op != "product") return dtype;
  const DtypeInfo& info = dtype_info(dtype);
  if (info.bits >= 64 || is_float(dtype)) return dtype;
  return info.kind == DtypeKind::kSigned ? Dtype::s32 : Dtype::u32;
}

ir::Attributes over(const Dims& axes, bool keep_axes = false) {
  ir::Attributes attributes;
  attributes.axes = axes;
  attributes.has_axes = true;
  attributes.keep_axes = keep_axes;
  return attributes;
}

bool reduces(const ir::Attributes& attributes, int axis) {
  return !attributes.has_axes ||
         std::find(attributes.axes.begin(), attributes.axes.end(), axis) != attributes.axes.end();
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

void check_reduction(std::string_view op, const HostTensor& operand, const ir::Attributes& attributes) {
  ++g_cases;
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
  FAIL_CHECK(op << " " << type_text(operand.dtype, shape) << " over " << shape_text(attributes.axes) << ": output "
                << wrong << " is "
                << (is_integer(result.dtype) ? static_cast<double>(result.integer(at)) : result.real(at))
                << "; exact: sum " << static_cast<double>(want.sum) << " or " << want.integer_sum << ", product "
                << static_cast<double>(want.product) << " or " << want.integer_product << ", max " << want.max
                << ", min " << want.min);
}

// Numbers whose product stays in range, whatever the order: long ones are almost all of magnitude 1.
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

void check_all_ops(Dtype dtype, const Shape& shape, Layout layout, const ir::Attributes& attributes,
                   std::mt19937& random) {
  for (const std::string_view op : kOps) {
    HostTensor operand = make_tensor(dtype, shape, layout);
    fill_for(op, operand, random);
    if (op == "all" && !operand.bytes.empty() && is_integer(dtype) && random() % 2 == 0)
      std::fill(operand.bytes.begin(), operand.bytes.end(), std::byte{1});
    check_reduction(op, operand, attributes);
  }
}

}  // namespace

TEST_CASE("reductions of every type, layout and set of axes") {
  std::mt19937 random(7);
  g_cases = 0;
  for (const Dtype dtype : real_types()) {
    check_all_ops(dtype, {}, Layout::kRowMajor, {}, random);
    check_all_ops(dtype, {1}, Layout::kRowMajor, {}, random);
    check_all_ops(dtype, {0}, Layout::kRowMajor, {}, random);
    check_all_ops(dtype, {3, 0, 2}, Layout::kRowMajor, over({1}), random);
    check_all_ops(dtype, {3, 0, 2}, Layout::kRowMajor, over({0, 1}, true), random);
    for (const Layout layout : kLayouts) {
      check_all_ops(dtype, {7}, layout, {}, random);
      check_all_ops(dtype, {3, 5, 7}, layout, {}, random);
      for (const Dims& axes : {Dims{0}, Dims{1}, Dims{2}, Dims{0, 1}, Dims{0, 2}, Dims{1, 2}, Dims{}})
        check_all_ops(dtype, {3, 5, 7}, layout, over(axes, axes.size() == 2), random);
    }
  }
  MESSAGE(g_cases << " cases");
}

TEST_CASE("long reductions of every type") {
  std::mt19937 random(8);
  g_cases = 0;
  for (const Dtype dtype : real_types()) {
    check_all_ops(dtype, {70'000}, Layout::kRowMajor, {}, random);
    check_all_ops(dtype, {300'000}, Layout::kRowMajor, {}, random);
    check_all_ops(dtype, {70'000}, Layout::kReversed, {}, random);
    check_all_ops(dtype, {70'000}, Layout::kBroadcast, {}, random);
  }
  MESSAGE(g_cases << " cases");
}

TEST_CASE("reductions around the bound on loops and of every aspect") {
  std::mt19937 random(9);
  g_cases = 0;
  for (const Dtype dtype : {Dtype::f32, Dtype::u8, Dtype::f64, Dtype::bf16, Dtype::s64}) {
    for (const int64_t count : {65'535, 65'536, 200'000}) {
      for (const std::string_view op : {"sum", "reduce_max"}) {
        const auto check = [&](const Shape& shape, Layout layout, const Dims& axes) {
          HostTensor operand = make_tensor(dtype, shape, layout);
          fill_any(operand, random);
          check_reduction(op, operand, over(axes));
        };
        check({count}, Layout::kRowMajor, {0});
        check({count, 3}, Layout::kRowMajor, {0});
        check({3, count}, Layout::kRowMajor, {1});
        check({count, 3}, Layout::kRowMajor, {1});
        check({3, count}, Layout::kRowMajor, {0});
        check({3, count}, Layout::kTransposed, {1});
        check({2, count / 5, 2}, Layout::kRowMajor, {1});
        check({count / 5, 2, 3}, Layout::kRowMajor, {0, 2});
        check({count / 5, 2, 3}, Layout::kReversed, {0, 2});
      }
    }
  }
  for (const std::string_view op : kOps) {
    const auto check = [&](const Shape& shape, Layout layout, const Dims& axes) {
      HostTensor operand = make_tensor(Dtype::f32, shape, layout);
      fill_for(op, operand, random);
      check_reduction(op, operand, over(axes));
    };
    check({257, 129}, Layout::kRowMajor, {0});
    check({257, 129}, Layout::kRowMajor, {1});
    check({257, 129}, Layout::kTransposed, {0});
    check({40, 33, 31}, Layout::kRowMajor, {1});
    check({2, 3, 4, 5, 6}, Layout::kRowMajor, {0, 2, 4});
    check({2, 3, 4, 5, 6}, Layout::kTransposed, {1, 3});
    check({2, 3, 2, 3, 2, 3, 2, 3}, Layout::kTransposed, {0, 2, 4, 6});  // parameters beyond the push constants
    check({2, 3, 2, 3, 2, 3, 2, 3}, Layout::kReversed, {1, 3, 5});
    check({1'000'000, 2}, Layout::kRowMajor, {0});
    check({1'000'000}, Layout::kRowMajor, {0});
    check({20'000, 60}, Layout::kRowMajor, {1});
  }
  MESSAGE(g_cases << " cases");
}

// So long that one invocation of an unsplit kernel would loop more than 65,535 times, which some drivers end silently.
TEST_CASE("a reduction beyond the bound on loops is split") {
  std::mt19937 random(18);
  constexpr int64_t kCount = 2'400'000;
  HostTensor operand(Dtype::u8, {kCount});
  fill_any(operand, random);
  uint64_t sum = 0;
  for (int64_t i = 0; i < kCount; ++i) sum += operand.integer(i);
  operand.map.shape = {kCount, 33};
  operand.map.strides = {1, 0};
  const HostTensor result = run_op(kernels::plan_reduce, "sum", {operand}, Dtype::u32, {33}, over({0}));
  for (int64_t i = 0; i < 33; ++i) CHECK(result.integer(i) == sum);
}

TEST_CASE("NaN, infinities and subnormals in reductions") {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  const auto reduce = [](std::string_view op, Dtype dtype, const std::vector<double>& values) {
    HostTensor operand(dtype, {static_cast<int64_t>(values.size())});
    for (size_t i = 0; i < values.size(); ++i) operand.set_real(static_cast<int64_t>(i), values[i]);
    return run_op(kernels::plan_reduce, op, {operand}, result_type(op, dtype), {}, {});
  };
  for (const Dtype dtype : {Dtype::f8, Dtype::f16, Dtype::bf16, Dtype::f32, Dtype::f64}) {
    CAPTURE(dtype_name(dtype));
    CHECK(reduce("sum", dtype, {1, kInf, 2}).real(0) == kInf);
    CHECK(reduce("sum", dtype, {1, -kInf, 2}).real(0) == -kInf);
    CHECK(std::isnan(reduce("sum", dtype, {kInf, -kInf}).real(0)));
    CHECK(std::isnan(reduce("sum", dtype, {1, kNan}).real(0)));
    CHECK(std::isnan(reduce("product", dtype, {0, kInf}).real(0)));
    CHECK(reduce("product", dtype, {-2, kInf}).real(0) == -kInf);
    for (const size_t at : {0, 1, 299}) {
      std::vector<double> values(300, 1.0);
      values[5] = kInf;
      values[at] = kNan;
      CHECK(std::isnan(reduce("reduce_max", dtype, values).real(0)));
      CHECK(std::isnan(reduce("reduce_min", dtype, values).real(0)));
    }
    CHECK(reduce("reduce_max", dtype, {-kInf, -kInf}).real(0) == -kInf);
    CHECK(reduce("reduce_min", dtype, {kInf, kInf}).real(0) == kInf);
    CHECK(reduce("all", dtype, {1, kNan, -kInf}).integer(0) == 1);
    CHECK(reduce("any", dtype, {0, kNan}).integer(0) == 1);
    CHECK(reduce("any", dtype, {0, -0.0}).integer(0) == 0);
    const double smallest = dtype == Dtype::f64    ? 0x1p-1074
                            : dtype == Dtype::f32  ? 0x1p-149
                            : dtype == Dtype::bf16 ? 0x1p-133
                            : dtype == Dtype::f16  ? 0x1p-24
                                                   : 0x1p-16;
    CHECK(reduce("all", dtype, {smallest, -smallest}).integer(0) == 1);
  }
  CHECK(std::isnan(reduce("reduce_max", Dtype::f8_e4m3fn, {1, kNan}).real(0)));
  CHECK(reduce("sum", Dtype::f8_e4m3fn, {448, 448}).real(0) == 448);
}

TEST_CASE("sums are compensated") {
  std::mt19937 random(19);
  for (const Dtype dtype : {Dtype::f32, Dtype::f64}) {
    CAPTURE(dtype_name(dtype));
    // What a plain sum of whatever order loses: numbers far below the first and the last, which cancel.
    const double huge = dtype == Dtype::f32 ? 1e10 : 1e20;
    HostTensor cancelling(dtype, {5'000});
    for (int64_t i = 0; i < 5'000; ++i) cancelling.set_real(i, 1.0);
    cancelling.set_real(0, huge);
    cancelling.set_real(4'999, -huge);
    check_reduction("sum", cancelling, {});
    const HostTensor result = run_op(kernels::plan_reduce, "sum", {cancelling}, dtype, {}, {});
    CHECK(result.real(0) == 4'998.0);
    // Numbers of one sign: the nearest f32 but for the bound above, which a plain sum misses.
    for (const Shape& shape : {Shape{300'000}, Shape{100'000, 3}, Shape{3, 100'000}}) {
      HostTensor positive(dtype, shape);
      for (int64_t i = 0; i < positive.count(); ++i) positive.set_real(i, static_cast<double>(random()) / 4294967296.0);
      check_reduction("sum", positive, shape.size() == 1 ? ir::Attributes{} : over({shape[0] == 3 ? 1 : 0}));
    }
  }
}

TEST_CASE("a reduction gives the same bits every time") {
  std::mt19937 random(10);
  HostTensor operand(Dtype::f32, {300'000});
  fill_small(operand, random);
  const auto first = run_op(kernels::plan_reduce, "sum", {operand}, Dtype::f32, {}, {});
  for (int i = 0; i < 5; ++i)
    CHECK(run_op(kernels::plan_reduce, "sum", {operand}, Dtype::f32, {}, {}).bytes == first.bytes);
}

}  // namespace gpu_node::test
