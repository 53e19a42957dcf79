// The one intermediate representation: a flat list of instructions in SSA form. An eager op is a program of one
// instruction.
//
// Values are named by integers, and every name is defined once. In a run message a name of 0 or more is a tensor handle
// of the session, which outlives the message; in a compiled program it is one of the program's inputs, counted from 0.
// A negative name is local and is gone at the end.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/small_list.h"
#include "ir/attributes.h"
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
  bool operator==(const TensorType&) const = default;
};
using TensorTypes = SmallList<TensorType, 1>;

// A value that an instruction makes, with its declared type.
struct Definition {
  ValueName name = 0;
  TensorType type;
};

struct Instruction {
  const Op* op = nullptr;
  SmallList<Operand, 2> operands;
  SmallList<Definition, 1> results;
  Attributes attributes;

  bool is_literal(size_t operand) const { return std::holds_alternative<Scalar>(operands[operand]); }
};
static_assert(sizeof(Instruction) < 200);

// What is compiled once and run often. `bodies` are the programs that its instructions name as their attributes: what a
// loop or a reduction repeats. They see nothing but their own inputs.
struct Program {
  std::vector<TensorType> inputs;
  std::vector<Instruction> instructions;
  std::vector<ValueName> outputs;
  std::vector<Program> bodies;
};

// "f32{2, 3}", for messages.
std::string text(const TensorType& type);

}  // namespace gpu_node::ir
