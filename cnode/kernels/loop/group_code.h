// Small programs as the work of one workgroup, in one dispatch: what would be a dispatch for each is a stage, with a
// barrier in between. Arrays lie in shared memory; a value of one element is a number, which each invocation has. What
// is added up is added in the order of a reduction alone, so the bits are the same.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ir/program.h"
#include "kernels/dot/product.h"
#include "kernels/reduce/accumulator.h"
#include "scalar/block.h"

namespace gpu_node::kernels {

struct GroupValue {
  Dtype type = Dtype::f32;
  int64_t count = 1;

  bool is_number() const { return count == 1; }
};

// Elements that are read: of a value, or numbers of places (as ir::Counter). |map|: where each lies in the value, whose
// own elements are row-major.
struct GroupRead {
  std::optional<uint32_t> value;  // nothing: a counter
  Dtype type = Dtype::f32;
  IndexMap map;

  // The same element at every place.
  bool is_plain() const { return map.offset == 0 && map.is_row_major(); }
};

// Scalar code of each of |count| elements.
struct GroupElements {
  int64_t count = 1;
  scalar::Block block;
  std::vector<GroupRead> reads;  // by input of the block
  std::vector<uint32_t> writes;  // by result of the block: a value of as many elements
};

// A reduction of a value over axes, or a thin product of two.
struct GroupReduction {
  Accumulator accumulator = Accumulator::kSum;
  Dtype element = Dtype::f32;
  bool ordered = false;
  SmallList<GroupRead, 2> sources;
  Dims over;         // of one
  ProductAxes axes;  // of two
  uint32_t result = 0;
};

// Elements before reductions, numbers before all; none of either waits for another of its kind.
struct GroupStage {
  std::vector<GroupElements> elements;
  std::vector<GroupReduction> reductions;
};

// Values: first what it is given, then those of the stages.
struct GroupCode {
  std::vector<GroupValue> values;
  size_t inputs = 0;
  std::vector<GroupStage> stages;
  std::vector<uint32_t> outputs;  // none of them an input that is an array, unless it is the input of that number

  // All that it says but shapes: of those only which values are numbers and which reads are plain.
  void append_text(std::string& text) const;
};

// The code of |program|, where it is such. REQUIRES that it was checked.
std::optional<GroupCode> group_code(const ir::Program& program);

uint64_t host_bytes(const GroupCode& code);

}  // namespace gpu_node::kernels
