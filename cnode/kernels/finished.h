// A product or a convolution and what is computed of each of its elements.
#pragma once

#include "ir/epilogue.h"
#include "kernels/plan.h"

namespace gpu_node::kernels {

// Whether plan() takes |op|.
bool can_be_finished(const ir::Op& op);
// Plans |finished| for |device|: what its instruction alone comes to, whose last dispatch computes the rest where it
// stores, if that fits it. Results as plan()'s. Errors: kUnsupported, as plan()'s.
Result<Plan> plan(const ir::Finished& finished, std::span<const Arg> operands, const vulkan::DeviceInfo& device);

}  // namespace gpu_node::kernels
