// Plans concatenate: each operand is written into its part of the result, once.
#include "kernels/elementwise/block.h"
#include "kernels/families.h"

namespace gpu_node::kernels {

Result<void> plan_concatenate(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan) {
  const auto axis = static_cast<int>(instruction.attributes.as<ir::ConcatenateAttributes>().axis);
  const Place& whole = plan.result();
  Dims from;
  for (int d = 0; d < whole.map.shape.size(); ++d) from.push_back(0);
  for (size_t k = 0; k < operands.size(); ++k) {
    const Place part = plan.placed(source_of(operands[k], static_cast<uint32_t>(k)));
    const Shape& shape = part.map.shape;
    if (element_count(shape) > 0) GPU_TRY(append_conversion(part, part_of(whole, from, shape), plan));
    from[axis] += shape[axis];
  }
  return {};
}

}  // namespace gpu_node::kernels
