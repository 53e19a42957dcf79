// Accs between dispatches: the scratch that they lie in, a buffer for each member.
#pragma once

#include <vector>

#include "kernels/plan_builder.h"
#include "kernels/reduce/accumulator.h"

namespace gpu_node::kernels {

// One or two, in the order of the members.
using AccParts = SmallList<uint32_t, 2>;

// |parts| x |outputs| Accs.
Result<AccParts> add_acc_parts(Accumulator accumulator, Dtype element, int64_t parts, int64_t outputs,
                               PlanBuilder& plan);

std::vector<Binding> bound(const AccParts& accs, bool written);

}  // namespace gpu_node::kernels
