// Plans concatenate and stack: each operand is written into its part of the result, once.
#include "kernels/elementwise/block.h"
#include "kernels/families.h"

namespace gpu_node::kernels {

namespace {

// |map| with a new axis of one element.
IndexMap with_axis(const IndexMap& map, int axis) {
  IndexMap wider{{}, {}, map.offset};
  for (int d = 0; d <= map.shape.size(); ++d) {
    if (d == axis) {
      wider.shape.push_back(1);
      wider.strides.push_back(0);
    }
    if (d == map.shape.size()) break;
    wider.shape.push_back(map.shape[d]);
    wider.strides.push_back(map.strides[d]);
  }
  return wider;
}

}  // namespace

Result<void> plan_concatenate(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan) {
  const auto axis = static_cast<int>(instruction.attributes.as<ir::AxisAttributes>().axis);
  const Place& whole = plan.result();
  Dims from;
  for (int d = 0; d < whole.map.shape.size(); ++d) from.push_back(0);
  for (size_t k = 0; k < operands.size(); ++k) {
    Place part = plan.placed(source_of(operands[k], static_cast<uint32_t>(k)));
    if (instruction.op->code == ir::Code::kStack) part.map = with_axis(part.map, axis);
    const Shape& shape = part.map.shape;
    if (element_count(shape) > 0) GPU_TRY(append_conversion(part, part_of(whole, from, shape), plan));
    from[axis] += shape[axis];
  }
  return {};
}

}  // namespace gpu_node::kernels
