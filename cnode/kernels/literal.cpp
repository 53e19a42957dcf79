#include "kernels/literal.h"

#include <cmath>

#include "scalar/block.h"

namespace gpu_node::kernels {

LiteralBits literal_bits(const Scalar& number) {
  const scalar::NumberBits bits = scalar::compute_bits(number);
  LiteralBits words = {static_cast<uint32_t>(bits.low), static_cast<uint32_t>(bits.low >> 32)};
  if (literal_words(number.dtype) == 2) return words;
  words.push_back(static_cast<uint32_t>(bits.high));
  words.push_back(static_cast<uint32_t>(bits.high >> 32));
  return words;
}

bool is_exact(const Scalar& scalar, Dtype to) {
  if (is_complex(scalar.dtype)) {
    const Scalar parts = converted(scalar, scalar.dtype);
    const auto& number = std::get<std::complex<double>>(parts.value);
    return is_complex(to) && is_exact({Dtype::f64, number.real()}, component_type(to)) &&
           is_exact({Dtype::f64, number.imag()}, component_type(to));
  }
  if (is_complex(to)) return is_exact(scalar, component_type(to));
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
