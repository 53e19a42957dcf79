// Unary, binary, ternary and cast ops: blocks of one step.
#include "kernels/elementwise/block.h"
#include "kernels/families.h"
#include "kernels/literal.h"
#include "scalar/op_code.h"

namespace gpu_node::kernels {
namespace {

// |literal|, of its own type already, as an operand that |op| computes with: of the result's type or compute type where
// that says the same, else of the least type in which the op then computes.
Scalar as_operand(const ir::Op& op, const Scalar& literal, Dtype result) {
  const Dtype own = computing_type(result);
  if (is_complex(result)) return converted(literal, is_exact(literal, result) ? result : Dtype::c128);
  if (is_complex(literal.dtype)) return literal;
  if (is_float(result)) return converted(literal, is_exact(literal, own) ? own : Dtype::f64);
  const Scalar whole = is_integer(literal.dtype) ? literal : converted(literal, own);
  if (!op.modular)
    for (const Dtype type : {result, Dtype::s32, Dtype::u32, Dtype::s64, Dtype::u64})
      if (is_exact(whole, type)) return converted(whole, type);
  return converted(whole, result);
}

// A literal converts on the host where the op would convert it on the device, and for comparisons where no digit is
// lost: one kernel then serves more literals.
Scalar folded(const ir::Instruction& instruction, size_t operand, const Scalar& literal,
              std::span<const Arg> operands) {
  const ir::Op& op = *instruction.op;
  const Dtype result = instruction.results[0].type.dtype;
  if (scalar::converts_operands(op)) return as_operand(op, converted(literal, literal.dtype), result);
  if (op.code == ir::Code::kSelect && operand > 0) return converted(converted(literal, literal.dtype), result);
  if (op.type_rule == ir::TypeRule::kPredicate && operands.size() == 2)
    if (const auto* other = std::get_if<TensorArg>(&operands[1 - operand]); other != nullptr)
      if (is_exact(literal, other->dtype)) return converted(literal, other->dtype);
  return literal;
}

}  // namespace

Result<void> plan_elementwise(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan) {
  scalar::Block block;
  SmallList<scalar::ValueNumber, 3> values;
  SmallList<Source, 3> inputs;
  for (size_t k = 0; k < operands.size(); ++k) {
    if (const auto* literal = std::get_if<Scalar>(&operands[k]))
      inputs.push_back(folded(instruction, k, *literal, operands));
    else
      inputs.push_back(source_of(operands[k], static_cast<uint32_t>(k)));
    values.push_back(block.input(type_of(inputs.back())));
  }
  block.result(block.step(*instruction.op, plan.result().dtype, {values.begin(), values.size()}));
  return append_block(block, {inputs.begin(), inputs.size()}, plan.result(), plan);
}

}  // namespace gpu_node::kernels
