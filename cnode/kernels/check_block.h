// Whether a device computes a block.
#pragma once

#include "kernels/plan_builder.h"
#include "scalar/block.h"

namespace gpu_node::kernels {

// kUnsupported when the device lacks what a step computes in.
Result<void> check_computing(const scalar::Block& block, const PlanBuilder& plan);

// The same, and where it lacks a type that the block has or the doubles of a function, naming the op.
Result<void> check_block(const scalar::Block& block, const PlanBuilder& plan);

}  // namespace gpu_node::kernels
