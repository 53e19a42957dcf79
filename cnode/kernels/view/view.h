// Ops that only look at the same elements in another way: reshape, squeeze, transpose, broadcast, and bitcasts between
// types whose elements have the same bytes.
#pragma once

#include <optional>

#include "kernels/plan.h"

namespace gpu_node::kernels {

// Whether |instruction| moves no data where a strided view can express it.
bool is_view(const ir::Instruction& instruction, Dtype operand);

// The view that |instruction| takes of |map|; nothing where strides cannot express it (reshape), and the row-major copy
// of |map| then can. REQUIRES is_view and a validated instruction.
std::optional<IndexMap> view_of(const ir::Instruction& instruction, const IndexMap& map);

}  // namespace gpu_node::kernels
