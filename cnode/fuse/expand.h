// Reductions that several steps make up as those steps, so that they fuse with what is beside them.
#pragma once

#include "fuse/steps.h"

namespace gpu_node::fuse {

// Writes logsumexp as what its plan consists of (kernels/reduce/reduce.cpp), to the bit.
void expand_reductions(Traced& traced);

}  // namespace gpu_node::fuse
