// Pieces that windows share: private to this folder.
#pragma once

#include "kernels/plan_builder.h"

namespace gpu_node::kernels {

// |from| with |padding| of |value|: itself where there is none, else in scratch.
Result<Place> padded(const Place& from, const ir::Padding& padding, const Source& value, PlanBuilder& plan);

}  // namespace gpu_node::kernels
