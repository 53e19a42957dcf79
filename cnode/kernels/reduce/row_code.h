// What a kernel of rows computes, apart from where it lies: its values, and in which walk over a row each is computed.
//
// A value is one for each element, or of rows: one for each row. A reduction ends a walk, since what depends on it can
// only be computed when the whole row was seen; reductions that do not wait for each other share one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/small_list.h"
#include "ir/op.h"
#include "kernels/reduce/accumulator.h"
#include "scalar/block.h"

namespace gpu_node::kernels {

struct RowCode {
  enum class Read : uint8_t { kTensor, kCounter, kNumber };
  struct Source {
    Read read = Read::kTensor;
    Dtype type = Dtype::f32;
    bool of_rows = false;
  };
  struct Step {
    const ir::Op* op = nullptr;
    Dtype type = Dtype::f32;
    SmallList<uint32_t, 3> operands;
  };
  struct Written {
    uint32_t value = 0;
    bool of_rows = false;
  };
  std::vector<Source> sources;
  std::vector<Step> steps;  // behind the sources
  std::vector<Written> written;

  size_t values() const { return sources.size() + steps.size(); }
  Dtype type(uint32_t value) const {
    return value < sources.size() ? sources[value].type : steps[value - sources.size()].type;
  }
  const Step* step(uint32_t value) const { return value < sources.size() ? nullptr : &steps[value - sources.size()]; }
  bool is_reduction(uint32_t value) const;
  // All that it says: equal texts, equal code.
  std::string text() const;
};

// A block of some of the code's values.
struct RowBlock {
  scalar::Block block;
  std::vector<uint32_t> values;   // by value of the block, the code's
  std::vector<uint32_t> inputs;   // by input
  std::vector<uint32_t> results;  // those that it computes

  bool empty() const { return results.empty(); }
  // The block's number of the code's |value|. REQUIRES that it has one.
  scalar::ValueNumber number(uint32_t value) const;
};

// A value that a walk leaves for later ones.
struct KeptValue {
  uint32_t value = 0;
  uint32_t last = 0;  // the last walk that takes it
};

struct RowWalk {
  RowBlock rows;                     // of values of rows, before it
  RowBlock elements;                 // of each element: what is reduced, written or kept
  std::vector<uint32_t> reductions;  // values that are there after it
  std::vector<uint32_t> written;     // of RowCode::written
  std::vector<KeptValue> kept;
};

struct RowWalks {
  std::vector<bool> of_rows;  // by value
  std::vector<RowWalk> walks;
  RowBlock end;  // of values of rows, after the last
};

// |keeps|: what was read or computed in a walk is an input of later ones; else they read and compute it again.
RowWalks walks_of(const RowCode& code, bool keeps);

// The accumulator of a reduction to |result|, and what it accumulates.
struct RowAccumulator {
  Accumulator accumulator = Accumulator::kSum;
  Dtype element = Dtype::f32;
  bool operator==(const RowAccumulator&) const = default;
};
RowAccumulator accumulator_of(const ir::Op& reduction, Dtype result);

}  // namespace gpu_node::kernels
