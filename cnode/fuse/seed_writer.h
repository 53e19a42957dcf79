// A group around a seed as a step.
#pragma once

#include "fuse/seed_groups.h"
#include "fuse/steps.h"

namespace gpu_node::fuse {

Step seed_step(const Traced& traced, const Graph& graph, const Sources& sources, const SeedGroup& group);

}  // namespace gpu_node::fuse
