// The pieces of work that go element by element: a block of scalar code, a copy, a fill. Each reads and writes places
// that lie in any way, is cut where a place exceeds the device's storage range, and counts as declared to other
// families.
#pragma once

#include <span>
#include <utility>

#include "kernels/plan_builder.h"
#include "scalar/block.h"

namespace gpu_node::kernels {

// |to| becomes the results of |block| of |inputs|, each of the type that the block says and broadcasting at the last
// axis. Numbers go along as parameters. REQUIRES: a place for each result, all of one shape.
Result<void> append_block(const scalar::Block& block, std::span<const Source> inputs, std::span<const Place> to,
                          PlanBuilder& plan);
inline Result<void> append_block(const scalar::Block& block, std::span<const Source> inputs, const Place& to,
                                 PlanBuilder& plan) {
  return append_block(block, inputs, {&to, 1}, plan);
}

// The same elements, bit by bit: a tensor of the same shape and element size. A number is that of |to|'s type nearest
// to it (append_fill).
Result<void> append_copy(const Source& from, const Place& to, PlanBuilder& plan);

// The same elements converted to |to|'s type, as as_type does; bit by bit where they are of it.
Result<void> append_conversion(const Source& from, const Place& to, PlanBuilder& plan);

// Every element of |to| becomes |value|, converted to its type.
Result<void> append_fill(const Scalar& value, const Place& to, PlanBuilder& plan);

// For work that writes element after element: |write| is given |to| where it lies so, else scratch, which is then
// copied.
template <typename Write>
Result<void> write_dense(const Place& to, PlanBuilder& plan, const Write& write) {
  if (plan.is_dense(to)) return write(to);
  const Place dense = plan.add_scratch(to.dtype, to.map.shape);
  GPU_TRY(write(dense));
  return append_copy(dense, to, plan);
}

}  // namespace gpu_node::kernels
