// The piece of work that puts rows in order digit by digit from the least on: stable, in time that grows with the
// elements and their bits alone. Declared to other families.
#pragma once

#include "kernels/plan_builder.h"

namespace gpu_node::kernels {

// What rows are put in order by, and what is made of that: of each row its first elements in order, as many as what is
// made has. That is dense; nullptr: it is not wanted.
struct RadixSort {
  uint32_t bits = 32;  // of a key, from the lowest on: the others are alike
  bool descending = false;
  const Place* values = nullptr;
  const Place* positions = nullptr;  // where in its row each lay; of any integer type
};

// Rows lie along the last axis of |source|, which is row-major. REQUIRES: elements, at least a bit.
Result<void> append_radix(const Place& source, const RadixSort& sort, PlanBuilder& plan);

}  // namespace gpu_node::kernels
