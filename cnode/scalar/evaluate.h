// What a block computes, on the host: floats in double, integers exactly. The oracle of what the writer of shaders
// makes of the same block, and what folds constants.
#pragma once

#include <span>
#include <vector>

#include "scalar/block.h"

namespace gpu_node::scalar {

// The results of |block|, each of its type, for as many |inputs| as it has, each of its own type. Where the block
// rounds each step, floats are rounded to nearest even and integers wrap after each; where it does not, floats stay
// double. REQUIRES: no step is a bitcast, whose operand is bits and no number.
std::vector<Scalar> evaluate(const Block& block, std::span<const Scalar> inputs);

// |op| of numbers in double, as densities compute it: predicates give 0 or 1. REQUIRES: |op| is elementwise and takes
// floats; as many |operands| as it has.
double evaluate(const ir::Op& op, const double* operands);

}  // namespace gpu_node::scalar
