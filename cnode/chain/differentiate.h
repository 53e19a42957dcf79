// Reverse-mode differentiation of a graph: private to this folder.
#pragma once

#include <array>
#include <vector>

#include "base/result.h"
#include "chain/graph.h"
#include "chain/program.h"

namespace gpu_node::chain {

// Per variable of |symbols| the derivative of |root| (see Program::gradient).
Result<std::vector<ValueId>> differentiate(Graph& graph, const Symbols& symbols, ValueId root);

// A condition, which holds where its value is not 0, or does not.
struct Condition {
  ValueId value = kNoValue;
  bool holds = true;  // whether it has to
  bool operator==(const Condition&) const = default;
};
using Guard = std::vector<Condition>;  // all of them; the outermost first

// What flows to a value: |value| where |guard| holds. Elsewhere it is 0, whatever |value| is.
struct Adjoint {
  ValueId value = kNoValue;  // kNoValue: 0 everywhere
  Guard guard;
};

// The derivatives of the operation |id| to its operands, each times |adjoint|, which may be used more than once, with
// the conditions under which the operand is what the operation chooses. REQUIRES kApply. kUnsupported where there is no
// rule.
Result<std::array<Adjoint, kMaxOperands>> operand_adjoints(Graph& graph, ValueId id, ValueId adjoint);

}  // namespace gpu_node::chain
