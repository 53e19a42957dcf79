#include "tensor/scalar.h"

#include <cmath>
#include <limits>

namespace gpu_node {
namespace {

// What a float format of a 16-bit type or less can hold.
struct FloatFormat {
  int mantissa_bits;
  int min_exponent;  // of normal numbers
  double max;
  bool saturates;  // has no infinity
};

FloatFormat float_format(Dtype dtype) {
  switch (dtype) {
    case Dtype::f8:
      return {2, -14, 57344.0, false};
    case Dtype::f8_e4m3fn:
      return {3, -6, 448.0, true};
    case Dtype::f16:
      return {10, -14, 65504.0, false};
    default:
      return {7, -126, 0x1.fep127, false};  // bf16
  }
}

// long double holds every 64-bit integer and every double where it has 64 bits of mantissa or more.
double round_to_float(long double value, Dtype dtype) {
  if (dtype == Dtype::f64) return static_cast<double>(value);
  if (dtype == Dtype::f32) return static_cast<double>(static_cast<float>(value));
  const FloatFormat format = float_format(dtype);
  if (std::isnan(value)) return std::numeric_limits<double>::quiet_NaN();
  const double overflow = format.saturates ? format.max : std::numeric_limits<double>::infinity();
  if (std::isinf(value)) return value > 0 ? overflow : -overflow;
  if (value == 0) return static_cast<double>(value);
  int exponent = 0;
  std::frexp(value, &exponent);
  const int quantum = std::max(exponent - 1, format.min_exponent) - format.mantissa_bits;
  const auto rounded = static_cast<double>(std::ldexp(std::nearbyint(std::ldexp(value, -quantum)), quantum));
  if (std::fabs(rounded) <= format.max) return rounded;
  return std::signbit(rounded) ? -overflow : overflow;
}

// The low |bits| of |value|, as Nx wraps integers.
Scalar wrapped(uint64_t value, Dtype to) {
  const DtypeInfo& info = dtype_info(to);
  const int drop = 64 - info.bits;
  if (info.kind == DtypeKind::kSigned) return {to, static_cast<int64_t>(value << drop) >> drop};
  return {to, (value << drop) >> drop};
}

Scalar float_to_integer(double value, Dtype to) {
  const DtypeInfo& info = dtype_info(to);
  if (std::isnan(value)) return wrapped(0, to);
  if (std::isinf(value)) {
    const bool is_signed = info.kind == DtypeKind::kSigned;
    const uint64_t ones = ~uint64_t{0} >> (64 - info.bits + (is_signed ? 1 : 0));
    return wrapped(value > 0 ? ones : is_signed ? ~ones : 0, to);
  }
  const double magnitude = std::fmod(std::trunc(std::fabs(value)), 0x1p64);
  const auto whole = static_cast<uint64_t>(magnitude);
  return wrapped(value < 0 ? 0 - whole : whole, to);
}

}  // namespace

Scalar converted(const Scalar& scalar, Dtype to) {
  if (const auto* number = std::get_if<std::complex<double>>(&scalar.value)) {
    if (!is_complex(to)) return converted({Dtype::f64, number->real()}, to);
    if (to == Dtype::c128) return {to, *number};
    return {to, std::complex<double>(static_cast<float>(number->real()), static_cast<float>(number->imag()))};
  }
  if (is_complex(to)) {
    const Scalar part = converted(scalar, component_type(to));
    return {to, std::complex<double>(std::get<double>(part.value), 0.0)};
  }
  if (const auto* number = std::get_if<double>(&scalar.value)) {
    if (is_integer(to)) return float_to_integer(*number, to);
    return {to, round_to_float(*number, to)};
  }
  const auto* positive = std::get_if<uint64_t>(&scalar.value);
  if (is_integer(to)) {
    const uint64_t bits = positive != nullptr ? *positive : static_cast<uint64_t>(std::get<int64_t>(scalar.value));
    return wrapped(bits, to);
  }
  if (positive != nullptr) return {to, round_to_float(static_cast<long double>(*positive), to)};
  return {to, round_to_float(static_cast<long double>(std::get<int64_t>(scalar.value)), to)};
}

}  // namespace gpu_node
