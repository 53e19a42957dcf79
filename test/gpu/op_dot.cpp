// dot against exact integers and sums in long double.
//
// What float results must satisfy, with S the sum of the magnitudes of the K products and T's own rounding on top: f64
// within (min(K, 4096) + 4) * 2^-53 * S of the exact value, all others within (min(K, 4096) + 4) * 2^-24 * S, the
// guaranteed bound. In the mean over a result, f32 at K = 4096 is within a relative 1e-6, as cuBLAS is.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "gpu/device.h"
#include "gpu/host_tensor.h"
#include "gpu/layouts.h"
#include "gpu/plan_runner.h"
#include "kernels/families.h"

namespace gpu_node::test {
namespace {

int g_cases = 0;

struct Axes {
  Dims contract_left, batch_left, contract_right, batch_right;
};

bool holds(const Dims& dims, int axis) { return std::find(dims.begin(), dims.end(), axis) != dims.end(); }

// Storage positions of the operand along |axes| in row-major order, without the view's offset.
std::vector<int64_t> positions(const IndexMap& map, const Dims& axes) {
  Shape shape;
  for (int64_t axis : axes) shape.push_back(map.shape[static_cast<int>(axis)]);
  std::vector<int64_t> all;
  for_each_index(shape, [&](const Dims& index) {
    int64_t at = 0;
    for (int i = 0; i < axes.size(); ++i) at += index[i] * map.strides[static_cast<int>(axes[i])];
    all.push_back(at);
  });
  return all;
}

Dims free_axes(const HostTensor& tensor, const Dims& contract, const Dims& batch) {
  Dims axes;
  for (int d = 0; d < tensor.map.shape.size(); ++d)
    if (!holds(contract, d) && !holds(batch, d)) axes.push_back(d);
  return axes;
}

// The operand's elements as the dot sees them: converted to |dtype|, at their storage positions.
template <typename T>
std::vector<T> converted(const HostTensor& tensor, Dtype dtype) {
  const auto count = static_cast<int64_t>(tensor.bytes.size()) / dtype_size_bytes(tensor.dtype);
  std::vector<T> values(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) {
    const Number number = rounded(dtype, tensor.at(i));
    if constexpr (std::is_integral_v<T>) {
      values[static_cast<size_t>(i)] = static_cast<T>(number.integer);
    } else {
      values[static_cast<size_t>(i)] = static_cast<T>(number.real);
    }
  }
  return values;
}

bool close(Dtype dtype, double got, long double exact, long double tolerance) {
  if (std::isnan(exact)) return std::isnan(got);
  if (std::isinf(exact)) return got == static_cast<double>(exact);
  return round_to(dtype, exact - tolerance) <= got && got <= round_to(dtype, exact + tolerance);
}

// Checks every |every|th result; large products would take the host longer than the device.
void check_dot(const HostTensor& left, const HostTensor& right, const Axes& axes, Dtype dtype, int64_t every = 1) {
  ++g_cases;
  const Dims free_left = free_axes(left, axes.contract_left, axes.batch_left);
  const Dims free_right = free_axes(right, axes.contract_right, axes.batch_right);
  Shape shape;
  for (int64_t axis : axes.batch_left) shape.push_back(left.map.shape[static_cast<int>(axis)]);
  for (int64_t axis : free_left) shape.push_back(left.map.shape[static_cast<int>(axis)]);
  for (int64_t axis : free_right) shape.push_back(right.map.shape[static_cast<int>(axis)]);
  const auto list = [](const Dims& dims) { return ir::Axes(dims.begin(), dims.end()); };
  const ir::DotAttributes attributes{list(axes.contract_left), list(axes.batch_left), list(axes.contract_right),
                                     list(axes.batch_right)};
  const HostTensor result = run_op(kernels::plan_dot, "dot", {left, right}, dtype, shape, attributes);

  const auto batch_l = positions(left.map, axes.batch_left), batch_r = positions(right.map, axes.batch_right);
  const auto rows = positions(left.map, free_left), columns = positions(right.map, free_right);
  const auto depth_l = positions(left.map, axes.contract_left), depth_r = positions(right.map, axes.contract_right);
  std::vector<uint64_t> left_bits, right_bits;
  std::vector<double> left_values, right_values;
  if (is_integer(dtype)) {
    left_bits = converted<uint64_t>(left, dtype);
    right_bits = converted<uint64_t>(right, dtype);
  } else {
    left_values = converted<double>(left, dtype);
    right_values = converted<double>(right, dtype);
  }
  const auto per_batch = static_cast<int64_t>(rows.size() * columns.size());
  for (int64_t at = 0; at < result.count(); at += every) {
    const auto batch = static_cast<size_t>(at / per_batch), within = static_cast<size_t>(at % per_batch);
    const int64_t l = left.map.offset + batch_l[batch] + rows[within / columns.size()];
    const int64_t r = right.map.offset + batch_r[batch] + columns[within % columns.size()];
    uint64_t bits = 0;
    long double exact = 0, magnitude = 0;
    for (size_t k = 0; k < depth_l.size(); ++k) {
      const auto lk = static_cast<size_t>(l + depth_l[k]), rk = static_cast<size_t>(r + depth_r[k]);
      if (is_integer(dtype)) {
        bits += left_bits[lk] * right_bits[rk];
      } else {
        const long double term = static_cast<long double>(left_values[lk]) * right_values[rk];
        exact += term;
        magnitude += std::fabs(term);
      }
    }
    bool right_one = false;
    if (is_integer(dtype)) {
      right_one = result.integer(at) == wrap_to(dtype, bits);
    } else {
      const auto run = static_cast<long double>(std::min<size_t>(depth_l.size(), 4096) + 4);
      right_one = close(dtype, result.real(at), exact, run * magnitude * (dtype == Dtype::f64 ? 0x1p-53L : 0x1p-24L));
    }
    if (right_one) continue;
    FAIL_CHECK("dot " << type_text(left.dtype, left.map.shape) << " with " << type_text(right.dtype, right.map.shape)
                      << " -> " << type_text(dtype, shape) << ": output " << at << " is "
                      << (is_integer(dtype) ? static_cast<double>(result.integer(at)) : result.real(at)) << ", not "
                      << (is_integer(dtype) ? static_cast<double>(wrap_to(dtype, bits)) : static_cast<double>(exact)));
    return;
  }
}

void check_types(const Shape& left_shape, Dtype left_dtype, Layout left_layout, const Shape& right_shape,
                 Dtype right_dtype, Layout right_layout, const Axes& axes, Dtype dtype, std::mt19937& random,
                 int64_t every = 1) {
  HostTensor left = make_tensor(left_dtype, left_shape, left_layout);
  HostTensor right = make_tensor(right_dtype, right_shape, right_layout);
  fill_any(left, random);
  fill_any(right, random);
  check_dot(left, right, axes, dtype, every);
}

const Axes kMatrices = {{1}, {}, {0}, {}};

}  // namespace

TEST_CASE("dot of every type") {
  std::mt19937 random(13);
  g_cases = 0;
  constexpr Layout kPlain = Layout::kRowMajor;
  for (const Dtype dtype : real_types()) {
    const auto check = [&](const Shape& left, Layout left_layout, const Shape& right, Layout right_layout,
                           const Axes& axes) {
      check_types(left, dtype, left_layout, right, dtype, right_layout, axes, dtype, random);
    };
    check({}, kPlain, {}, kPlain, {});
    check({1, 1}, kPlain, {1, 1}, kPlain, kMatrices);
    check({3, 5}, kPlain, {5, 7}, kPlain, kMatrices);
    check({17, 65}, kPlain, {65, 33}, kPlain, kMatrices);
    check({17, 65}, Layout::kTransposed, {65, 33}, Layout::kTransposed, kMatrices);
    check({17, 65}, Layout::kReversed, {65, 33}, Layout::kBroadcast, kMatrices);
    check({65, 17}, kPlain, {33, 65}, kPlain, {{0}, {}, {1}, {}});
    check({64, 64}, kPlain, {64, 64}, kPlain, kMatrices);
    check({128, 128}, kPlain, {128, 128}, kPlain, kMatrices);
    check({4, 20, 9}, kPlain, {4, 9, 21}, kPlain, {{2}, {0}, {1}, {0}});
    check({300}, kPlain, {300}, kPlain, {{0}, {}, {0}, {}});
    check({70, 300}, kPlain, {300}, kPlain, {{1}, {}, {0}, {}});
    check({300}, kPlain, {300, 70}, kPlain, {{0}, {}, {0}, {}});
    check({3, 0}, kPlain, {0, 4}, kPlain, kMatrices);
    check({0, 3}, kPlain, {3, 4}, kPlain, kMatrices);
    check({20, 0}, kPlain, {0, 20}, kPlain, kMatrices);
    check({70'000}, kPlain, {70'000}, kPlain, {{0}, {}, {0}, {}});
    check({300'000}, kPlain, {300'000}, Layout::kReversed, {{0}, {}, {0}, {}});
  }
  MESSAGE(g_cases << " cases");
}

TEST_CASE("dot over every combination of axes") {
  std::mt19937 random(14);
  g_cases = 0;
  constexpr Dtype kType = Dtype::f32;
  for (const Layout layout : kLayouts) {
    const auto check = [&](const Shape& left, const Shape& right, const Axes& axes) {
      check_types(left, kType, layout, right, kType, Layout::kRowMajor, axes, kType, random);
      if (layout == Layout::kTransposed)
        check_types(left, kType, Layout::kRowMajor, right, kType, layout, axes, kType, random);
    };
    check({18, 6, 7}, {6, 7, 19}, {{1, 2}, {}, {0, 1}, {}});
    check({18, 6, 7}, {7, 19, 6}, {{1, 2}, {}, {2, 0}, {}});
    check({6, 18, 7}, {6, 19, 7}, {{2}, {0}, {2}, {0}});
    check({18, 6, 7}, {19, 7, 6}, {{2}, {1}, {1}, {2}});
    check({5, 6, 4, 7}, {4, 7, 20}, {{3}, {}, {1}, {}});  // two free axes on either side
    check({2, 18, 3, 5}, {3, 5, 2, 17}, {{3}, {0, 2}, {1}, {2, 0}});
    check({2, 18, 3, 5}, {3, 2, 17, 5}, {{3}, {2, 0}, {3}, {0, 1}});
    check({18, 3}, {3, 17}, {{}, {}, {}, {}});        // an outer product
    check({6, 5}, {6, 5}, {{}, {0, 1}, {}, {0, 1}});  // batches only
    check({6, 5}, {6, 5}, {{0, 1}, {}, {0, 1}, {}});  // everything contracted
    check({2, 2, 2, 2, 2, 2, 3}, {3, 2, 2, 2, 2, 2, 2}, {{6, 0}, {2}, {0, 3}, {5}});
  }
  MESSAGE(g_cases << " cases");
}

TEST_CASE("dot over long contractions, thin and large matrices") {
  std::mt19937 random(15);
  g_cases = 0;
  constexpr Layout kPlain = Layout::kRowMajor;
  for (const Dtype dtype : {Dtype::f32, Dtype::bf16, Dtype::s32, Dtype::f64}) {
    const auto check = [&](const Shape& left, const Shape& right, const Axes& axes, int64_t every) {
      check_types(left, dtype, kPlain, right, dtype, kPlain, axes, dtype, random, every);
    };
    for (const int64_t depth : {4'096, 4'097, 65'535, 65'536, 200'000}) {
      check({depth}, {depth}, {{0}, {}, {0}, {}}, 1);
      check({2, depth}, {depth, 3}, kMatrices, 1);
      check({16, depth}, {depth, 17}, kMatrices, 31);
      if (depth == 65'536) check({depth, 16}, {depth, 16}, {{0}, {}, {0}, {}}, 31);
    }
    check({2'000, 40}, {40, 3}, kMatrices, 1);
    check({3, 40}, {40, 2'000}, kMatrices, 1);
    check({512, 40}, {40, 512}, kMatrices, 17);       // medium tiles
    check({2'048, 20}, {20, 1'100}, kMatrices, 997);  // large tiles
    check({2'048, 20}, {1'100, 20}, {{1}, {}, {1}, {}}, 997);
    check({70'000, 2}, {2, 20}, kMatrices, 101);
    check({4'000, 16, 2}, {4'000, 2, 16}, {{2}, {0}, {1}, {0}}, 1009);
  }
  // More batches than one dispatch has workgroups for.
  check_types({66'000, 16, 2}, Dtype::u8, kPlain, {66'000, 2, 16}, Dtype::u8, kPlain, {{2}, {0}, {1}, {0}}, Dtype::u8,
              random, 1009);
  MESSAGE(g_cases << " cases");
}

TEST_CASE("dot planned for other devices") {
  std::mt19937 random(21);
  constexpr Layout kPlain = Layout::kRowMajor;
  vulkan::DeviceInfo info = device().info();
  info.software = false;
  info.max_groups[0] = 3;
  info.max_groups[2] = 64;
  info.max_workgroup_invocations = 128;
  info.shared_memory_bytes = 16'384;
  const PlannedFor planned(info);
  for (const Dtype dtype : {Dtype::f32, Dtype::f64, Dtype::u16}) {
    const auto check = [&](const Shape& left, const Shape& right, const Axes& axes, int64_t every) {
      check_types(left, dtype, kPlain, right, dtype, kPlain, axes, dtype, random, every);
    };
    check({300, 40}, {40, 300}, kMatrices, 7);
    check({150, 17, 5}, {150, 5, 18}, {{2}, {0}, {1}, {0}}, 1);
    check({20, 9'000}, {9'000, 20}, kMatrices, 3);
    check({9'000}, {9'000}, {{0}, {}, {0}, {}}, 1);
  }
  info.max_storage_range = 1'000;
  const PlannedFor small(info);
  ir::DotAttributes attributes;
  attributes.contract_left = {1};
  attributes.contract_right = {0};
  const Error error =
      plan_error(kernels::plan_dot, "dot", {HostTensor(Dtype::f32, {20, 40}), HostTensor(Dtype::f32, {40, 20})},
                 Dtype::f32, {20, 20}, attributes);
  CHECK(error.code == ErrorCode::kUnsupported);
  CHECK(error.message.find("1000 bytes") != std::string::npos);
}

TEST_CASE("dot converts both operands to the result's type") {
  std::mt19937 random(16);
  const auto check = [&random](Dtype left, Dtype right, Dtype result) {
    check_types({20, 33}, left, Layout::kRowMajor, {33, 18}, right, Layout::kRowMajor, kMatrices, result, random);
    check_types({2, 33}, left, Layout::kRowMajor, {33, 18}, right, Layout::kRowMajor, kMatrices, result, random);
  };
  check(Dtype::u8, Dtype::s8, Dtype::s16);
  check(Dtype::s32, Dtype::f32, Dtype::f32);
  check(Dtype::bf16, Dtype::f16, Dtype::f16);
  check(Dtype::u8, Dtype::f16, Dtype::f16);
  check(Dtype::f32, Dtype::f64, Dtype::f64);
  check(Dtype::u64, Dtype::s64, Dtype::s64);
  check(Dtype::u8, Dtype::u8, Dtype::f32);
}

TEST_CASE("dot of NaN and infinities") {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  for (const int64_t size : {2, 20}) {
    for (const Dtype dtype : {Dtype::f16, Dtype::bf16, Dtype::f32, Dtype::f64}) {
      HostTensor left(dtype, {size, size}), right(dtype, {size, size});
      left.set_real(0, kInf);    // row 0: inf * 0 + ...
      left.set_real(size, 1.0);  // row 1: 1 * column values of row 0
      right.set_real(1, 2.0);
      check_dot(left, right, kMatrices, dtype);
      right.set_real(0, std::numeric_limits<double>::quiet_NaN());
      check_dot(left, right, kMatrices, dtype);
      right.set_real(0, -kInf);
      check_dot(left, right, kMatrices, dtype);
    }
  }
}

TEST_CASE("f32 dot stays near the exact result at K = 4096") {
  std::mt19937 random(17);
  for (const Shape& shape : {Shape{64, 4'096}, Shape{4, 4'096}}) {
    HostTensor left(Dtype::f32, shape), right(Dtype::f32, {4'096, 64});
    fill_small(left, random);
    fill_small(right, random);
    ir::DotAttributes attributes;
    attributes.contract_left = {1};
    attributes.contract_right = {0};
    const HostTensor result = run_op(kernels::plan_dot, "dot", {left, right}, Dtype::f32, {shape[0], 64}, attributes);
    long double error = 0, norm = 0;
    for (int64_t row = 0; row < shape[0]; ++row) {
      for (int64_t column = 0; column < 64; ++column) {
        long double exact = 0;
        for (int64_t k = 0; k < 4'096; ++k)
          exact += static_cast<long double>(left.real(row * 4'096 + k)) * right.real(k * 64 + column);
        const long double difference = result.real(row * 64 + column) - exact;
        error += difference * difference;
        norm += exact * exact;
      }
    }
    const auto relative = static_cast<double>(std::sqrt(error / norm));
    MESSAGE(shape[0] << " x 4096 x 64: relative error " << relative);
    CHECK(relative < 1e-6);
  }
}

}  // namespace gpu_node::test
