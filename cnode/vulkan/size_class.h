// Size classes of the pool: multiples of 256 bytes up to 2 KiB, above that eight steps to each power of two, so that a
// buffer of more than 2 KiB wastes at most an eighth.
#pragma once

#include <bit>
#include <cstdint>

namespace gpu_node::vulkan {

inline constexpr uint64_t kSmallestClassBytes = 256;
inline constexpr uint32_t kSmallClasses = 8;
inline constexpr uint32_t kSizeClasses = kSmallClasses + 8 * (62 - 11);

struct SizeClass {
  uint32_t index = 0;
  uint64_t bytes = 0;
};

// REQUIRES: 1 <= size_bytes <= 2^61.
constexpr SizeClass size_class_of(uint64_t size_bytes) {
  if (size_bytes <= kSmallestClassBytes * kSmallClasses) {
    const uint64_t steps = (size_bytes + kSmallestClassBytes - 1) / kSmallestClassBytes;
    return {static_cast<uint32_t>(steps - 1), steps * kSmallestClassBytes};
  }
  const auto power = static_cast<uint32_t>(std::bit_width(size_bytes - 1) - 1);  // 2^power < size <= 2^(power + 1)
  const uint64_t step = uint64_t{1} << (power - 3);
  const uint64_t steps = (size_bytes + step - 1) / step;  // 9 to 16
  return {kSmallClasses + (power - 11) * 8 + static_cast<uint32_t>(steps - 9), steps * step};
}

}  // namespace gpu_node::vulkan
