// The text of Fourier transforms, reviewed in test/golden (golden.h), and how lengths are taken apart.
#include <doctest/doctest.h>

#include "golden.h"
#include "kernels/fourier/factors.h"

namespace gpu_node::test {

TEST_CASE("emitter: golden Fourier transforms") {
  using enum Dtype;
  for (const PlannedKernel& kernel : std::vector<PlannedKernel>{
           {"fft_c64", "fft", {tensor(c64, {100, 4096})}, {c64, {100, 4096}}},
           {"fft_c64_of_6000", "fft", {tensor(c64, {100, 6000})}, {c64, {100, 6000}}, {}, 2},
           {"fft_c64_of_16384", "fft", {tensor(c64, {100, 16'384})}, {c64, {100, 16'384}}, {}, 2},
           {"irfft_f16", "irfft", {turned(f16, {9, 7})}, {f16, {7, 16}}, {}, 2},
           {"fft_c128_by_chirp", "fft", {tensor(f64, {17})}, {c128, {17}}, {}, 4},
       })
    check_golden(kernel, {});
}

TEST_CASE("fourier: lengths are taken apart into as few parts as hold them, as equal as can be") {
  using kernels::parts_of;
  const auto parts = [](int64_t length, int64_t most) {
    std::vector<int64_t> list;
    if (const auto found = parts_of(length, most)) list.assign(found->begin(), found->end());
    return list;
  };
  CHECK(parts(1, 4096) == std::vector<int64_t>{1});
  CHECK(parts(4096, 4096) == std::vector<int64_t>{4096});
  CHECK(parts(8192, 4096) == std::vector<int64_t>{64, 128});
  CHECK(parts(300'000, 4096) == std::vector<int64_t>{600, 500});
  CHECK(parts(int64_t{1} << 28, 4096) == std::vector<int64_t>{256, 1024, 1024});
  CHECK(parts(17, 4096).empty());
  CHECK(parts(4099 * 2, 4096).empty());
  CHECK(parts(13 * 13 * 13, 128) == std::vector<int64_t>{13, 13, 13});
  for (int64_t length = 1; length <= 8192; ++length) {
    if (parts(length, 8192).size() != 1) continue;
    int64_t product = 1;
    uint32_t radices = kernels::radices_of(length);
    for (; radices != 0; radices >>= 4) product *= radices & 15;
    CHECK(product == length);
  }
  for (const auto& [least, length] : {std::pair{33, 36}, {128, 128}, {129, 144}, {131'073, 147'456}})
    CHECK(kernels::convenient_length(least) == length);
}

}  // namespace gpu_node::test
