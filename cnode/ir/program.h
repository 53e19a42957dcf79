// The one intermediate representation: a flat list of instructions in SSA form. An eager op is a program of one
// instruction.
//
// Values are named by integers. A name of 0 or more is a tensor handle of the session, which outlives the program; a
// negative name is local to the program and is gone at its end. Every name is defined once.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "ir/op.h"
#include "tensor/scalar.h"
#include "tensor/shape.h"

namespace gpu_node::ir {

using ValueName = int64_t;

// A tensor by name, or a number folded into the instruction.
using Operand = std::variant<ValueName, Scalar>;

struct TensorType {
  Dtype dtype = Dtype::f32;
  Shape shape;
};

// What an op takes beside operands. An op reads only the fields its row of PROTOCOL.md names; others must be as here.
struct Attributes {
  Dims axes;              // reductions, transpose, squeeze, broadcast
  bool has_axes = false;  // false: all axes (reductions), reversed (transpose), trailing (broadcast)
  bool keep_axes = false;
  bool tie_high = false;                                        // argmax/argmin: tie_break: :high
  int64_t axis = -1;                                            // iota, argmax, argmin: -1 is the flat index
  Scalar value;                                                 // constant
  Dims contract_left, batch_left, contract_right, batch_right;  // dot
};

struct Instruction {
  const Op* op = nullptr;
  std::vector<Operand> operands;
  std::vector<std::pair<ValueName, TensorType>> results;
  Attributes attributes;
};

using Program = std::vector<Instruction>;

// "add f32{2, 3}, s64 literal -> f32{2, 3}", for messages. |operand_types| as validated, in operand order.
std::string instruction_text(const Instruction& instruction, std::span<const TensorType> operand_types);

// Checks arity, ranks, axes, shapes and types of |instruction| against its row, given the types of its operands (a
// literal has shape {}). Names op, shapes, types and limits in its error.
Result<void> validate(const Instruction& instruction, std::span<const TensorType> operand_types);

}  // namespace gpu_node::ir
