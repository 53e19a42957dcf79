// Passes in registers, which devices with registers take lengths by that are powers of two: planned as for such a
// device, run on any.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "gpu/complex_case.h"
#include "gpu/fourier_case.h"
#include "gpu/layouts.h"
#include "gpu/op_case.h"
#include "kernels/fourier/fourier_power.h"

namespace gpu_node::test {
namespace {

using enum Dtype;

// The device as a card; without doubles few numbers of c64 are computed in f32, as many are.
vulkan::DeviceInfo card(bool doubles) {
  vulkan::DeviceInfo info = device().info();
  info.software = false;
  info.has_f64 = info.has_f64 && doubles;
  return info;
}

HostTensor fft(const HostTensor& from, int64_t axis, const std::string& op = "fft") {
  return run_op(kernels::plan_fourier, op, {from}, c64, from.map.shape, along(axis));
}

bool same_bits(const HostTensor& a, const HostTensor& b, int64_t first_b = 0) {
  const auto size = static_cast<size_t>(dtype_size_bytes(a.dtype));
  return std::memcmp(a.bytes.data(), b.bytes.data() + static_cast<size_t>(first_b) * size,
                     static_cast<size_t>(a.count()) * size) == 0;
}

}  // namespace

TEST_CASE("fourier of powers: a card takes these lengths in registers but a software driver none") {
  for (const Dtype computing : {c64, c128}) {
    CHECK(kernels::fourier_power_most(computing, card(true)) >= 2048);
    vulkan::DeviceInfo software = card(true);
    software.software = true;
    CHECK(kernels::fourier_power_most(computing, software) == 0);
  }
}

TEST_CASE(
    "fourier of powers: every length to 2^12 and longer ones - alone and in rows - both ways - in every precision") {
  const auto check_all = [](Dtype dtype, bool doubles, const std::vector<int64_t>& lengths) {
    const PlannedFor planned(card(doubles));
    double worst = 0;
    const auto check = [&](const char* op, int64_t rows, int64_t length) {
      const HostTensor from = fourier_numbers(dtype, {rows, length}, static_cast<uint32_t>(rows + length));
      worst = std::max(worst, check_fourier(op, from, 1, length, dtype));
    };
    for (const int64_t length : lengths)
      for (const int64_t rows : {1, 3}) {
        check("fft", rows, length);
        check("ifft", rows, length);
      }
    check("fft", 1000, 64);
    MESSAGE(std::string(dtype_name(dtype)) << std::string(doubles ? " in double " : " ") << worst);
  };
  check_all(c64, false, {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 1 << 17, 1 << 20});
  check_all(c64, true, {16, 512});
  check_all(c128, true, {2, 8, 64, 512, 2048, 16'384});
}

TEST_CASE("fourier of powers: a great many short rows - the last workgroup has not all of its own") {
  const PlannedFor planned(card(false));
  check_fourier("fft", fourier_numbers(c64, {530'001, 8}), 1, 8, c64);
  check_fourier("ifft", fourier_numbers(c64, {2, 530'001}), 0, 2, c64);
}

TEST_CASE("fourier of powers: along every axis - operands lying in every way - cut and filled") {
  uint32_t seed = 0;
  const auto check = [&seed](Dtype dtype, bool doubles) {
    const PlannedFor planned(card(doubles));
    for (const Layout layout : kLayouts)
      for (const int64_t axis : {0, 1, 2})
        for (const int64_t length : {4, 16})
          check_fourier(length == 4 ? "fft" : "ifft", fourier_numbers(dtype, {6, 9, 7}, ++seed, layout), axis, length,
                        dtype);
    for (const int64_t length : {64, 1024}) {
      check_fourier("fft", fourier_numbers(dtype, {length, 11}, ++seed), 0, length, dtype);
      check_fourier("ifft", fourier_numbers(dtype, {2, length - 7, 5}, ++seed, Layout::kReversed), 1, length, dtype);
      check_fourier("fft", fourier_numbers(dtype, {3, length}, ++seed, Layout::kTransposed), 1, length, dtype);
    }
    check_fourier("fft", fourier_numbers(dtype, {4096, 3}, ++seed), 0, 4096, dtype);
  };
  check(c64, false);
  check(c64, true);
  check(c128, true);
}

TEST_CASE("fourier of powers: real numbers of every type - whole - half and back") {
  uint32_t seed = 0;
  for (const bool doubles : {false, true}) {
    const PlannedFor planned(card(doubles));
    for (const Dtype dtype : real_types()) {
      if (dtype == f64 && !doubles) continue;
      const Dtype result = dtype == f64 ? c128 : c64;
      for (const int64_t length : {2, 16}) {
        check_fourier("fft", fourier_numbers(dtype, {4, 40}, ++seed, Layout::kTransposed), 1, length, result);
        check_fourier("ifft", fourier_numbers(dtype, {40, 8}, ++seed), 0, length, result);
        check_fourier("rfft", fourier_numbers(dtype, {4, 40}, ++seed), 1, length, result);
      }
    }
    for (const int64_t length : {2, 64, 16'384}) {
      check_fourier("irfft", fourier_numbers(c64, {3, length / 2 + 1}, ++seed), 1, length, f32);
      check_fourier("irfft", fourier_numbers(c64, {(length + 3) / 4, 2}, ++seed), 0, length, f32);
      check_fourier("rfft", fourier_numbers(f32, {2, length}, ++seed), 1, length, c64);
    }
  }
}

TEST_CASE("fourier of powers: other lengths convolved with a chirp by way of them") {
  const PlannedFor planned(card(false));
  for (const int64_t length : {17, 2053}) {
    check_fourier("fft", fourier_numbers(c64, {3, length}, 1), 1, length, c64);
    check_fourier("ifft", fourier_numbers(c64, {length, 2}, 2), 0, length, c64);
    check_fourier("irfft", fourier_numbers(c64, {2, length / 2 + 1}, 3), 1, length, f32);
  }
}

TEST_CASE("fourier of powers: other lengths of which a part is one") {
  const PlannedFor planned(card(true));
  for (const char* op : {"fft", "ifft"}) {
    check_fourier(op, fourier_numbers(c128, {2, 3072}, 1), 1, 3072, c128);
    check_fourier(op, fourier_numbers(c64, {12, 12'288}, 2), 1, 12'288, c64);
  }
}

TEST_CASE("fourier of powers: a transform and its inverse give what was there") {
  const PlannedFor planned(card(false));
  for (const int64_t length : {2, 64, 512, 65'536}) {
    const HostTensor from = fourier_numbers(c64, {2, length}, 7);
    const HostTensor back = fft(fft(from, 1), 1, "ifft");
    for (size_t i = 0; i < 2; ++i)
      CHECK(relative_distance(rows_of(back, 1)[i], rows_of(from, 1)[i]) <= 2 * fourier_bound(f32, length));
  }
}

TEST_CASE("fourier of powers: what is no number stays in its row - rows have the same bits in any company") {
  const PlannedFor planned(card(false));
  for (const int64_t length : {4, 64, 512}) {
    const HostTensor one = fourier_numbers(c64, {1, length}, 5);
    HostTensor many(c64, {40, length});
    for (int64_t i = 0; i < many.count(); ++i) put(many, i, Parts(at(one, i % length)));
    put(many, 7 * length + 1, Parts(std::nan(""), 0));
    put(many, 9 * length + 2, Parts(0, std::numeric_limits<double>::infinity()));
    const HostTensor alone = fft(one, 1), together = fft(many, 1);
    CHECK(same_bits(together, fft(many, 1)));
    for (int64_t row = 0; row < 40; ++row) {
      if (row != 7 && row != 9) CHECK(same_bits(alone, together, row * length));
      // A turn by a quarter leaves one of the parts a number.
      for (int64_t k = 0; k < length && (row == 7 || row == 9); ++k) {
        const Wide number = at(together, row * length + k);
        CHECK_FALSE((std::isfinite(number.real()) && std::isfinite(number.imag())));
      }
    }
  }
}

TEST_CASE("fourier of powers: a length is a kernel along rows and one across them - however many there are") {
  const PlannedFor planned(card(false));
  const auto made = [](const std::function<void()>& work) {
    const uint64_t before = device().counters().pipelines_created;
    work();
    return device().counters().pipelines_created - before;
  };
  fft(HostTensor(c64, {3, 256}), 1);
  fft(HostTensor(c64, {256, 3}), 0);
  CHECK(made([] {
          for (int64_t i = 1; i <= 20; ++i) {
            const Shape shape = i % 2 == 0 ? Shape{i, 256} : Shape{256, i};
            fft(HostTensor(c64, shape), i % 2 == 0 ? 1 : 0, i % 3 == 0 ? "ifft" : "fft");
          }
        }) == 0);
  // A longer one is two passes: each of its parts a kernel, the first with turns.
  fft(HostTensor(c64, {1, 65'536}), 1);
  CHECK(made([] {
          for (int64_t i = 2; i <= 9; ++i) fft(HostTensor(c64, {i, 65'536}), 1, i % 2 == 0 ? "ifft" : "fft");
        }) == 0);
}

}  // namespace gpu_node::test
