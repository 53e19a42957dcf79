// Shapes and attributes of views (reshape, squeeze, transpose, broadcast) and of what is made from nothing.
#include "ir/check.h"

namespace gpu_node::ir {
namespace {

Result<void> check_reshape(const Checked& checked) {
  const TensorType& operand = checked.operands[0];
  const int64_t from = element_count(operand.shape);
  const int64_t to = element_count(checked.result().shape);
  if (from == to) return {};
  return invalid(checked, "from " + text(operand) + " (" + std::to_string(from) + " elements) to " +
                              text(checked.result()) + " (" + std::to_string(to) + " elements)");
}

Result<void> check_squeeze(const Checked& checked) {
  const TensorType& operand = checked.operands[0];
  const Attributes& attributes = checked.attributes();
  GPU_TRY(check_axes(checked, "axes", attributes.axes, operand));
  Shape shape;
  for (int i = 0; i < operand.shape.size(); ++i) {
    const Dims& axes = attributes.axes;
    const bool named = std::find(axes.begin(), axes.end(), i) != axes.end();
    if (named && operand.shape[i] != 1)
      return invalid(checked, "axis " + std::to_string(i) + " of " + text(operand) + " is " +
                                  std::to_string(operand.shape[i]) + ", not 1");
    if (!named && (attributes.has_axes || operand.shape[i] != 1)) shape.push_back(operand.shape[i]);
  }
  return check_result_shape(checked, shape);
}

Result<void> check_transpose(const Checked& checked) {
  const TensorType& operand = checked.operands[0];
  const Attributes& attributes = checked.attributes();
  const int rank = operand.shape.size();
  Shape shape;
  if (!attributes.has_axes) {
    for (int i = rank - 1; i >= 0; --i) shape.push_back(operand.shape[i]);
    return check_result_shape(checked, shape);
  }
  GPU_TRY(check_axes(checked, "axes", attributes.axes, operand));
  if (attributes.axes.size() != rank)
    return invalid(checked,
                   "axes " + shape_text(attributes.axes) + " are not a permutation of the axes of " + text(operand));
  for (int64_t axis : attributes.axes) shape.push_back(operand.shape[static_cast<int>(axis)]);
  return check_result_shape(checked, shape);
}

Result<void> check_broadcast(const Checked& checked) {
  const TensorType& operand = checked.operands[0];
  const TensorType& result = checked.result();
  const Attributes& attributes = checked.attributes();
  const int rank = operand.shape.size();
  if (!attributes.has_axes && rank > result.shape.size())
    return invalid(checked, text(operand) + " has more dimensions than " + text(result));
  if (attributes.has_axes) {
    GPU_TRY(check_axes(checked, "axes", attributes.axes, result));
    if (attributes.axes.size() != rank)
      return invalid(checked, std::to_string(rank) + " axes are needed for " + text(operand) + ", not " +
                                  std::to_string(attributes.axes.size()));
  }
  for (int i = 0; i < rank; ++i) {
    const int64_t axis = attributes.has_axes ? attributes.axes[i] : result.shape.size() - rank + i;
    if (attributes.has_axes && i > 0 && axis <= attributes.axes[i - 1])
      return invalid(checked, "axes " + shape_text(attributes.axes) + " must ascend");
    const int64_t to = result.shape[static_cast<int>(axis)];
    if (operand.shape[i] != 1 && operand.shape[i] != to)
      return invalid(checked, text(operand) + " does not broadcast to " + text(result) + ": axis " + std::to_string(i) +
                                  " is " + std::to_string(operand.shape[i]) + ", axis " + std::to_string(axis) +
                                  " of the result is " + std::to_string(to));
  }
  return {};
}

}  // namespace

Result<void> check_create(const Checked& checked) {
  const TensorType& result = checked.result();
  const int64_t axis = checked.attributes().axis;
  if (checked.op().name == "eye" && result.shape.size() < 2)
    return invalid(checked, "needs at least 2 dimensions, not " + text(result));
  if (checked.op().name == "iota" && (axis < -1 || axis >= result.shape.size()))
    return invalid(checked, "axis " + std::to_string(axis) + " is not an axis of " + text(result));
  if (checked.op().name == "constant" && is_complex(checked.attributes().value.dtype) && !is_complex(result.dtype))
    return invalid(checked, "a complex value for " + text(result));
  return {};
}

Result<void> check_view(const Checked& checked) {
  const std::string_view name = checked.op().name;
  if (name == "reshape") return check_reshape(checked);
  if (name == "squeeze") return check_squeeze(checked);
  if (name == "transpose") return check_transpose(checked);
  return check_broadcast(checked);
}

}  // namespace gpu_node::ir
