// The piece of work that transforms rows: of any length, in passes of one workgroup for a few rows each.
#pragma once

#include "kernels/plan_builder.h"

namespace gpu_node::kernels {

struct Transform {
  int64_t length = 1;
  bool inverse = false;   // divided by the length
  bool mirrored = false;  // of the source the first half is there, which the rest mirrors
  double eps = -1;        // parts of at most this become 0
};

// |to|'s places along its last axis become the first of the transform of |from|'s, whose last axis is filled with zeros
// or cut. Both have three axes, the first two of which are alike. |to| is complex, or has the real parts. Errors:
// kUnsupported, with the numbers.
Result<void> append_transform(const Place& from, const Place& to, const Transform& transform, PlanBuilder& plan);

}  // namespace gpu_node::kernels
