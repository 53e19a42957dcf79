// Reverse-mode differentiation of a graph: private to this folder.
#pragma once

#include "base/result.h"
#include "chain/graph.h"
#include "chain/program.h"

namespace gpu_node::chain {

// Per variable of |symbols| the derivative of |root| (see Program::gradient).
Result<std::vector<ValueId>> differentiate(Graph& graph, const Symbols& symbols, ValueId root);

// The derivatives of the operation |id| to its operands, each times |adjoint|, which may be used more than once;
// kNoValue stands for zero. REQUIRES kApply. kUnsupported where there is no rule.
Result<std::array<ValueId, kMaxOperands>> operand_adjoints(Graph& graph, ValueId id, ValueId adjoint);

}  // namespace gpu_node::chain
