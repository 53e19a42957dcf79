// Chooses the family's planner, after the checks that hold for all of them.
#include "kernels/plan.h"

#include <algorithm>

#include "kernels/elementwise/block.h"
#include "kernels/families.h"
#include "kernels/glsl/glsl_types.h"
#include "kernels/view/view.h"
#include "scalar/op_code.h"

namespace gpu_node::kernels {
namespace {

Dtype type_of_arg(const Arg& arg) {
  return std::visit([](const auto& operand) { return operand.dtype; }, arg);
}

// Whether the result has elements of operand |i| of a move: of indices and starts it has none.
bool gives_elements(const ir::Op& op, size_t i) {
  if (op.takes_list) return true;
  return i < op.operands() && (i == 0 || op.type_rule != ir::TypeRule::kSame) &&
         (i != 1 || op.type_rule != ir::TypeRule::kMergeUpdates);
}

Result<void> check_device(const ir::Instruction& instruction, std::span<const Arg> operands,
                          const vulkan::DeviceInfo& device) {
  const ir::Op& op = *instruction.op;
  SmallList<Dtype, 4> types;
  bool converts = !ir::is_move(op.family);
  for (size_t i = 0; i < operands.size(); ++i) {
    const Dtype type = type_of_arg(operands[i]);
    if (!converts && gives_elements(op, i)) converts = type != instruction.results[0].type.dtype;
    if (converts || !gives_elements(op, i)) types.push_back(type);
  }
  // What only moves is looked at where it does (bits_of).
  if (op.family == ir::Family::kView) return {};
  if (converts)
    for (const auto& [name, result] : instruction.results) types.push_back(result.dtype);
  GPU_TRY(check_types(op.name, {types.begin(), types.size()}, device));
  if (ir::is_move(op.family)) return {};
  const bool computes_in_double =
      std::any_of(types.begin(), types.end(), [&op](Dtype type) { return scalar::is_function(op, type); });
  if (computes_in_double && !device.has_f64)
    return Error{ErrorCode::kUnsupported, concat(op.name,
                                                 ": needs 64-bit floats (shaderFloat64) for its precision, which the "
                                                 "device lacks (device ",
                                                 device.name, ")")};
  return {};
}

Result<void> plan_family(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan) {
  if (instruction.op->family == ir::Family::kCast && is_view(instruction, type_of_arg(operands[0])))
    return plan_view(instruction, operands, plan);
  switch (instruction.op->family) {
    case ir::Family::kUnary:
    case ir::Family::kBinary:
    case ir::Family::kTernary:
    case ir::Family::kCast:
      return plan_elementwise(instruction, operands, plan);
    case ir::Family::kCreate:
      return plan_create(instruction, operands, plan);
    case ir::Family::kReduce:
      return plan_reduce(instruction, operands, plan);
    case ir::Family::kArgReduce:
      return plan_arg_reduce(instruction, operands, plan);
    case ir::Family::kFold:
      return instruction.op->code == ir::Code::kWindowFold ? plan_window_fold(instruction, operands, plan)
                                                           : plan_fold(instruction, operands, plan);
    case ir::Family::kDot:
      return plan_dot(instruction, operands, plan);
    case ir::Family::kConcatenate:
      return plan_concatenate(instruction, operands, plan);
    case ir::Family::kOrder:
      return plan_order(instruction, operands, plan);
    case ir::Family::kWindow:
      return plan_window(instruction, operands, plan);
    case ir::Family::kWindowScatter:
      return plan_window_scatter(instruction, operands, plan);
    case ir::Family::kConv:
      return plan_conv(instruction, operands, plan);
    case ir::Family::kFourier:
      return plan_fourier(instruction, operands, plan);
    case ir::Family::kCumulative:
      return plan_cumulative(instruction, operands, plan);
    case ir::Family::kLinalg:
      return plan_linalg(instruction, operands, plan);
    case ir::Family::kMove:
      return plan_move(instruction, operands, plan);
    case ir::Family::kIndexedAdd:
      return plan_indexed_add(instruction, operands, plan);
    case ir::Family::kView:
      return plan_view(instruction, operands, plan);
    case ir::Family::kLoop:
      return Error{ErrorCode::kInvalidArgument,
                   concat(instruction.op->name, ": is of compiled programs alone, whose bodies it names")};
  }
  return Error{ErrorCode::kInternal, "op " + std::string(instruction.op->name) + " has no planner"};
}

}  // namespace

Result<Plan> plan(const ir::Instruction& instruction, std::span<const Arg> operands, const vulkan::DeviceInfo& device) {
  GPU_TRY(check_device(instruction, operands, device));
  PlanBuilder builder(instruction.op->name, device);
  for (const auto& [name, type] : instruction.results) builder.add_result(type);
  GPU_TRY(plan_family(instruction, operands, builder));
  return builder.take();
}

Result<Plan> plan_copy(const TensorArg& from, const vulkan::DeviceInfo& device) {
  PlanBuilder builder("copy", device);
  builder.add_result({from.dtype, from.map.shape});
  GPU_TRY(append_copy(source_of(from, 0), builder.result(), builder));
  return builder.take();
}

}  // namespace gpu_node::kernels
