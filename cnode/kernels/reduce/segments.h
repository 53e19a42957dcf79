// The piece of work that adds rows up by a key of each, in an order that the keys alone decide. Declared to other
// families.
#pragma once

#include <optional>

#include "kernels/plan_builder.h"

namespace gpu_node::kernels {

// So many rows are added up as they lie, where each looks at all the others; an estimate by the count of dispatches.
inline constexpr int64_t kFewRows = 64;

// To the elements of |target| from key times |step| on, the rows with that key are added.
struct SegmentSums {
  Place updates;                  // its first |outer| axes are the rows, the others what a row has
  Place target;                   // of the shape of |updates|; its first axes do not move it
  int outer = 0;                  // axes of rows
  int64_t step = 1;               // elements of |target| from one key to the next
  int64_t greatest = 0;           // no key is above
  uint32_t keys = 0;              // scratch: u32 for each row, or where there is an order in that
  std::optional<uint32_t> order;  // scratch: u32, the rows with their keys in order; nothing: as they lie
};

// Accumulated as a sum of |target|'s type is, and rounded to it once, with what the target had. REQUIRES elements:
// fewer than 2^31 rows; without an order at most kFewRows and fewer than 2^32 elements. Errors: kUnsupported, with the
// numbers.
Result<void> append_segment_sums(const SegmentSums& sums, PlanBuilder& plan);

}  // namespace gpu_node::kernels
