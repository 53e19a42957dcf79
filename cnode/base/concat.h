// Text out of parts: concat("needs ", 3, " operands, not ", n).
#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace gpu_node {

inline void append_part(std::string& text, std::string_view part) { text += part; }
inline void append_part(std::string& text, char part) { text += part; }
template <std::integral T>
  requires(!std::same_as<T, char> && !std::same_as<T, bool>)
void append_part(std::string& text, T number) {
  char digits[24];
  text.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}
// The shortest digits that are this number again.
template <std::floating_point T>
void append_part(std::string& text, T number) {
  char digits[64];
  text.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

// Every part is a text, a char, an integer or a float.
template <typename... Parts>
std::string concat(const Parts&... parts) {
  std::string text;
  (append_part(text, parts), ...);
  return text;
}

// "1 operand", "2 operands".
template <std::integral T>
std::string counted(T number, std::string_view noun) {
  return concat(number, " ", noun, number == 1 ? "" : "s");
}

}  // namespace gpu_node
