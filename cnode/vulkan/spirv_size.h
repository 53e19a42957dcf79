// How long a module is for a driver, which inlines every function: the time that it compiles for grows with that, and a
// text of four kilobytes can come to minutes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace gpu_node::vulkan {

// An access to a buffer compiles for as long as so many instructions that add and multiply.
inline constexpr uint64_t kInstructionsOfAccess = 250;

// The instructions of the entry points with all calls replaced by what they call, each access to a buffer counted as
// kInstructionsOfAccess; at most UINT64_MAX. REQUIRES a valid module: well-formed, without recursion.
uint64_t inlined_instructions(std::span<const uint32_t> words);

// Functions of any module. Validation takes the square of how deep they call each other.
size_t count_functions(std::span<const uint32_t> words);

}  // namespace gpu_node::vulkan
