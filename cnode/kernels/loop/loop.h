// Loops that one kernel runs. Where all of a round is scalar code over scalars and vectors of one shape, an invocation
// is an element of the vectors, and its state stays in registers from round to round. Other small rounds are the work
// of one workgroup (group_code.h), whose state stays in shared memory.
#pragma once

#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "kernels/loop/group_code.h"
#include "kernels/plan.h"
#include "scalar/block.h"

namespace gpu_node::kernels {

struct ElementLoop {
  struct Value {
    Dtype type = Dtype::f32;
    bool is_scalar = true;
  };
  std::vector<Value> state;  // by operand; those that rounds change come first
  Shape shape;               // of what is no scalar; {} where all are
  // Of all of the state: whether there is another round; what it changes, in order.
  scalar::Block condition, body;
};

struct GroupLoop {
  GroupCode condition, body;  // of all of the state
};

struct LoopCode {
  std::variant<ElementLoop, GroupLoop> code;

  // So many values of the state are given anew by rounds, the first ones.
  size_t changed() const;
  uint64_t host_bytes() const;
};

// The code of a loop with these bodies, where it is such. REQUIRES that they were checked.
std::optional<LoopCode> loop_code(const ir::Program& condition, const ir::Program& body);

struct LoopPlan {
  Plan plan;
  uint32_t rounds = 0;  // that it comes to, where the loop does not end before
};

// Plans some rounds for |device|. Operands: the state, each row-major from offset 0 on; then, unless this is the
// |first| part, u32{}: whether it goes on. Results: what changes, then u32{}, whether it goes on: nobody knows yet
// where it is not 0. Errors: kUnsupported, where a round for round will say what the device lacks.
Result<LoopPlan> plan_loop(const LoopCode& code, bool first, const vulkan::DeviceInfo& device);

}  // namespace gpu_node::kernels
