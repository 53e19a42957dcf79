// What lies beside the elements of a shape, each of its axes beside one of theirs.
#pragma once

#include "kernels/elementwise/block_input.h"

namespace gpu_node::kernels {

// |map|, whose axis d is axis |axes[d]| of |shape| or of one element, as one of |shape|, along which it repeats.
IndexMap aligned(const IndexMap& map, const Dims& axes, const Shape& shape);
BlockInput aligned(const ir::AlignedSource& source, const Shape& shape, std::span<const Arg> operands);

}  // namespace gpu_node::kernels
