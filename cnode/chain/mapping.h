// What computes one chain.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string_view>

namespace gpu_node::chain {

enum class Mapping : uint8_t { kThread, kSubgroup, kWorkgroup };

// The wire spellings, in the order of the enumerators.
inline constexpr std::string_view kMappingNames[] = {"thread", "subgroup", "workgroup"};
inline constexpr size_t kMappings = std::size(kMappingNames);

constexpr std::string_view name_of(Mapping mapping) { return kMappingNames[static_cast<size_t>(mapping)]; }

constexpr std::optional<Mapping> find_mapping(std::string_view name) {
  for (size_t i = 0; i < kMappings; ++i)
    if (kMappingNames[i] == name) return static_cast<Mapping>(i);
  return std::nullopt;
}

}  // namespace gpu_node::chain
