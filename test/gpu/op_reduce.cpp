// sum, product, reduce_max, reduce_min, all, any of every type, layout and set of axes (what is right:
// reduce_check.cpp).
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "gpu/device.h"
#include "gpu/host_number.h"
#include "gpu/reduce_check.h"
#include "kernels/families.h"

namespace gpu_node::test {
namespace {

constexpr std::string_view kOps[] = {"sum", "product", "reduce_max", "reduce_min", "all", "any"};

int g_cases = 0;

void check_counted(std::string_view op, const HostTensor& operand, const ir::ReduceAttributes& attributes) {
  ++g_cases;
  check_reduction(op, operand, attributes);
}

void check_all_ops(Dtype dtype, const Shape& shape, Layout layout, const ir::ReduceAttributes& attributes,
                   std::mt19937& random) {
  for (const std::string_view op : kOps) {
    HostTensor operand = make_tensor(dtype, shape, layout);
    fill_for(op, operand, random);
    if (op == "all" && !operand.bytes.empty() && is_integer(dtype) && random() % 2 == 0)
      std::fill(operand.bytes.begin(), operand.bytes.end(), std::byte{1});
    check_counted(op, operand, attributes);
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
          check_counted(op, operand, over(axes));
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
      check_counted(op, operand, over(axes));
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

TEST_CASE("reductions planned for other devices") {
  std::mt19937 random(20);
  const auto check = [&random] {
    for (const std::string_view op : {"sum", "reduce_max"}) {
      for (const auto& [shape, axes] : {std::pair<Shape, Dims>{{300'000}, {0}},
                                        {{1'000, 70}, {0}},
                                        {{70, 1'000}, {1}},
                                        {{70, 1'000}, {0}},
                                        {{3, 5, 7}, {0, 2}},
                                        {{5'000, 8}, {1}}}) {
        HostTensor operand(Dtype::f32, shape);
        fill_any(operand, random);
        check_counted(op, operand, over(axes));
      }
    }
  };
  vulkan::DeviceInfo info = device().info();
  SUBCASE("a real one") {
    info.software = false;
    const PlannedFor planned(info);
    check();
  }
  SUBCASE("128 invocations") {
    info.software = false;
    info.max_workgroup_invocations = 128;
    const PlannedFor planned(info);
    check();
  }
  SUBCASE("few workgroups in each dimension") {
    info.software = false;
    info.max_groups[0] = 7;
    const PlannedFor planned(info);
    check();
  }
  SUBCASE("a storage beyond the range is bound where the view lies") {
    HostTensor operand(Dtype::f32, {100'000});
    fill_any(operand, random);
    operand.map.shape = {5, 100};
    operand.map.strides = {-150, 1};
    operand.map.offset = 60'001;
    info.max_storage_range = 4'096;
    const PlannedFor planned(info);
    check_reduction("sum", operand, over({1}));
    check_reduction("sum", operand, {});
    operand.map.strides = {-1'500, 1};
    const Error error = plan_error(kernels::plan_reduce, "sum", {operand}, Dtype::f32, {5}, over({1}));
    CHECK(error.code == ErrorCode::kUnsupported);
    CHECK(error.message.find("4096") != std::string::npos);
    CHECK(plan_error(kernels::plan_reduce, "any", {HostTensor(Dtype::u8, {1, 5'000})}, Dtype::u8, {5'000}, over({0}))
              .code == ErrorCode::kUnsupported);
  }
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
      check_reduction("sum", positive, shape.size() == 1 ? ir::ReduceAttributes{} : over({shape[0] == 3 ? 1 : 0}));
    }
  }
}

TEST_CASE("logsumexp: of every type and set of axes, of what would overflow, and of infinities and NaN") {
  std::mt19937 random(12);
  const auto check = [](const HostTensor& operand, const ir::ReduceAttributes& attributes) {
    const Dtype result_type = is_integer(operand.dtype) ? Dtype::f32 : operand.dtype;
    const Shape& shape = operand.map.shape;
    const auto gone = [&](int d) {
      return !attributes.axes ||
             std::find(attributes.axes->begin(), attributes.axes->end(), d) != attributes.axes->end();
    };
    Shape result_shape;
    for (int d = 0; d < shape.size(); ++d) {
      if (!gone(d)) result_shape.push_back(shape[d]);
      if (gone(d) && attributes.keep_axes) result_shape.push_back(1);
    }
    const auto count = static_cast<size_t>(element_count(result_shape));
    std::vector<std::vector<long double>> values(count);
    for_each_index(shape, [&](const Dims& index) {
      int64_t at = 0, position = operand.map.offset;
      for (int d = 0; d < shape.size(); ++d) {
        if (!gone(d)) at = at * shape[d] + index[d];
        position += index[d] * operand.map.strides[d];
      }
      values[static_cast<size_t>(at)].push_back(operand.at(position).as_real());
    });
    const HostTensor got = run_op(kernels::plan_reduce, "logsumexp", {operand}, result_type, result_shape, attributes);
    for (size_t i = 0; i < count; ++i) {
      long double greatest = -INFINITY, sum = 0;
      bool nan = false;
      for (const long double x : values[i]) {
        greatest = std::max(greatest, x);
        nan = nan || std::isnan(x);
      }
      const long double shift = std::isinf(greatest) ? 0 : greatest;
      for (const long double x : values[i]) sum += std::exp(x - shift);
      const long double exact = std::log(sum) + shift, error = std::abs(std::log(sum)) + std::abs(shift);
      const double result = got.real(static_cast<int64_t>(i));
      CAPTURE(std::string(dtype_name(operand.dtype)));
      CAPTURE(static_cast<double>(exact));
      CAPTURE(result);
      if (nan) {
        CHECK(std::isnan(result));
      } else if (std::isinf(exact)) {
        CHECK(result == static_cast<double>(exact));
      } else {
        // A few roundings of the intermediate type, and one of the result's.
        const int digits = result_type == Dtype::f64    ? 52
                           : result_type == Dtype::f16  ? 10
                           : result_type == Dtype::bf16 ? 7
                                                        : 23;
        CHECK(std::abs(result - exact) <= std::ldexp(error + 1, 2 - digits));
      }
    }
  };
  for (const Dtype dtype : {Dtype::f32, Dtype::f64, Dtype::f16, Dtype::bf16, Dtype::s32, Dtype::u8}) {
    for (const Layout layout : kLayouts) {
      HostTensor operand = make_tensor(dtype, {3, 5, 7}, layout);
      fill_small(operand, random);
      check(operand, {});
      for (const Dims& axes : {Dims{0}, Dims{2}, Dims{0, 2}, Dims{}}) check(operand, over(axes, axes.size() == 1));
    }
    check(HostTensor(dtype, {3, 0}), over({1}));
    HostTensor one(dtype, {});
    fill_small(one, random);
    check(one, {});
  }
  HostTensor large(Dtype::f32, {6, 4});
  const double rows[6][4] = {{1000, 1001, 999, 1000}, {-1000, -1001, -999, -1000},
                             {INFINITY, 1, 2, 3},     {-INFINITY, -INFINITY, -INFINITY, -INFINITY},
                             {NAN, 1, INFINITY, 2},   {-INFINITY, 0, 1, 3e38}};
  for (int64_t i = 0; i < 24; ++i) large.set_real(i, rows[i / 4][i % 4]);
  check(large, over({1}));
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
