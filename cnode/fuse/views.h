// Views between elementwise instructions are seen through.
#pragma once

#include "fuse/steps.h"

namespace gpu_node::fuse {

// A view of what an elementwise instruction gives, and nobody else wants, becomes that instruction of views of its
// operands: so it lies as its users do, and they may be one. Not where a view of an operand would cost a copy.
void sink_views(Traced& traced);

// An elementwise instruction of a concatenation that nobody else wants, of a reshape of it too, becomes the
// concatenation of that instruction of each piece: so it may be one with what makes them.
void split_concatenations(Traced& traced);

}  // namespace gpu_node::fuse
