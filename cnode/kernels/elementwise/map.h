// Maps: several elementwise instructions as one.
#pragma once

#include "ir/map.h"
#include "kernels/plan.h"

namespace gpu_node::kernels {

// Plans |map| for |device|: a dispatch for each part in which something is computed, and copies. Results as plan()'s.
// Errors: kUnsupported, as plan()'s.
Result<Plan> plan(const ir::Map& map, std::span<const Arg> operands, const vulkan::DeviceInfo& device);

}  // namespace gpu_node::kernels
