// Several elementwise instructions as one: scalar code over one index space, and over others beside it. Programs that
// are compiled have maps in the place of such instructions (fuse/); clients send none, and nothing infers them.
#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "base/small_list.h"
#include "ir/program.h"

namespace gpu_node::ir {

// A tensor whose element is the number of the place where an iota would have it: read from nowhere.
struct Counter {
  Dtype type = Dtype::f32;
  IndexMap map;  // broadcasts to the part's shape at the last axis
};

// What a part's code starts from: an operand of the map by number, a number, a counter.
using MapSource = std::variant<uint32_t, Scalar, Counter>;

// One that lies beside other elements: axis d of |shape| is axis |axes[d]| of theirs, or of one element.
struct AlignedSource {
  MapSource from;
  Shape shape;
  Dims axes;
};

// An elementwise op of numbers. A part's values are counted from 0: its sources, then what each step gave.
struct MapStep {
  const Op* op = nullptr;
  Dtype type = Dtype::f32;
  SmallList<uint32_t, 3> operands;
  uint32_t origin = 0;  // the instruction of the program that was sent
};

// Where a value goes: into which of the map's results, and where it lies there.
struct MapResult {
  uint32_t value = 0;
  uint32_t result = 0;
  IndexMap map;  // of the part's shape
};

struct MapPart {
  Shape shape;
  std::vector<MapSource> sources;
  std::vector<MapStep> steps;
  SmallList<MapResult, 1> results;
};

// The parts write each element of each result once.
struct Map {
  SmallList<ValueName, 4> operands;
  SmallList<Definition, 1> results;
  std::vector<MapPart> parts;
};

}  // namespace gpu_node::ir
