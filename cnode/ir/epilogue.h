// An instruction and what is computed of each element of its result where that is stored. Programs that are compiled
// have them in the place of such instructions (fuse/); clients send none, and nothing infers them.
#pragma once

#include <cstdint>
#include <vector>

#include "ir/map.h"

namespace gpu_node::ir {

// A value that is written: axis d of the result is axis |axes[d]| of the instruction's, or of one element.
struct FinishedResult {
  uint32_t value = 0;
  Dims axes;
};

// Values are counted from 0: the instruction's result, rounded to its type; the sources, beside that result; then what
// each step gave.
struct Finished {
  Instruction instruction;           // of tensors, with one result
  uint32_t origin = 0;               // that of the instruction
  SmallList<ValueName, 4> operands;  // the instruction's, in order, and further ones
  SmallList<Definition, 1> results;
  std::vector<AlignedSource> sources;
  std::vector<MapStep> steps;
  SmallList<FinishedResult, 1> written;  // by result
};

}  // namespace gpu_node::ir
