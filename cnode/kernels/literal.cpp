#include "kernels/literal.h"

#include <cmath>

#include "scalar/block.h"

namespace gpu_node::kernels {

std::array<uint32_t, 2> literal_bits(const Scalar& number) {
  const uint64_t bits = scalar::compute_bits(number);
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
