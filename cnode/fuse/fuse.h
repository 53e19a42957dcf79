// A checked program made into steps that give the same bits in fewer dispatches: pure, instructions in, steps out.
#pragma once

#include "fuse/groups.h"
#include "fuse/steps.h"

namespace gpu_node::fuse {

// |program| with its elementwise instructions as maps, where several become one. REQUIRES that it was checked.
Steps fused(const ir::Program& program, const Limits& limits = {});

// |program| as it is, an instruction a step.
Steps as_sent(const ir::Program& program);

}  // namespace gpu_node::fuse
