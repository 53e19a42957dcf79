// Blocks of what need not be read.
#pragma once

#include "ir/map.h"
#include "kernels/elementwise/block.h"

namespace gpu_node::kernels {

// What a block may start from: a counter is read from nowhere.
using BlockInput = std::variant<Place, Scalar, ir::Counter>;
BlockInput block_input(const ir::MapSource& source, std::span<const Arg> operands);
Dtype type_of(const BlockInput& input);

// As of sources. REQUIRES counters below 2^32.
Result<void> append_block(const scalar::Block& block, std::span<const BlockInput> inputs, std::span<const Place> to,
                          PlanBuilder& plan);

}  // namespace gpu_node::kernels
