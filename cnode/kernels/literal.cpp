#include "kernels/literal.h"

#include <bit>
#include <cmath>

namespace gpu_node::kernels {

std::array<uint32_t, 2> literal_bits(const Scalar& scalar) {
  const Scalar own = converted(scalar, scalar.dtype);
  uint64_t bits = 0;
  if (const auto* number = std::get_if<double>(&own.value))
    bits = scalar.dtype == Dtype::f64 ? std::bit_cast<uint64_t>(*number)
                                      : std::bit_cast<uint32_t>(static_cast<float>(*number));
  else if (const auto* negative = std::get_if<int64_t>(&own.value))
    bits = static_cast<uint64_t>(*negative);
  else
    bits = std::get<uint64_t>(own.value);
  return {static_cast<uint32_t>(bits), static_cast<uint32_t>(bits >> 32)};
}

bool is_exact(const Scalar& scalar, Dtype to) {
  if (is_complex(to) || is_complex(scalar.dtype)) return false;
  const auto number = [](const Scalar& from) -> long double {
    if (const auto* whole = std::get_if<int64_t>(&from.value)) return static_cast<long double>(*whole);
    if (const auto* whole = std::get_if<uint64_t>(&from.value)) return static_cast<long double>(*whole);
    return std::get<double>(from.value);
  };
  const Scalar own = converted(scalar, scalar.dtype);
  const long double value = number(own);
  if (std::isnan(value)) return is_float(to);
  if (value == 0 && std::signbit(value) && is_integer(to)) return false;
  return value == number(converted(own, to));
}

}  // namespace gpu_node::kernels
