// Arity and attributes first, then types, then shapes; what is declared last.
#include "ir/infer.h"

#include "ir/inference.h"

namespace gpu_node::ir {
namespace {

// Of an op that takes many: all of them would make a message that nobody reads.
constexpr size_t kNamedOperands = 8;

Result<void> check_attributes(const Inference& inference) {
  const Op& op = inference.op();
  if (!inference.instruction.attributes.fit(op)) return invalid(inference, "has attributes of another op");
  return {};
}

Result<void> check_arity(const Inference& inference) {
  const Op& op = inference.op();
  const size_t given = inference.instruction.operands.size();
  if (!op.takes_operands(given) || inference.operands.size() != given)
    return invalid(inference, "takes ", counted(op.operands(), "operand"),
                   op.takes_list || op.takes_starts() ? " or more" : "", ", not ", given);
  const size_t results = inference.instruction.results.size();
  if (op.results == 0 && !op.takes_results(results, given))
    return invalid(inference, "has as many results as operands, or fewer, not ", results, " of ", given);
  if (!op.takes_results(results, given))
    return invalid(inference, "has ", op.results, op.results == 1 ? " result" : " results", ", not ", results);
  return {};
}

Result<void> infer_result(const Inference& inference, size_t index, TensorType& result) {
  const TensorType& declared = inference.declared(index);
  const Result<int64_t> count = checked_element_count(declared.shape);
  if (!count.ok()) return invalid(inference, "result: ", count.error().message);
  GPU_ASSIGN(result.dtype, infer_type(inference, index));
  GPU_ASSIGN(result.shape, infer_shape(inference, index));
  if (result == declared) return {};
  return invalid(inference, "the result is declared ", text(declared), ", but is ", text(result));
}

}  // namespace

OperandType OperandType::of(const Scalar& literal) {
  static const Shape kScalar;
  return {literal.dtype, &kScalar};
}

std::string text(const TensorType& type) { return type_text(type.dtype, type.shape); }

std::string instruction_text(const Instruction& instruction, std::span<const OperandType> operands) {
  std::string line(instruction.op != nullptr ? instruction.op->name : "?");
  for (size_t i = 0; i < operands.size(); ++i) {
    line += i == 0 ? " " : ", ";
    if (i == kNamedOperands) {
      line += concat("... ", operands.size(), " operands");
      break;
    }
    if (i < instruction.operands.size() && instruction.is_literal(i))
      line += concat(dtype_name(operands[i].dtype), " literal");
    else
      line += type_text(operands[i].dtype, *operands[i].shape);
  }
  line += attributes_text(instruction.attributes) + " ->";
  for (size_t i = 0; i < instruction.results.size(); ++i)
    line += concat(i == 0 ? " " : ", ", text(instruction.results[i].type));
  return line;
}

Error with_instruction(Error error, const Instruction& instruction, std::span<const OperandType> operands) {
  // The line begins with the op: it is not named twice.
  const std::string own = concat(instruction.op->name, ": ");
  if (error.message.starts_with(own)) error.message.erase(0, own.size());
  return with_context(std::move(error), instruction_text(instruction, operands));
}

Result<void> infer(const Instruction& instruction, std::span<const OperandType> operands, TensorTypes& results) {
  if (instruction.op == nullptr) return Error{ErrorCode::kInvalidArgument, "an instruction without an op"};
  const Inference inference{instruction, operands};
  GPU_TRY(check_arity(inference));
  GPU_TRY(check_attributes(inference));
  results.resize(instruction.results.size());
  for (size_t i = 0; i < results.size(); ++i) GPU_TRY(infer_result(inference, i, results[i]));
  return {};
}

}  // namespace gpu_node::ir
