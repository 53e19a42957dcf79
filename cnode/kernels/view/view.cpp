#include "kernels/view/view.h"

#include "kernels/elementwise/block.h"
#include "kernels/families.h"

namespace gpu_node::kernels {

bool is_view(const ir::Instruction& instruction, Dtype operand) {
  if (instruction.op->family == ir::Family::kView) return true;
  if (instruction.op->type_rule != ir::TypeRule::kSameWidth) return false;
  // Sub-byte types of different signs extend the same bits differently.
  const Dtype result = instruction.results[0].type.dtype;
  return dtype_info(result).bits >= 8 || operand == result;
}

std::optional<IndexMap> view_of(const ir::Instruction& instruction, const IndexMap& map) {
  const Shape& shape = instruction.results[0].type.shape;
  const int rank = map.shape.size();
  // The axes that were given, or those that |axis| has for each of the operand's.
  const auto axes_or = [&](auto axis) {
    Dims axes;
    if (const auto& given = instruction.attributes.as<ir::AxesAttributes>().axes)
      for (const int64_t one : *given) axes.push_back(one);
    else
      for (int i = 0; i < rank; ++i) axes.push_back(axis(i));
    return axes;
  };
  switch (instruction.op->shape_rule) {
    case ir::ShapeRule::kElementwise:  // bitcast
      return map;
    case ir::ShapeRule::kTranspose:
      return transposed(map, axes_or([&](int i) { return rank - 1 - i; }));
    case ir::ShapeRule::kBroadcast:
      return broadcast_to(map, shape, axes_or([&](int i) { return shape.size() - rank + i; }));
    default:
      return reshaped(map, shape);
  }
}

Result<void> plan_view(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan) {
  Place to = plan.result();
  Source from = source_of(operands[0], 0);
  if (auto* place = std::get_if<Place>(&from)) {
    // What strides cannot express is copied in the operand's own order, which a row-major result shares.
    if (const std::optional<IndexMap> map = view_of(instruction, place->map))
      place->map = *map;
    else
      to.map = IndexMap::row_major(place->map.shape);
  }
  // In the operand's own type, whose bits a bitcast keeps.
  to.dtype = type_of(from);
  return append_copy(from, to, plan);
}

}  // namespace gpu_node::kernels
