// From an op of the table to a GLSL expression.
#pragma once

#include <span>
#include <string>

#include "kernels/glsl/shader_builder.h"

namespace gpu_node::kernels {

struct TypedValue {
  Dtype type;
  std::string name;  // an expression without side effects, used more than once: a variable or a literal
};

// The value of elementwise |op| for |operands|, in the compute type of |type|, not yet rounded (or wrapped) to |type|:
// ShaderBuilder::store and round do that. REQUIRES a validated combination of types.
std::string op_expression(ShaderBuilder& shader, const ir::Op& op, Dtype type, std::span<const TypedValue> operands);

// Whether |op| converts its operands to the result's type before it computes, so that a literal may be converted too.
bool converts_operands(const ir::Op& op);

// Whether |op| costs more to compute for |type| than to move, so that wider loads gain nothing.
bool is_heavy(const ir::Op& op, Dtype type);

}  // namespace gpu_node::kernels
