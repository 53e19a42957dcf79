// The piece of work that reduces: sum to any, argmax, sums of products, the parts of split work. Declared to other
// families.
//
// Axes are given with their strides and are merged here, so that most reductions run on one kept and one reduced axis.
// A reduction is split into parts wherever one invocation would loop too often (an old lavapipe ends an invocation's
// loops, silently, after 65,535 iterations) or the device would idle; a second pass then reduces the parts in a fixed
// order.
#pragma once

#include <optional>

#include "kernels/epilogue.h"
#include "kernels/plan_builder.h"
#include "kernels/reduce/accumulator.h"

namespace gpu_node::kernels {

struct Reduction {
  Accumulator accumulator = Accumulator::kSum;
  Dtype element = Dtype::f32;   // what is accumulated
  SmallList<Place, 2> sources;  // one, or two whose products are reduced; none: nothing is reduced
  Axes kept;                    // in the result's order; strides by source
  Axes reduced;
  bool ordered = false;  // positions count (argmax): the reduced axes keep their order and direction
};

// The reduction of |from| over its axes |over|, accumulated as |element|.
Reduction reduction_of(Accumulator accumulator, Dtype element, const Place& from, const Dims& over);

// In what order a reduction takes its elements: of the same elements in equal orders come the same bits.
struct ReductionOrder {
  bool whole = true;  // by one dispatch
  bool rows = true;   // lanes lie side by side; nothing that shows
  int64_t lanes = 1;
  bool fours = false;  // a lane takes four neighbours at a time
  Dims walk;           // the reduced axes, outermost first; ~axis where it is walked backwards

  bool operator==(const ReductionOrder& other) const {
    return whole == other.whole && lanes == other.lanes && fours == other.fours && walk == other.walk;
  }
};
// That of append_reduction.
Result<ReductionOrder> order_of(Accumulator accumulator, Dtype element, const Place& from, const Dims& over,
                                PlanBuilder& plan);

// How a reduction goes where it is part of another kernel: its elements in the same order, by as many lanes.
struct ReductionWalk {
  int64_t outputs = 1, count = 0;  // count: positions per output, each of |fours| elements
  int64_t lanes = 1;               // a power of two
  bool fours = false;              // a position is four neighbours
  SmallList<int64_t, 2> offsets;   // by source: in elements of its storage
  Axes kept, reduced;              // in elements; of |reduced| a position is a step, of four elements where |fours|
};
// Of a |reduction| with elements. Nothing where it takes several dispatches. Errors: as append_reduction.
Result<std::optional<ReductionWalk>> walk_of(Reduction reduction, Dtype result, PlanBuilder& plan);

// Writes one result, rounded to |to|'s type, for each position of the kept axes, in row-major order. A reduction of no
// elements gives the neutral value. REQUIRES at least one result. An epilogue, which fits beside three buffers, takes
// the results where there is one; of |to| only the type counts then. Errors: kUnsupported, with the numbers.
Result<void> append_reduction(Reduction reduction, const Place& to, PlanBuilder& plan,
                              const Epilogue* epilogue = nullptr);

}  // namespace gpu_node::kernels
