#include "program/layout_key.h"

#include <bit>

namespace gpu_node::program {

void LayoutKey::add(const Scalar& literal) {
  words_.push_back(kLiteral | static_cast<uint64_t>(literal.dtype) |
                   static_cast<uint64_t>(literal.value.index()) << 16);
  if (const auto* integer = std::get_if<int64_t>(&literal.value)) {
    words_.push_back(static_cast<uint64_t>(*integer));
  } else if (const auto* natural = std::get_if<uint64_t>(&literal.value)) {
    words_.push_back(*natural);
  } else if (const auto* real = std::get_if<double>(&literal.value)) {
    words_.push_back(std::bit_cast<uint64_t>(*real));
  } else {
    const auto& value = std::get<std::complex<double>>(literal.value);
    words_.push_back(std::bit_cast<uint64_t>(value.real()));
    words_.push_back(std::bit_cast<uint64_t>(value.imag()));
  }
}

}  // namespace gpu_node::program
