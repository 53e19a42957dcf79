// From an op of the table to a GLSL expression.
#pragma once

#include <span>
#include <string>

#include "ir/op.h"
#include "kernels/glsl/shader_builder.h"
#include "scalar/computing.h"

namespace gpu_node::kernels {

struct TypedValue {
  Dtype type;
  std::string name;  // an expression without side effects, used more than once: a variable or a literal
};

// The value of elementwise |op| for |operands|, computed in |computing|: in the compute type of |type|, not yet rounded
// (or wrapped) to |type| where it converts its operands (scalar/op_code.h): ShaderBuilder::store and round do that.
// REQUIRES a validated combination of types.
std::string op_expression(ShaderBuilder& shader, const ir::Op& op, Dtype type, scalar::Computing computing,
                          std::span<const TypedValue> operands);

}  // namespace gpu_node::kernels
