// Chooses the family's planner, after the checks that hold for all of them.
#include "kernels/plan.h"

#include "kernels/families.h"
#include "kernels/glsl/glsl_types.h"
#include "kernels/view/view.h"

namespace gpu_node::kernels {
namespace {

Dtype type_of(const Arg& arg) {
  return std::visit([](const auto& operand) { return operand.dtype; }, arg);
}

Result<void> check_device(const ir::Instruction& instruction, std::span<const Arg> operands,
                          const vulkan::DeviceInfo& device) {
  const ir::Op& op = *instruction.op;
  std::array<Dtype, 4> types;
  size_t count = 0;
  types[count++] = instruction.results[0].type.dtype;
  for (const Arg& operand : operands) types[count++] = type_of(operand);
  GPU_TRY(check_types(op.name, std::span(types).first(count), device));
  const bool transcendental = op.code == ir::Code::kMath ||
                              ((op.code == ir::Code::kPower || op.code == ir::Code::kRemainder) && is_float(types[0]));
  if (transcendental && !device.has_f64)
    return Error{ErrorCode::kUnsupported, std::string(op.name) + ": needs 64-bit floats (shaderFloat64) for its " +
                                              "precision, which the device lacks (device " + device.name + ")"};
  return {};
}

}  // namespace

Result<Plan> plan(const ir::Instruction& instruction, std::span<const Arg> operands, const vulkan::DeviceInfo& device) {
  GPU_TRY(check_device(instruction, operands, device));
  if (!operands.empty() && is_view(instruction, type_of(operands[0]))) return plan_view(instruction, operands, device);
  switch (instruction.op->family) {
    case ir::Family::kUnary:
    case ir::Family::kBinary:
    case ir::Family::kTernary:
    case ir::Family::kCast:
      return plan_elementwise(instruction, operands, device);
    case ir::Family::kCreate:
      return plan_create(instruction, device);
    case ir::Family::kReduce:
      return plan_reduce(instruction, operands, device);
    case ir::Family::kArgReduce:
      return plan_arg_reduce(instruction, operands, device);
    case ir::Family::kDot:
      return plan_dot(instruction, operands, device);
    case ir::Family::kView:
      break;
  }
  return Error{ErrorCode::kInternal, "op " + std::string(instruction.op->name) + " has no planner"};
}

}  // namespace gpu_node::kernels
