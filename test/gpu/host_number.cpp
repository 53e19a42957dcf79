#include "gpu/host_number.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace gpu_node::test {
namespace {

struct SmallFloat {
  int exponent_bits, mantissa_bits, bias;
  bool has_infinity;
};

SmallFloat small_float(Dtype dtype) {
  switch (dtype) {
    case Dtype::f8:
      return {5, 2, 15, true};
    case Dtype::f8_e4m3fn:
      return {4, 3, 7, false};
    case Dtype::f16:
      return {5, 10, 15, true};
    default:
      return {8, 7, 127, true};  // bf16
  }
}

bool is_small_float(Dtype dtype) { return is_float(dtype) && dtype != Dtype::f32 && dtype != Dtype::f64; }

double small_value(Dtype dtype, uint32_t bits) {
  const SmallFloat f = small_float(dtype);
  const uint32_t mantissa = bits & ((1u << f.mantissa_bits) - 1);
  const uint32_t exponent = (bits >> f.mantissa_bits) & ((1u << f.exponent_bits) - 1);
  const double sign = (bits >> (f.exponent_bits + f.mantissa_bits)) != 0 ? -1 : 1;
  const uint32_t top = (1u << f.exponent_bits) - 1;
  if (f.has_infinity && exponent == top)
    return mantissa == 0 ? sign * std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
  if (!f.has_infinity && exponent == top && mantissa == (1u << f.mantissa_bits) - 1)
    return std::numeric_limits<double>::quiet_NaN();
  if (exponent == 0) return sign * std::ldexp(mantissa, 1 - f.bias - f.mantissa_bits);
  return sign * std::ldexp(mantissa | (1u << f.mantissa_bits), static_cast<int>(exponent) - f.bias - f.mantissa_bits);
}

// All finite magnitudes in order; the index of one is its bits.
const std::vector<double>& magnitudes(Dtype dtype) {
  static std::array<std::vector<double>, kDtypeCount> lists;
  std::vector<double>& list = lists[static_cast<size_t>(dtype)];
  if (list.empty()) {
    const SmallFloat f = small_float(dtype);
    for (uint32_t bits = 0; bits < (1u << (f.exponent_bits + f.mantissa_bits)); ++bits) {
      const double value = small_value(dtype, bits);
      if (!std::isfinite(value)) break;
      list.push_back(value);
    }
  }
  return list;
}

uint32_t small_bits(Dtype dtype, long double value) {
  const SmallFloat f = small_float(dtype);
  const uint32_t sign = std::signbit(value) ? 1u << (f.exponent_bits + f.mantissa_bits) : 0;
  const std::vector<double>& list = magnitudes(dtype);
  const auto infinity = static_cast<uint32_t>(list.size());
  if (value != value) return infinity + (f.has_infinity ? 1 : 0);
  const long double magnitude = std::fabs(value);
  if (magnitude > list.back()) {
    if (!f.has_infinity) return sign | (infinity - 1);
    const long double step = list[infinity - 1] - list[infinity - 2];
    // Halfway beyond the largest is a tie with an even neighbour, the infinity.
    return sign | (magnitude >= list.back() + step / 2 ? infinity : infinity - 1);
  }
  const auto above = static_cast<uint32_t>(std::lower_bound(list.begin(), list.end(), magnitude) - list.begin());
  if (above == 0) return sign;
  const long double up = list[above] - magnitude;
  const long double down = magnitude - list[above - 1];
  if (up != down) return sign | (up < down ? above : above - 1);
  return sign | (above % 2 == 0 ? above : above - 1);
}

__int128 truncated(Dtype dtype, long double value) {
  const DtypeInfo& info = dtype_info(dtype);
  const bool is_signed = info.kind == DtypeKind::kSigned;
  const __int128 one = 1;
  if (value != value) return 0;
  if (std::isinf(value)) {
    if (value > 0) return (one << (info.bits - (is_signed ? 1 : 0))) - 1;
    return is_signed ? -(one << (info.bits - 1)) : 0;
  }
  return static_cast<__int128>(std::fmod(std::trunc(value), 0x1p64L));
}

}  // namespace

std::string number_text(const Number& number) {
  if (!number.is_integer) {
    char text[64];
    std::snprintf(text, sizeof(text), "%.21Lg", number.real);
    return text;
  }
  if (number.integer < 0) return "-" + number_text(Number::of(-number.integer));
  std::string digits;
  for (__int128 rest = number.integer; rest > 0 || digits.empty(); rest /= 10)
    digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(rest % 10)));
  return digits;
}

Number decoded(Dtype dtype, const std::byte* element) {
  uint64_t bits = 0;
  const DtypeInfo& info = dtype_info(dtype);
  std::memcpy(&bits, element, static_cast<size_t>(info.size_bytes));
  if (is_small_float(dtype)) return Number::of_real(small_value(dtype, static_cast<uint32_t>(bits)));
  if (dtype == Dtype::f32) return Number::of_real(std::bit_cast<float>(static_cast<uint32_t>(bits)));
  if (dtype == Dtype::f64) return Number::of_real(std::bit_cast<double>(bits));
  if (info.kind == DtypeKind::kUnsigned) return Number::of(bits);
  const int unused = 64 - info.size_bytes * 8;
  return Number::of(static_cast<int64_t>(bits << unused) >> unused);
}

void encode(Dtype dtype, const Number& number, std::byte* element) {
  const DtypeInfo& info = dtype_info(dtype);
  uint64_t bits = 0;
  if (is_small_float(dtype)) {
    bits = small_bits(dtype, number.as_real());
  } else if (dtype == Dtype::f32) {
    bits = std::bit_cast<uint32_t>(static_cast<float>(number.as_real()));
  } else if (dtype == Dtype::f64) {
    bits = std::bit_cast<uint64_t>(static_cast<double>(number.as_real()));
  } else {
    const __int128 whole = number.is_integer ? number.integer : truncated(dtype, number.real);
    const int unused = 64 - info.bits;
    bits = static_cast<uint64_t>(whole) << unused;
    bits =
        info.kind == DtypeKind::kSigned ? static_cast<uint64_t>(static_cast<int64_t>(bits) >> unused) : bits >> unused;
  }
  std::memcpy(element, &bits, static_cast<size_t>(info.size_bytes));
}

Number rounded(Dtype dtype, const Number& number) {
  std::byte element[8] = {};
  encode(dtype, number, element);
  return decoded(dtype, element);
}

double round_to(Dtype dtype, long double value) {
  return static_cast<double>(rounded(dtype, Number::of_real(value)).real);
}

uint64_t wrap_to(Dtype dtype, uint64_t bits) {
  return static_cast<uint64_t>(rounded(dtype, Number::of(static_cast<__int128>(bits))).integer);
}

Scalar to_scalar(Dtype dtype, const Number& number) {
  const Number own = rounded(dtype, number);
  if (!own.is_integer) return {dtype, static_cast<double>(own.real)};
  if (own.integer >= 0) return {dtype, static_cast<uint64_t>(own.integer)};
  return {dtype, static_cast<int64_t>(own.integer)};
}

double ulps(Dtype dtype, const Number& got, const Number& exact) {
  constexpr double kFar = std::numeric_limits<double>::infinity();
  if (got.is_integer) return got.integer == exact.integer ? 0 : kFar;
  if (got.is_nan() || exact.is_nan()) return got.is_nan() == exact.is_nan() ? 0 : kFar;
  const Number nearest = rounded(dtype, exact);
  if (got.real == nearest.real) return std::fabs(static_cast<double>(got.real - exact.real)) == kFar ? 0 : 0.5;
  int mantissa = 23, least = -149;
  if (dtype == Dtype::f64) {
    mantissa = 52;
    least = -1074;
  } else if (is_small_float(dtype)) {
    const SmallFloat f = small_float(dtype);
    mantissa = f.mantissa_bits;
    least = 1 - f.bias - f.mantissa_bits;
  }
  int exponent = 0;
  std::frexp(exact.real, &exponent);
  const int unit = std::isfinite(exact.real) ? std::max(exponent - 1 - mantissa, least) : 0;
  if (!std::isfinite(got.real) || !std::isfinite(nearest.real)) return kFar;
  return static_cast<double>(std::fabs(std::ldexp(got.real - exact.real, -unit)));
}

std::vector<Dtype> real_types() {
  std::vector<Dtype> types;
  for (int i = 0; i < kDtypeCount; ++i)
    if (!is_complex(static_cast<Dtype>(i))) types.push_back(static_cast<Dtype>(i));
  return types;
}

std::vector<Dtype> main_types() {
  using enum Dtype;
  return {s8, s16, s32, s64, u8, u16, u32, u64, f16, bf16, f32, f64};
}

}  // namespace gpu_node::test
