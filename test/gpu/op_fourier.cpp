// Fourier transforms against the host's in long double: how far rows are from it, as a part of their size.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "gpu/complex_case.h"
#include "gpu/fourier_case.h"
#include "gpu/op_case.h"

namespace gpu_node::test {
namespace {

using enum Dtype;

// Runs |test| as the device is, and as if it had no doubles: then few numbers of c64 are computed in f32 too.
void with_and_without_doubles(const std::function<void()>& test) {
  test();
  vulkan::DeviceInfo info = device().info();
  info.has_f64 = false;
  const PlannedFor planned(info);
  test();
}

}  // namespace

TEST_CASE("fourier: every length to 130, some to 5,000 and those of many small primes, both ways") {
  std::vector<int64_t> lengths;
  for (int64_t length = 1; length <= 130; ++length) lengths.push_back(length);
  for (int64_t length : {169,  243,  343,  360,  509,  512,  625,  719,  1000, 1001, 1024, 1331, 2048,
                         2187, 2197, 2401, 2520, 3072, 3125, 4000, 4001, 4095, 4096, 4097, 5000})
    lengths.push_back(length);
  const auto check = [&](Dtype dtype, const std::string& op) {
    double worst = 0;
    for (const int64_t length : lengths)
      worst = std::max(worst, check_fourier(op, fourier_numbers(dtype, {3, length}, static_cast<uint32_t>(length)), 1,
                                            length, dtype));
    MESSAGE(op << " " << std::string(dtype_name(dtype)) << " " << worst);
    return worst;
  };
  check(c128, "fft");
  check(c128, "ifft");
  // Of few numbers the nearest ones.
  CHECK(check(c64, "fft") < 6e-8);
  vulkan::DeviceInfo info = device().info();
  info.has_f64 = false;
  const PlannedFor planned(info);
  check(c64, "fft");
  check(c64, "ifft");
  lengths = {8, 30, 77, 512, 1001, 2048, 4001};
  // As a GPU: many invocations, which memory with banks is skewed for.
  info.software = false;
  info.shared_memory_bytes = 20'000;
  const PlannedFor card(info);
  check(c64, "fft");
  check(c64, "ifft");
}

TEST_CASE("fourier: lengths of several passes, 300,000 and large primes, which are far from nothing") {
  for (const int64_t length : {8192, 65'536, 65'537, 70'000, 262'144, 300'000, 300'007}) {
    MESSAGE(length << ": c64 " << check_fourier("fft", fourier_numbers(c64, {length}), 0, length, c64) << ", c128 "
                   << check_fourier("ifft", fourier_numbers(c128, {length}), 0, length, c128));
  }
  // Of three passes; of rows that go in several goes, since what lies between passes is bounded.
  vulkan::DeviceInfo info = device().info();
  info.shared_memory_bytes = 1024;
  info.max_storage_range = 1 << 20;
  const PlannedFor small(info);
  check_fourier("fft", fourier_numbers(c64, {2, 100'000}), 1, 100'000, c64);
  check_fourier("ifft", fourier_numbers(c128, {10'000, 3}), 0, 10'000, c128);
  check_fourier("fft", fourier_numbers(c64, {5, 2039, 9}), 1, 2039, c64);
  check_fourier("fft", fourier_numbers(c64, {3, 12'000, 6}), 1, 12'000, c64);
}

TEST_CASE("fourier: along every axis, operands lying in every way, cut and filled") {
  uint32_t seed = 0;
  for (const Dtype dtype : kComplex)
    for (const Layout layout : kLayouts)
      for (const int64_t axis : {0, 1, 2})
        for (const int64_t length : {1, 4, 6, 9, 17, 30})
          check_fourier(length % 2 == 0 ? "fft" : "ifft", fourier_numbers(dtype, {6, 9, 7}, ++seed, layout), axis,
                        length, dtype);
  with_and_without_doubles([] {
    check_fourier("fft", fourier_numbers(c64, {64, 40}, 1, Layout::kTransposed), 0, 64, c64);
    check_fourier("fft", fourier_numbers(c64, {5000, 3}, 1, Layout::kReversed), 0, 9000, c64);
    for (const Layout layout : kLayouts) check_fourier("ifft", fourier_numbers(c64, {6, 9, 7}, 5, layout), 1, 17, c64);
  });
  check_fourier("fft", fourier_numbers(c64, {70'000, 4}), 1, 4, c64);
  check_fourier("fft", fourier_numbers(c64, {4, 70'000}), 0, 4, c64);
}

TEST_CASE("fourier: real numbers of every type, whole, half and back") {
  uint32_t seed = 0;
  for (const Dtype dtype : real_types()) {
    const Dtype result = dtype == f64 ? c128 : c64;
    for (const int64_t length : {1, 2, 7, 8, 37}) {
      check_fourier("fft", fourier_numbers(dtype, {4, 8}, ++seed, Layout::kTransposed), 1, length, result);
      check_fourier("ifft", fourier_numbers(dtype, {4, 8}, ++seed), 0, length, result);
      check_fourier("rfft", fourier_numbers(dtype, {4, 8}, ++seed), 1, length, result);
      if (dtype == f32 || dtype == f64)
        check_fourier("irfft", fourier_numbers(dtype, {4, 8}, ++seed, Layout::kReversed), 1, length, dtype);
    }
  }
  for (const int64_t length : {1, 2, 3, 8, 9, 15, 16, 46, 4096, 10'000, 6007}) {
    check_fourier("irfft", fourier_numbers(c128, {length / 2 + 3, 2}, ++seed), 0, length, f64);
    with_and_without_doubles([&] {
      check_fourier("irfft", fourier_numbers(c64, {3, length / 2 + 1}, ++seed), 1, length, f32);
      check_fourier("irfft", fourier_numbers(c64, {2, (length + 3) / 4}, ++seed), 1, length, f32);
      check_fourier("rfft", fourier_numbers(f32, {2, length}, ++seed), 1, length, c64);
    });
  }
  // Of a small float the parts are rounded once.
  const HostTensor half = fourier_numbers(bf16, {5}, 3);
  const HostTensor whole = run_op(kernels::plan_fourier, "irfft", {half}, bf16, {8}, along({}));
  const WideRow exact = expected_fourier("irfft", rows_of(half, 0)[0], 8);
  for (int64_t k = 0; k < 8; ++k)
    CHECK(std::abs(at(whole, k) - exact[static_cast<size_t>(k)]) <=
          std::abs(exact[static_cast<size_t>(k)]) / 256 + 1e-6L);
}

TEST_CASE("fourier: a transform and its inverse give what was there, and of a transform the squares' sum is n times") {
  for (const int64_t length : {12, 1000, 1009, 16'384, 65'537}) {
    const HostTensor from = fourier_numbers(c64, {2, length}, 7);
    const HostTensor there = run_op(kernels::plan_fourier, "fft", {from}, c64, {2, length}, along(1));
    const HostTensor back = run_op(kernels::plan_fourier, "ifft", {there}, c64, {2, length}, along(1));
    for (size_t i = 0; i < 2; ++i) {
      const WideRow a = rows_of(from, 1)[i], b = rows_of(there, 1)[i];
      CHECK(relative_distance(rows_of(back, 1)[i], a) <= 2 * fourier_bound(f32, length));
      long double before = 0, after = 0;
      for (const auto& one : a) before += std::norm(one);
      for (const auto& one : b) after += std::norm(one);
      CHECK(static_cast<double>(std::abs(after / (before * static_cast<long double>(length)) - 1)) <=
            fourier_bound(f32, length));
    }
  }
}

TEST_CASE("fourier: two axes, in any order, cut and filled") {
  const auto check_two = [](const std::string& op, const HostTensor& from, const ir::Axes& axes, Dims lengths) {
    Shape shape = from.map.shape;
    for (int i = 0; i < 2; ++i) shape[axes[static_cast<size_t>(i)]] = lengths[i];
    const HostTensor got =
        run_op(kernels::plan_fourier, op, {from}, from.dtype, shape, ir::Fourier2Attributes{lengths, axes, 0});
    // The second axis, then the first of what that gave, in double.
    HostTensor wide(c128, from.map.shape);
    for (int64_t i = 0; i < from.count(); ++i) put(wide, i, Parts(at(from, i)));
    for (const size_t which : {1, 0}) {
      const int axis = axes[which];
      Shape next = wide.map.shape;
      next[axis] = lengths[static_cast<int>(which)];
      HostTensor made(c128, next);
      int64_t inner = 1;
      for (int d = axis + 1; d < next.size(); ++d) inner *= next[d];
      const std::vector<WideRow> rows = rows_of(wide, axis);
      for (size_t line = 0; line < rows.size(); ++line) {
        const WideRow row = expected_fourier(op, rows[line], next[axis]);
        const auto at_line = static_cast<int64_t>(line);
        for (int64_t k = 0; k < next[axis]; ++k)
          put(made, at_line / inner * next[axis] * inner + k * inner + at_line % inner,
              Parts(row[static_cast<size_t>(k)]));
      }
      wide = made;
    }
    WideRow a, b;
    for (int64_t i = 0; i < got.count(); ++i) {
      a.push_back(at(got, i));
      b.push_back(at(wide, i));
    }
    CHECK(relative_distance(a, b) <= 2 * fourier_bound(component_type(from.dtype), 64));
  };
  for (const Dtype dtype : kComplex) {
    check_two("fft2", fourier_numbers(dtype, {3, 12, 10}), {1, 2}, {12, 10});
    check_two("ifft2", fourier_numbers(dtype, {3, 12, 10}, 2, Layout::kTransposed), {2, 0}, {16, 2});
    check_two("fft2", fourier_numbers(dtype, {5, 4, 7}, 3, Layout::kReversed), {0, 1}, {17, 3});
  }
}

TEST_CASE("fourier: what is small is cleared, and no more") {
  HostTensor from(c64, {4});
  for (const auto& [place, value] :
       {std::pair{0, Parts(1, 0)}, {1, Parts(1, 0.5)}, {2, Parts(-1, 0)}, {3, Parts(1, -0.5)}})
    put(from, place, value);
  const auto run = [&](double eps) {
    return run_op(kernels::plan_fourier, "fft", {from}, c64, {4}, along({}, {}, eps));
  };
  // 2; 2 + 1 = 3; -2; 2 - 1.
  for (const auto& [eps, first, second] :
       {std::tuple{1e-10, 2.0, 3.0}, {2.0, 0.0, 3.0}, {2.5, 0.0, 3.0}, {1e300, 0.0, 0.0}}) {
    CHECK(at(run(eps), 0) == Wide(first, 0));
    CHECK(at(run(eps), 1).real() == second);
    CHECK_FALSE(std::signbit(at(run(eps), 0).imag()));
  }
}

TEST_CASE("fourier: nothing, and nothing along the axis") {
  const auto run = [](const std::string& op, const Shape& shape, const Shape& result,
                      const ir::Attributes& attributes) {
    const program::Tensor empty{c64, IndexMap::row_major(shape), {}};
    return from_device(run_op(op, std::vector{program::Value(empty)}, {c64, result}, attributes));
  };
  CHECK(run("fft", {3, 0}, {3, 0}, along(1)).count() == 0);
  CHECK(run("ifft", {0, 3}, {0, 3}, along(1)).count() == 0);
  const HostTensor zeros = run("fft", {2, 0}, {2, 5}, along(1, 5));
  for (int64_t i = 0; i < 10; ++i) CHECK(at(zeros, i) == Wide(0, 0));
  const HostTensor more = run("ifft2", {2, 0}, {2, 5}, ir::Fourier2Attributes{Dims{2, 5}, {}, 0});
  for (int64_t i = 0; i < 10; ++i) CHECK(at(more, i) == Wide(0, 0));
}

TEST_CASE("fourier: forty shapes need no kernel that four have not made") {
  // On a software driver, which has no passes for lengths of their own (op_fourier_power.cpp). What few numbers take,
  // of one pass, of several and by a chirp, and what many do.
  vulkan::DeviceInfo info = device().info();
  info.software = true;
  const PlannedFor planned(info);
  for (const int64_t length : {8, 136, 8192, 100'000})
    check_fourier("fft", fourier_numbers(c64, {length}), 0, length, c64);
  const uint64_t before = device().counters().pipelines_created;
  for (int64_t i = 1; i <= 40; ++i) {
    const int64_t length = i % 4 == 0 ? 8192 * i : 8 * i;
    const Shape shape = i % 2 == 0 ? Shape{i, length} : Shape{length, i};
    const HostTensor from(c64, shape);
    run_op(kernels::plan_fourier, i % 3 == 0 ? "fft" : "ifft", {from}, c64, shape, along(i % 2 == 0 ? 1 : 0));
  }
  CHECK(device().counters().pipelines_created == before);
}

TEST_CASE("fourier: what is refused") {
  const auto error = [](const std::string& op, const ir::TensorType& type, const ir::TensorType& result,
                        const ir::Attributes& attributes) {
    return op_error(op, std::vector{program::Value(program::Tensor{type.dtype, IndexMap::row_major(type.shape), {}})},
                    result, attributes)
        .message;
  };
  CHECK(error("fft", {c64, {}}, {c64, {}}, along({})) == "fft: needs at least 1 dimension, not c64{}");
  CHECK(error("fft", {f32, {3}}, {c64, {3}}, along(1)) == "fft: axis: 1 is not an axis of f32{3}");
  CHECK(error("fft", {f32, {3}}, {f32, {3}}, along(0)) == "fft: the result is declared f32{3}, but is c64{3}");
  CHECK(error("rfft", {c64, {3}}, {c64, {2}}, along(0)) ==
        "rfft: complex numbers have no order, but operand 0 is c64{3}");
  CHECK(error("irfft", {c64, {3, 1}}, {f32, {3, 0}}, along(1)) ==
        "irfft: needs a length, or at least 2 along axis 1, not c64{3, 1}");
  CHECK(error("fft", {c64, {3}}, {c64, {3}}, along(0, int64_t{1} << 41)) ==
        "fft: axis 0: a length of 2199023255552 is outside 1 to 2^40");
  CHECK(error("fft2", {c64, {3}}, {c64, {3}}, ir::Fourier2Attributes{}) ==
        "fft2: needs at least 2 dimensions, not c64{3}");
  CHECK(error("fft2", {c64, {3, 3}}, {c64, {3, 3}}, ir::Fourier2Attributes{{}, ir::Axes{1, 1}}) ==
        "fft2: axes: axis 1 stands twice");
  CHECK(error("fft2", {c64, {3, 3}}, {c64, {3, 3}}, ir::Fourier2Attributes{Dims{3}, {}}) ==
        "fft2: lengths must be 2, one for each of axes, not 1");
  HostTensor one(c64, {1});
  CHECK(plan_error(kernels::plan_fourier, "fft", {one}, c64, {int64_t{1} << 29}, along(0, int64_t{1} << 29)).message ==
        "fft: a length of 536870912; the greatest supported is 268435456");
}

}  // namespace gpu_node::test
