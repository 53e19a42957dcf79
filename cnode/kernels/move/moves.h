// Pieces of work that move elements to or from where integers on the device say.
#pragma once

#include "base/small_list.h"
#include "kernels/plan_builder.h"

namespace gpu_node::kernels {

// Indices along one axis of a place: each says how many steps of |stride| an element lies from where the place's map
// has it. Indices outside of 0 to |most| count as the nearest of these.
struct Column {
  Place indices;  // integers; of the shape of the walk
  int64_t most = 0;
  int64_t stride = 0;
};
using Columns = SmallList<Column, 2>;

// |to| becomes what |columns| name of |from|, whose map has the shape of |to| and says where an element is that all
// indices are 0 for. Bit by bit: both are of one type.
Result<void> append_gather(const Place& from, const Columns& columns, const Place& to, PlanBuilder& plan);

// |to| becomes |from| with |padding| of |value|, converted to |to|'s type. REQUIRES that |to| has the shape of that.
Result<void> append_pad(Place from, const Source& value, const ir::Padding& padding, const Place& to,
                        PlanBuilder& plan);

// The reverse of append_gather: |from| is written to where |columns| name in |to|, whose map has the shape of |from|.
// REQUIRES that no two elements have one place.
Result<void> append_scatter(const Place& from, const Columns& columns, const Place& to, PlanBuilder& plan);

// The same, of elements that may have one place: of several the last in row-major order counts. |rows| is how many of
// |from|'s axes, the first, the indices vary along; |extents| the sizes of the axes that |columns| go along.
Result<void> append_scatter_last(const Place& from, const Columns& columns, int rows, const Dims& extents,
                                 const Place& to, PlanBuilder& plan);

// The u32 |to|, row by row, become the sums of |steps| times what |columns| say, held inside their axes. |rows|: the
// first of the columns' axes, along which they vary.
Result<void> append_places(const Columns& columns, const Shape& rows, const Dims& steps, const Place& to,
                           PlanBuilder& plan);

}  // namespace gpu_node::kernels
