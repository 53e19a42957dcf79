#include "kernels/finished.h"

#include "kernels/aligned.h"
#include "kernels/check_block.h"
#include "kernels/families.h"
#include "kernels/glsl/glsl_types.h"

namespace gpu_node::kernels {
namespace {

Result<Epilogue> epilogue_of(const ir::Finished& finished, std::span<const Arg> operands, const PlanBuilder& plan) {
  const ir::TensorType& type = finished.instruction.results[0].type;
  Epilogue epilogue;
  epilogue.block.input(type.dtype);
  for (const ir::AlignedSource& source : finished.sources) {
    epilogue.inputs.push_back(aligned(source, type.shape, operands));
    epilogue.block.input(type_of(epilogue.inputs.back()));
  }
  for (const ir::MapStep& step : finished.steps) epilogue.block.step(*step.op, step.type, step.operands.span());
  GPU_TRY(check_block(epilogue.block, plan));
  for (size_t i = 0; i < finished.written.size(); ++i) {
    epilogue.block.result(finished.written[i].value);
    Place place = plan.result(i);
    place.map = aligned(place.map, finished.written[i].axes, type.shape);
    epilogue.to.push_back(std::move(place));
  }
  return epilogue;
}

}  // namespace

bool can_be_finished(const ir::Op& op) { return op.family == ir::Family::kDot || op.family == ir::Family::kConv; }

Result<Plan> plan(const ir::Finished& finished, std::span<const Arg> operands, const vulkan::DeviceInfo& device) {
  const ir::Instruction& instruction = finished.instruction;
  PlanBuilder builder(instruction.op->name, device);
  for (const auto& [name, type] : finished.results) builder.add_result(type);
  const std::array<Dtype, 3> types = {std::get<TensorArg>(operands[0]).dtype, std::get<TensorArg>(operands[1]).dtype,
                                      instruction.results[0].type.dtype};
  GPU_TRY(check_types(instruction.op->name, types, device));
  GPU_ASSIGN(const Epilogue epilogue, epilogue_of(finished, operands, builder));
  const auto plan_finished = instruction.op->family == ir::Family::kConv ? plan_finished_conv : plan_finished_dot;
  GPU_TRY(plan_finished(instruction, operands, epilogue, builder));
  return builder.take();
}

}  // namespace gpu_node::kernels
