#include "kernels/check_block.h"

#include <string>

#include "base/concat.h"
#include "kernels/glsl/glsl_types.h"
#include "scalar/op_code.h"

namespace gpu_node::kernels {
namespace {

// The device computes |op| of |type|.
Result<void> check_step(const ir::Op& op, Dtype type, const PlanBuilder& plan) {
  GPU_TRY(check_types(op.name, {&type, 1}, plan.device()));
  if (plan.device().has_f64 || !scalar::is_function(op, type)) return {};
  return plan.unsupported(concat(op.name, " needs 64-bit floats (shaderFloat64) for its precision, which the device ",
                                 plan.device().name, " lacks"));
}

}  // namespace

Result<void> check_computing(const scalar::Block& block, const PlanBuilder& plan) {
  const vulkan::DeviceInfo& device = plan.device();
  for (const scalar::Value& value : block.values()) {
    using enum scalar::Computing;
    const bool is_float = value.computing == kF64 || value.computing == kC128;
    const bool is_wide = value.computing == kS64 || value.computing == kU64 || value.computing == kS65;
    const bool lacks = (is_float && !device.has_f64) || (is_wide && !device.has_i64);
    if (!lacks) continue;
    std::string types;
    for (const scalar::ValueNumber operand : value.operands)
      types += concat(types.empty() ? "" : ", ", dtype_name(block[operand].type));
    return plan.unsupported(concat("of ", types, " to ", dtype_name(value.type), " is computed in ",
                                   is_float ? "64-bit floats (shaderFloat64)" : "64-bit integers (shaderInt64)",
                                   ", which the device lacks (device ", device.name, ")"));
  }
  return {};
}

Result<void> check_block(const scalar::Block& block, const PlanBuilder& plan) {
  for (const scalar::Value& value : block.values()) {
    if (value.op == nullptr) continue;
    GPU_TRY(check_step(*value.op, value.type, plan));
    for (const scalar::ValueNumber operand : value.operands) GPU_TRY(check_step(*value.op, block[operand].type, plan));
  }
  return check_computing(block, plan);
}

}  // namespace gpu_node::kernels
