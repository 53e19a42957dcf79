// The piece of work that reduces with a function of the caller's: one element after the other, since nobody knows
// whether it is associative. Declared to other families.
#pragma once

#include "kernels/plan_builder.h"

namespace gpu_node::kernels {

struct Fold {
  const ir::Function& function;
  Place from;
  Dims over;   // of its axes; elements are taken in row-major order
  Source acc;  // what comes before the first element
};

// Writes one result for each position of the other axes, in row-major order. Element and acc are of |to|'s type
// whenever the function sees them. REQUIRES at least one result. Errors: kUnsupported, with the numbers.
Result<void> append_fold(const Fold& fold, const Place& to, PlanBuilder& plan);

}  // namespace gpu_node::kernels
