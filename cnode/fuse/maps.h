// Groups of instructions as maps.
#pragma once

#include "fuse/groups.h"
#include "fuse/steps.h"

namespace gpu_node::fuse {

// |traced| with a map for each node of |groups| in which something is gained by one, and rows for each of |rows|; the
// rest as it is, in an order in which each value is made before it is used. What nothing needs any more, as it became a
// source, is left out.
Steps with_maps(const Traced& traced, const Graph& graph, const Sources& sources, const SeedGroups& seeded,
                const Groups& groups);

}  // namespace gpu_node::fuse
