// Types and shapes of an instruction's results, from its row, its operands and its attributes. Inferred once, here;
// what a client declares is compared with it.
#pragma once

#include <span>
#include <string>

#include "ir/program.h"

namespace gpu_node::ir {

// An operand as inference sees it: a literal has shape {}. The shape lies with whoever has the operand.
struct OperandType {
  Dtype dtype = Dtype::f32;
  const Shape* shape = nullptr;

  static OperandType of(const TensorType& type) { return {type.dtype, &type.shape}; }
  static OperandType of(const Scalar& literal);
};

// The types of |instruction|'s results, into |results|. Checks arity, attributes, ranks, axes, shapes and types against
// the op's row. Errors are kInvalidArgument and name op, shapes, types and limits: "add: shapes ... do not broadcast".
Result<void> infer(const Instruction& instruction, std::span<const OperandType> operands, TensorTypes& results);

// "add f32{2, 3}, s64 literal -> f32{2, 3}", for messages; of many operands the first.
std::string instruction_text(const Instruction& instruction, std::span<const OperandType> operands);

// Puts what |error| was about before its message, once: an error of inference names its op itself.
Error with_instruction(Error error, const Instruction& instruction, std::span<const OperandType> operands);

}  // namespace gpu_node::ir
