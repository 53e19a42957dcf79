// Reductions of rows and what is computed of them element by element, as one: normalisations, means, variances.
// Programs that are compiled have them in the place of such instructions (fuse/); clients send none, and nothing infers
// them.
#pragma once

#include <cstdint>
#include <vector>

#include "ir/attributes.h"
#include "ir/map.h"

namespace gpu_node::ir {

// A value that is written: each element of the rows, or where it is of rows one for each, in row-major order.
struct RowResult {
  uint32_t value = 0;
  bool of_rows = false;
};

// A row is what is reduced to one number: the elements of |shape| that differ only in the axes |reduced|. Values are
// counted from 0: the sources, then what each step gave. A source whose axes are all kept is a number for each row. A
// step is an elementwise op, or a reduction of a value over
// the axes |reduced|, from where on it is a number of each row.
struct Rows {
  SmallList<ValueName, 4> operands;
  SmallList<Definition, 1> results;
  Shape shape;
  Axes reduced;
  std::vector<AlignedSource> sources;
  std::vector<MapStep> steps;
  SmallList<RowResult, 1> written;  // by result
};

}  // namespace gpu_node::ir
