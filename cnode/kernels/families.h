// One planner per op family; plan() in plan.h chooses. Each has a file of its own. REQUIRES of all: the instruction is
// validated, every type passed check_types, and the result has at least one element.
#pragma once

#include "kernels/plan.h"

namespace gpu_node::kernels {

// Unary, binary, ternary and cast ops.
Result<Plan> plan_elementwise(const ir::Instruction& instruction, std::span<const Arg> operands,
                              const vulkan::DeviceInfo& device);
// Ops that is_view() accepts, as copies. The executor takes views instead where it can.
Result<Plan> plan_view(const ir::Instruction& instruction, std::span<const Arg> operands,
                       const vulkan::DeviceInfo& device);
// Every element of a result of |type| is |value|, converted to the type.
Result<Plan> plan_fill(const Scalar& value, const ir::TensorType& type, const vulkan::DeviceInfo& device);
// iota, eye, constant.
Result<Plan> plan_create(const ir::Instruction& instruction, const vulkan::DeviceInfo& device);
// sum, product, reduce_max, reduce_min, all, any. An operand without elements is given as its view of no storage; the
// result is then the op's neutral value. Operands may be literals.
Result<Plan> plan_reduce(const ir::Instruction& instruction, std::span<const Arg> operands,
                         const vulkan::DeviceInfo& device);
// argmax, argmin.
Result<Plan> plan_arg_reduce(const ir::Instruction& instruction, std::span<const Arg> operands,
                             const vulkan::DeviceInfo& device);
// dot.
Result<Plan> plan_dot(const ir::Instruction& instruction, std::span<const Arg> operands,
                      const vulkan::DeviceInfo& device);

}  // namespace gpu_node::kernels
