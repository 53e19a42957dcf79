// What drivers do that no property of Vulkan tells, by their names and versions.
#pragma once

#include <cstdint>
#include <limits>
#include <string_view>

namespace gpu_node::vulkan {

inline constexpr uint64_t kUnlimited = std::numeric_limits<uint64_t>::max();

// How often the loops of an invocation run, all taken together, before the driver ends them silently. Lavapipe of Mesa
// 22.3.6 does so after 65,535 iterations, that of 25.0.7 does not; of versions between nobody knows. |info| is what
// the driver says of itself, "Mesa 25.0.7-2".
uint64_t max_loop_iterations(bool lavapipe, std::string_view info);

// Whether fma of f32 is one rounding, as its name says; Vulkan allows two. A driver is named here once that was tried
// on it. |driver|: as DeviceInfo has it, "NVIDIA 580.159.04".
bool fma_rounds_once(std::string_view driver);

}  // namespace gpu_node::vulkan
