// The bytes of one term: how long it is and how many terms it holds. What the reader stands on.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace gpu_node::etf {

using Bytes = std::span<const std::byte>;

// A big-endian number.
template <typename T>
T load(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  if constexpr (std::endian::native == std::endian::little) {
    if constexpr (sizeof(T) == 2) return __builtin_bswap16(value);
    if constexpr (sizeof(T) == 4) return __builtin_bswap32(value);
    if constexpr (sizeof(T) == 8) return __builtin_bswap64(value);
  }
  return value;
}

inline uint8_t byte_at(const std::byte* at) { return std::to_integer<uint8_t>(*at); }

// One term without its children: |bytes| long, followed by |children| terms.
struct Step {
  size_t bytes = 0;
  uint64_t children = 0;
};

// The first term of |bytes|; its bytes are 0 when it is malformed or does not fit, counts that cannot fit included.
Step first_step(Bytes bytes);

// Length of the atom at the start of |bytes| and its characters, or 0.
size_t atom_size(Bytes bytes, Bytes* text = nullptr);

// Length of the whole first term of |bytes| with all it holds, or 0.
size_t term_size(Bytes bytes);

}  // namespace gpu_node::etf
