// Scalar code for each element of a result where a kernel stores it, beside tensors that it takes: what reductions and
// products are given in the place of a place to write to.
#pragma once

#include <vector>

#include "kernels/elementwise/block_input.h"
#include "kernels/glsl/epilogue_code.h"

namespace gpu_node::kernels {

struct Epilogue {
  scalar::Block block;              // its first input is the element, rounded to its type
  SmallList<BlockInput, 4> inputs;  // behind the first; places and counters of the result's shape
  SmallList<Place, 4> to;           // the block's results, of that shape too
};

// One as a kernel takes it.
struct BoundEpilogue {
  EpilogueCode code;
  std::vector<Binding> bindings;
  std::vector<uint32_t> words;
};

// |groups|: how many of the result's axes each of the kernel's groups has, in order. kUnsupported where what it takes
// or writes exceeds the device's storage range.
Result<BoundEpilogue> bind_epilogue(const Epilogue& epilogue, std::span<const int> groups, const PlanBuilder& plan);

// Whether a kernel that binds |others| buffers beside can have it.
bool fits_kernel(const Epilogue& epilogue, size_t others, const PlanBuilder& plan);

// The place that a result of its own goes to as it is, if there is one.
const Place* place_of_element(const Epilogue& epilogue);
// |epilogue| of the elements at |from|, in dispatches of its own: what place_of_element() says is not written.
Result<void> append_epilogue(const Epilogue& epilogue, const Place& from, PlanBuilder& plan);

}  // namespace gpu_node::kernels
