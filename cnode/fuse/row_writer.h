// A group of rows as a step.
#pragma once

#include "fuse/row_groups.h"
#include "fuse/steps.h"

namespace gpu_node::fuse {

Step rows_step(const Traced& traced, const Graph& graph, const Sources& sources, const RowGroup& group);

}  // namespace gpu_node::fuse
