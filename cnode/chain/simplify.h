// Algebraic simplification of one operation: private to this folder.
//
// A rule may change a value by rounding, or make a finite number of what overflowed on the way; it never makes another
// number of a finite one. No rule drops an operand that may be infinite or NaN (x * 0, x - x).
#pragma once

#include "chain/graph.h"

namespace gpu_node::chain {

// A value equal to |op| of |operands| that is simpler, or kNoValue.
ValueId simplified(Graph& graph, ScalarOp op, std::span<const ValueId> operands);

}  // namespace gpu_node::chain
