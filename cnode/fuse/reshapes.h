// Reshapes of what is computed, where views.h cannot take them before it.
#pragma once

#include "fuse/rewriter.h"

namespace gpu_node::fuse {

// Whether |name| lies row by row without being computed for it: an input, or what is no elementwise instruction's.
bool is_row_major(ir::ValueName name, const Rewriter& program);

// An elementwise instruction of reshapes of what elementwise ones give becomes that instruction in their shape, and a
// reshape behind it: so they may be one, although others want what is reshaped too.
void lift_reshapes(Traced& traced);

}  // namespace gpu_node::fuse
