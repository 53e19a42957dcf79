// Each part is a block over its shape; what only moves is copied.
#include "kernels/elementwise/map.h"

#include "kernels/check_block.h"
#include "kernels/elementwise/block_input.h"

namespace gpu_node::kernels {
namespace {

Place place_of(const ir::MapResult& result, const PlanBuilder& plan) {
  Place place = plan.result(result.result);
  place.map = result.map;
  return place;
}

Result<void> append_part(const ir::MapPart& part, std::span<const Arg> operands, PlanBuilder& plan) {
  if (element_count(part.shape) == 0) return {};
  scalar::Block block;
  SmallList<BlockInput, 4> inputs;
  for (const ir::MapSource& source : part.sources) {
    inputs.push_back(block_input(source, operands));
    block.input(type_of(inputs.back()));
  }
  for (const ir::MapStep& step : part.steps) block.step(*step.op, step.type, step.operands.span());
  GPU_TRY(check_block(block, plan));
  SmallList<Place, 2> to;
  for (const ir::MapResult& result : part.results) {
    const Place place = place_of(result, plan);
    if (result.value >= part.sources.size()) {
      block.result(result.value);
      to.push_back(place);
      continue;
    }
    const BlockInput& moved = inputs[result.value];
    if (std::holds_alternative<ir::Counter>(moved)) {
      static const ir::Op& kAsType = ir::op_called("as_type");
      block.result(block.step(kAsType, type_of(moved), {result.value}));
      to.push_back(place);
      continue;
    }
    if (const auto* from = std::get_if<Place>(&moved))
      GPU_TRY(append_copy(*from, place, plan));
    else
      GPU_TRY(append_copy(std::get<Scalar>(moved), place, plan));
  }
  if (to.empty()) return {};
  return append_block(block, inputs.span(), to.span(), plan);
}

}  // namespace

Result<Plan> plan(const ir::Map& map, std::span<const Arg> operands, const vulkan::DeviceInfo& device) {
  PlanBuilder builder("map", device);
  for (const auto& [name, type] : map.results) builder.add_result(type);
  for (const ir::MapPart& part : map.parts) GPU_TRY(append_part(part, operands, builder));
  return builder.take();
}

}  // namespace gpu_node::kernels
