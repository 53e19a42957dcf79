// The parts of validate(): private to this folder. A check returns an error whose message begins with the op's name.
#pragma once

#include <span>
#include <string>

#include "ir/program.h"

namespace gpu_node::ir {

// What a check looks at: an instruction with one result, and its operands' types.
struct Checked {
  const Instruction& instruction;
  std::span<const TensorType> operands;

  const Op& op() const { return *instruction.op; }
  const Attributes& attributes() const { return instruction.attributes; }
  const TensorType& result() const { return instruction.results[0].second; }
  bool is_literal(size_t operand) const { return std::holds_alternative<Scalar>(instruction.operands[operand]); }
};

// kInvalidArgument: "add: <what>".
Error invalid(const Checked& checked, const std::string& what);

// "f32{2, 3}".
std::string text(const TensorType& type);

// An error unless the result's shape is |expected|.
Result<void> check_result_shape(const Checked& checked, const Shape& expected);

// The result's type against the op's TypeRule (check_types.cpp).
Result<void> check_type_rule(const Checked& checked);

// Shapes and attributes, by family (check_shapes.cpp, check_views.cpp).
Result<void> check_elementwise(const Checked& checked);
Result<void> check_create(const Checked& checked);
Result<void> check_view(const Checked& checked);
Result<void> check_reduce(const Checked& checked);
Result<void> check_arg_reduce(const Checked& checked);
Result<void> check_dot(const Checked& checked);

// |axes| must be axes of |shape|, each once; |name| is what the message calls them.
Result<void> check_axes(const Checked& checked, const char* name, const Dims& axes, const TensorType& type);

}  // namespace gpu_node::ir
