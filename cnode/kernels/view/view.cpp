#include "kernels/view/view.h"

#include <algorithm>

#include "kernels/elementwise/block.h"
#include "kernels/families.h"

namespace gpu_node::kernels {
namespace {

IndexMap reversed(IndexMap map, const Dims& axes) {
  for (const int64_t axis : axes) {
    const auto d = static_cast<int>(axis);
    map.offset += std::max<int64_t>(0, map.shape[d] - 1) * map.strides[d];
    map.strides[d] = -map.strides[d];
  }
  return map;
}

IndexMap sliced(IndexMap map, const ir::SliceAttributes& slice, const Shape& shape) {
  for (int d = 0; d < shape.size(); ++d) {
    const int64_t most = map.shape[d] - slice.lengths[d];
    map.offset += std::clamp<int64_t>(slice.starts.values[d], 0, most) * map.strides[d];
    if (slice.strides) map.strides[d] *= (*slice.strides)[d];
  }
  map.shape = shape;
  return map;
}

}  // namespace

bool is_view(const ir::Instruction& instruction, Dtype operand) {
  if (instruction.op->code == ir::Code::kSlice)
    return instruction.attributes.as<ir::SliceAttributes>().starts.operands() == 0;
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
    case ir::ShapeRule::kReverse:
      return reversed(map, axes_or([&](int i) { return i; }));
    case ir::ShapeRule::kSlice:
      return sliced(map, instruction.attributes.as<ir::SliceAttributes>(), shape);
    default:
      return reshaped(map, shape);
  }
}

Result<void> plan_view(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan) {
  if (instruction.op->code == ir::Code::kSlice && !is_view(instruction, plan.result().dtype))
    return plan_slice(instruction, operands, plan);
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
