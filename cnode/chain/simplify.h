// Algebraic simplification of one operation: private to this folder.
//
// Rules keep every value to the bit, at infinities, NaN and zeros of either sign too: none drops an operand that may be
// one (x * 0, x - x, 0 / x), none takes 0 + x for x (x may be -0). Those that do not, specs/README.md lists ("Staying
// finite"): they round otherwise, or make a finite number of what overflowed on the way, and never another number of a
// finite one.
#pragma once

#include "chain/graph.h"

namespace gpu_node::chain {

// A value equal to |op| of |operands| that is simpler, or kNoValue.
ValueId simplified(Graph& graph, ScalarOp op, std::span<const ValueId> operands);

}  // namespace gpu_node::chain
