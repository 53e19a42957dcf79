// Loops that are scalar code: element by element, over scalars and vectors of one shape. A kernel is such a loop, an
// invocation an element of the vectors: its state stays in registers from round to round.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "kernels/plan.h"
#include "scalar/block.h"

namespace gpu_node::kernels {

struct LoopCode {
  struct Value {
    Dtype type = Dtype::f32;
    bool is_scalar = true;
  };
  std::vector<Value> state;  // by operand; those that rounds change come first
  Shape shape;               // of what is no scalar; {} where all are
  // Of all of the state: whether there is another round; what it changes, in order.
  scalar::Block condition, body;

  size_t changed() const { return body.results().size(); }
};

// The code of a loop with these bodies, where it is such. REQUIRES that they were checked.
std::optional<LoopCode> loop_code(const ir::Program& condition, const ir::Program& body);

// Plans some rounds for |device|. Operands: the state, each row-major from offset 0 on; then, unless this is the
// |first| part, u32{}: whether it goes on. Results: what changes, then u32{}, whether it goes on: nobody knows yet
// where it is not 0. Errors: kUnsupported, where a round for round will say what the device lacks.
Result<Plan> plan_loop(const LoopCode& code, bool first, const vulkan::DeviceInfo& device);

}  // namespace gpu_node::kernels
