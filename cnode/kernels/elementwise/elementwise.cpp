// Unary, binary, ternary and cast ops: blocks of one step.
#include "kernels/elementwise/block.h"
#include "kernels/families.h"
#include "kernels/literal.h"

namespace gpu_node::kernels {
namespace {

// The type of the other of two operands, where it is a tensor.
std::optional<Dtype> other_type(std::span<const Arg> operands, size_t k) {
  if (operands.size() != 2) return std::nullopt;
  const auto* other = std::get_if<TensorArg>(&operands[1 - k]);
  return other == nullptr ? std::nullopt : std::optional(other->dtype);
}

}  // namespace

Result<void> plan_elementwise(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan) {
  const ir::Op& op = *instruction.op;
  const Dtype result = plan.result().dtype;
  scalar::Block block;
  SmallList<scalar::ValueNumber, 3> values;
  SmallList<Source, 3> inputs;
  for (size_t k = 0; k < operands.size(); ++k) {
    if (const auto* literal = std::get_if<Scalar>(&operands[k]))
      inputs.push_back(literal_operand(op, k, *literal, result, other_type(operands, k)));
    else
      inputs.push_back(source_of(operands[k], static_cast<uint32_t>(k)));
    values.push_back(block.input(type_of(inputs.back())));
  }
  block.result(block.step(op, result, {values.begin(), values.size()}));
  return append_block(block, {inputs.begin(), inputs.size()}, plan.result(), plan);
}

}  // namespace gpu_node::kernels
