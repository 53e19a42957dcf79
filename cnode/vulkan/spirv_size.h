// How long a module is for a driver, which inlines every function: the time that it compiles for grows with that, and a
// text of four kilobytes can come to minutes.
#pragma once

#include <cstdint>
#include <span>

namespace gpu_node::vulkan {

// The instructions of the entry points with all calls replaced by what they call; at most UINT64_MAX.
// REQUIRES a valid module: well-formed, without recursion.
uint64_t inlined_instructions(std::span<const uint32_t> words);

}  // namespace gpu_node::vulkan
