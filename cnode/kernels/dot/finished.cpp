#include "kernels/dot/finished.h"

#include "kernels/aligned.h"
#include "kernels/check_block.h"
#include "kernels/dot/product.h"
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

Result<Plan> plan(const ir::Finished& finished, std::span<const Arg> operands, const vulkan::DeviceInfo& device) {
  const ir::Instruction& instruction = finished.instruction;
  PlanBuilder builder(instruction.op->name, device);
  for (const auto& [name, type] : finished.results) builder.add_result(type);
  const auto& attributes = instruction.attributes.as<ir::DotAttributes>();
  const Place left = builder.placed(source_of(operands[0], 0)), right = builder.placed(source_of(operands[1], 1));
  const ir::TensorType& type = instruction.results[0].type;
  const std::array<Dtype, 3> types = {left.dtype, right.dtype, type.dtype};
  GPU_TRY(check_types(instruction.op->name, types, device));
  GPU_ASSIGN(const Epilogue epilogue, epilogue_of(finished, operands, builder));
  const Place whole{Binding::Kind::kScratch, 0, type.dtype, IndexMap::row_major(type.shape)};
  GPU_TRY(append_product(left, right, product_axes(attributes), whole, builder, &epilogue));
  return builder.take();
}

}  // namespace gpu_node::kernels
