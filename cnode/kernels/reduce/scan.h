// The pieces of work that scan: cumulative sums, products, maxima and minima, and the offsets of an ordering. Declared
// to other families.
//
// A long line is scanned in segments: their totals first, then what lies before each (in the same way, where they are
// many), then the segments. Nothing waits for another workgroup, and the order of additions is one of the shape alone.
#pragma once

#include "kernels/plan_builder.h"
#include "kernels/reduce/accumulator.h"

namespace gpu_node::kernels {

// Each element of |to| becomes the accumulated elements of |from| up to its position along |axis|, or from it on where
// |reverse|. Both are of one type and shape; |to| may lie in any way. REQUIRES: elements.
Result<void> append_scan(Accumulator accumulator, const Place& from, const Place& to, int axis, bool reverse,
                         PlanBuilder& plan);

// |lines| lines of |count| u32 in |scratch| become the sums of what lies before each, modulo 2^32.
Result<void> append_offsets(uint32_t scratch, int64_t lines, int64_t count, PlanBuilder& plan);

}  // namespace gpu_node::kernels
