// Bytes as text.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace gpu_node {

// Lower-case hexadecimal, two digits a byte.
inline std::string hex(std::span<const uint8_t> bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace gpu_node
