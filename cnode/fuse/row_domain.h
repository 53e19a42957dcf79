// How values lie beside rows: what a row kernel can take and give.
#pragma once

#include <optional>

#include "fuse/graph.h"
#include "ir/attributes.h"

namespace gpu_node::fuse {

// Rows of a shape: its elements that differ only in the axes that are reduced.
struct RowDomain {
  Shape shape, kept;  // kept: with reduced axes of one element
  ir::Axes reduced;
  int64_t rows = 1;

  bool operator==(const RowDomain& other) const { return shape == other.shape && kept == other.kept; }

  // That of a reduction by one accumulator, of real numbers of some tensor; nothing for others.
  static std::optional<RowDomain> of(const ir::Instruction& instruction, const Graph& graph);

  // By axis of |part|, the number of each row as elements in row-major order, the axis of |shape| that it is; nothing
  // where it is not that. Of axes of one element any.
  std::optional<Dims> axes_of_rows(const Shape& part) const;
  // The same for what broadcasts to |whole| at the last axis, whose axes are |axes|.
  static Dims axes_below(const Shape& part, const Shape& whole, const Dims& axes);
  // The axes of |shape|, each itself.
  Dims own_axes() const;

  // Whether what has a number for each row, as a tensor |part|, broadcasts to |shape| so that each element gets that of
  // its row.
  bool broadcasts(const Shape& part) const;
  // Whether |map|, a view of the numbers of the rows as one row-major tensor, has for each element that of its row; or
  // for each row its own.
  bool sees_elements(const IndexMap& map) const;
  bool sees_rows(const IndexMap& map) const;
};

}  // namespace gpu_node::fuse
