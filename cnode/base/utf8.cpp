#include "base/utf8.h"

#include <cstdint>

namespace gpu_node {
namespace {

uint8_t byte_at(std::string_view text, size_t at) { return at < text.size() ? static_cast<uint8_t>(text[at]) : 0; }

// The bytes of the character at |at|; 0 where there is none.
size_t length_at(std::string_view text, size_t at) {
  const uint8_t first = byte_at(text, at);
  const uint8_t second = byte_at(text, at + 1);
  const auto follows = [&](size_t n) { return (byte_at(text, at + n) & 0xC0) == 0x80; };
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return follows(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const bool in_range = (first != 0xE0 || second >= 0xA0) && (first != 0xED || second < 0xA0);
    return in_range && follows(1) && follows(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const bool in_range = (first != 0xF0 || second >= 0x90) && (first != 0xF4 || second < 0x90);
    return in_range && follows(1) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

std::string valid_utf8(std::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const size_t length = length_at(text, at);
    if (length == 0)
      valid += "\xEF\xBF\xBD";
    else
      valid += text.substr(at, length);
    at += length == 0 ? 1 : length;
  }
  return valid;
}

}  // namespace gpu_node
