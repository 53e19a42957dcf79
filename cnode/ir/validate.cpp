// Validation of one instruction: arity first, then types, then shapes and attributes of its family.
#include <string>

#include "ir/check.h"

namespace gpu_node::ir {

Error invalid(const Checked& checked, const std::string& what) {
  return {ErrorCode::kInvalidArgument, std::string(checked.op().name) + ": " + what};
}

std::string text(const TensorType& type) { return type_text(type.dtype, type.shape); }

Result<void> check_result_shape(const Checked& checked, const Shape& expected) {
  if (checked.result().shape == expected) return {};
  return invalid(checked,
                 "the result is declared " + text(checked.result()) + ", but its shape is " + shape_text(expected));
}

std::string instruction_text(const Instruction& instruction, std::span<const TensorType> operand_types) {
  std::string line(instruction.op != nullptr ? instruction.op->name : "?");
  for (size_t i = 0; i < operand_types.size(); ++i) {
    line += i == 0 ? " " : ", ";
    if (i < instruction.operands.size() && std::holds_alternative<Scalar>(instruction.operands[i]))
      line += std::string(dtype_name(operand_types[i].dtype)) + " literal";
    else
      line += text(operand_types[i]);
  }
  line += " ->";
  for (size_t i = 0; i < instruction.results.size(); ++i)
    line += (i == 0 ? " " : ", ") + text(instruction.results[i].second);
  return line;
}

Result<void> validate(const Instruction& instruction, std::span<const TensorType> operand_types) {
  if (instruction.op == nullptr) return Error{ErrorCode::kInvalidArgument, "an instruction without an op"};
  const Checked checked{instruction, operand_types};
  const Op& op = *instruction.op;
  if (instruction.operands.size() != op.operands || operand_types.size() != op.operands)
    return invalid(checked, "takes " + std::to_string(op.operands) + " operands, not " +
                                std::to_string(instruction.operands.size()));
  if (instruction.results.size() != 1)
    return invalid(checked, "has 1 result, not " + std::to_string(instruction.results.size()));
  const Result<int64_t> count = checked_element_count(checked.result().shape);
  if (!count.ok()) return invalid(checked, "result: " + count.error().message);
  GPU_TRY(check_type_rule(checked));
  switch (op.family) {
    case Family::kUnary:
    case Family::kBinary:
    case Family::kTernary:
    case Family::kCast:
      return check_elementwise(checked);
    case Family::kCreate:
      return check_create(checked);
    case Family::kView:
      return check_view(checked);
    case Family::kReduce:
      return check_reduce(checked);
    case Family::kArgReduce:
      return check_arg_reduce(checked);
    case Family::kDot:
      return check_dot(checked);
  }
  return Error{ErrorCode::kInternal, "op " + std::string(op.name) + " has no validation"};
}

}  // namespace gpu_node::ir
