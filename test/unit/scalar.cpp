// Conversions of single numbers, as Nx.as_type/2 has them.
#include "tensor/scalar.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

namespace gpu_node {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Scalar real(double value) { return {Dtype::f64, value}; }
Scalar whole(int64_t value) { return {Dtype::s64, value}; }

double as_double(const Scalar& from, Dtype to) {
  const Scalar result = converted(from, to);
  CHECK(result.dtype == to);
  return std::get<double>(result.value);
}
int64_t as_signed(const Scalar& from, Dtype to) { return std::get<int64_t>(converted(from, to).value); }
uint64_t as_unsigned(const Scalar& from, Dtype to) { return std::get<uint64_t>(converted(from, to).value); }

}  // namespace

TEST_CASE("scalar: integers wrap") {
  CHECK(as_unsigned(whole(300), Dtype::u8) == 44);
  CHECK(as_unsigned(whole(-1), Dtype::u64) == std::numeric_limits<uint64_t>::max());
  CHECK(as_signed(whole(200), Dtype::s8) == -56);
  CHECK(as_signed(whole(7), Dtype::s4) == 7);
  CHECK(as_signed(whole(8), Dtype::s4) == -8);
  CHECK(as_unsigned(whole(-1), Dtype::u2) == 3);
  CHECK(as_signed({Dtype::u64, std::numeric_limits<uint64_t>::max()}, Dtype::s64) == -1);
}

TEST_CASE("scalar: floats truncate to integers, then wrap; infinities give the ends") {
  CHECK(as_unsigned(real(300.7), Dtype::u8) == 44);
  CHECK(as_unsigned(real(-1.5), Dtype::u8) == 255);
  CHECK(as_signed(real(1e20), Dtype::s32) == 1661992960);
  CHECK(as_signed(real(-0.9), Dtype::s32) == 0);
  CHECK(as_unsigned(real(0.5), Dtype::u8) == 0);
  CHECK(as_signed(real(kInfinity), Dtype::s8) == 127);
  CHECK(as_signed(real(-kInfinity), Dtype::s8) == -128);
  CHECK(as_unsigned(real(kInfinity), Dtype::u64) == std::numeric_limits<uint64_t>::max());
  CHECK(as_unsigned(real(-kInfinity), Dtype::u4) == 0);
  CHECK(as_signed(real(std::nan("")), Dtype::s64) == 0);
  CHECK(as_signed(real(-0x1p63), Dtype::s64) == std::numeric_limits<int64_t>::min());
}

TEST_CASE("scalar: floats round to nearest even, once") {
  CHECK(as_double(real(1 + 0x1p-11), Dtype::f16) == 1.0);
  CHECK(as_double(real(1 + 0x1p-11 + 0x1p-50), Dtype::f16) == 1 + 0x1p-10);
  CHECK(as_double(real(65520), Dtype::f16) == kInfinity);
  CHECK(as_double(real(65519.99), Dtype::f16) == 65504);
  CHECK(as_double(real(0x1p-25), Dtype::f16) == 0);
  CHECK(as_double(real(0x1.8p-25), Dtype::f16) == 0x1p-24);
  CHECK(as_double(real(1 + 0x1p-8), Dtype::bf16) == 1.0);
  CHECK(as_double(real(1 + 0x3p-8), Dtype::bf16) == 1 + 0x1p-6);
  CHECK(as_double(real(1.125), Dtype::f8) == 1.0);
  CHECK(as_double(real(61440), Dtype::f8) == kInfinity);
  CHECK(as_double(real(1e9), Dtype::f8_e4m3fn) == 448);
  CHECK(as_double(real(-kInfinity), Dtype::f8_e4m3fn) == -448);
  CHECK(std::isnan(as_double(real(std::nan("")), Dtype::f8_e4m3fn)));
  CHECK(as_double(real(1e300), Dtype::f32) == kInfinity);
  CHECK(std::signbit(as_double(real(-0.0), Dtype::f16)));
  CHECK(as_double(whole((int64_t{1} << 53) + 1), Dtype::f64) == 0x1p53);
  // 2^24 + 2^16 + 1 lies just above the middle of two bf16 numbers; through f32 it would fall on it.
  CHECK(as_double(whole((1 << 24) + (1 << 16) + 1), Dtype::bf16) == 0x1p24 + 0x1p17);
}

TEST_CASE("scalar: complex numbers") {
  const Scalar number{Dtype::c128, std::complex<double>(1.5, -2.0)};
  CHECK(as_double(number, Dtype::f32) == 1.5);
  CHECK(std::get<std::complex<double>>(converted(number, Dtype::c64).value) == std::complex<double>(1.5, -2.0));
  CHECK(std::get<std::complex<double>>(converted(whole(3), Dtype::c64).value) == std::complex<double>(3, 0));
}

}  // namespace gpu_node
