// One way to mix integers into a hash. Not for what an adversary may choose: tables that peers fill are bounded.
#pragma once

#include <bit>
#include <cstdint>
#include <span>

namespace gpu_node {

inline constexpr uint64_t kHashFactor = 0x9e3779b97f4a7c15ull;  // 2^64 by the golden ratio

constexpr uint64_t mixed(uint64_t hash, uint64_t word) { return std::rotl(hash ^ word, 29) * kHashFactor; }

// The hash of |words|, its low bits as good as its high ones.
constexpr uint64_t hash_of(std::span<const uint64_t> words) {
  uint64_t hash = 0;
  for (const uint64_t word : words) hash = mixed(hash, word);
  return hash ^ hash >> 32;
}

}  // namespace gpu_node
