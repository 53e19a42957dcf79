#include "kernels/view/view.h"

#include "kernels/families.h"

namespace gpu_node::kernels {

bool is_view(const ir::Instruction& instruction, Dtype operand) {
  if (instruction.op->family == ir::Family::kView) return true;
  if (instruction.op->name != "bitcast") return false;
  // Sub-byte types of different signs extend the same bits differently.
  const Dtype result = instruction.results[0].second.dtype;
  return dtype_info(result).bits >= 8 || operand == result;
}

std::optional<IndexMap> view_of(const ir::Instruction& instruction, const IndexMap& map) {
  const std::string_view name = instruction.op->name;
  const ir::Attributes& attributes = instruction.attributes;
  const Shape& shape = instruction.results[0].second.shape;
  if (name == "bitcast") return map;
  if (name == "transpose") {
    if (attributes.has_axes) return transposed(map, attributes.axes);
    Dims axes;
    for (int i = map.shape.size() - 1; i >= 0; --i) axes.push_back(i);
    return transposed(map, axes);
  }
  if (name == "broadcast") {
    if (attributes.has_axes) return broadcast_to(map, shape, attributes.axes);
    Dims axes;
    for (int i = 0; i < map.shape.size(); ++i) axes.push_back(shape.size() - map.shape.size() + i);
    return broadcast_to(map, shape, axes);
  }
  return reshaped(map, shape);
}

Result<Plan> plan_view(const ir::Instruction& instruction, std::span<const Arg> operands,
                       const vulkan::DeviceInfo& device) {
  // In the literal's own type, whose bits a bitcast keeps.
  if (const auto* literal = std::get_if<Scalar>(&operands[0]))
    return plan_fill(*literal, {literal->dtype, instruction.results[0].second.shape}, device);
  TensorArg tensor = std::get<TensorArg>(operands[0]);
  if (const std::optional<IndexMap> map = view_of(instruction, tensor.map)) tensor.map = *map;
  return plan_copy(tensor, device);
}

}  // namespace gpu_node::kernels
