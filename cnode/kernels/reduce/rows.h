// Rows: reductions of rows and what is computed beside them as one.
#pragma once

#include "ir/rows.h"
#include "kernels/plan.h"

namespace gpu_node::kernels {

// Plans |rows| for |device|: one dispatch where a row is reduced by one workgroup, as append_reduction would split such
// rows; else a dispatch for what is computed before each reduction, and those that the reduction takes. A reduction of
// an operand that lies so that its elements are taken in another order is one of its own. Sums are added up in the same
// order in any case. Results as plan()'s. Errors: kUnsupported, as plan()'s.
Result<Plan> plan(const ir::Rows& rows, std::span<const Arg> operands, const vulkan::DeviceInfo& device);

}  // namespace gpu_node::kernels
