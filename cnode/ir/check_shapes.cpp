// Shapes and attributes of elementwise ops, reductions and dot.
#include "ir/check.h"

namespace gpu_node::ir {
namespace {

// Nx.broadcast_shape over all operands: aligned at the last axis, 1 stretches.
Result<Shape> broadcast_shape(const Checked& checked) {
  int rank = 0;
  for (const TensorType& type : checked.operands) rank = std::max(rank, type.shape.size());
  Shape shape;
  for (int i = 0; i < rank; ++i) shape.push_back(1);
  for (const TensorType& type : checked.operands) {
    const int lead = rank - type.shape.size();
    for (int i = 0; i < type.shape.size(); ++i) {
      int64_t& dim = shape[lead + i];
      if (dim == 1) dim = type.shape[i];
      if (type.shape[i] == 1 || type.shape[i] == dim) continue;
      std::string shapes;
      for (size_t k = 0; k < checked.operands.size(); ++k) {
        if (k > 0) shapes += k + 1 == checked.operands.size() ? " and " : ", ";
        shapes += text(checked.operands[k]);
      }
      return invalid(checked, "shapes " + shapes + " do not broadcast: axis " + std::to_string(lead + i) + " is " +
                                  std::to_string(dim) + " and " + std::to_string(type.shape[i]));
    }
  }
  return shape;
}

bool contains(const Dims& axes, int64_t axis) { return std::find(axes.begin(), axes.end(), axis) != axes.end(); }

// The shape of |type| without |axes|, or with them as 1.
Shape without_axes(const TensorType& type, const Dims& axes, bool all, bool keep) {
  Shape shape;
  for (int i = 0; i < type.shape.size(); ++i) {
    if (!all && !contains(axes, i))
      shape.push_back(type.shape[i]);
    else if (keep)
      shape.push_back(1);
  }
  return shape;
}

// Contracting or batch axes of both sides: as many, of equal dimensions.
Result<void> check_pairs(const Checked& checked, const char* what, const Dims& left, const Dims& right) {
  const TensorType& a = checked.operands[0];
  const TensorType& b = checked.operands[1];
  if (left.size() != right.size())
    return invalid(checked, std::string(what) + " axes must be as many on both sides, not " + shape_text(left) +
                                " and " + shape_text(right));
  for (int i = 0; i < left.size(); ++i) {
    const int64_t m = a.shape[static_cast<int>(left[i])];
    const int64_t n = b.shape[static_cast<int>(right[i])];
    if (m == n) continue;
    return invalid(checked, std::string(what) + " axis " + std::to_string(left[i]) + " of " + text(a) + " is " +
                                std::to_string(m) + ", but axis " + std::to_string(right[i]) + " of " + text(b) +
                                " is " + std::to_string(n));
  }
  return {};
}

Result<void> check_distinct(const Checked& checked, const char* side, const Dims& contract, const Dims& batch) {
  for (int64_t axis : batch)
    if (contains(contract, axis))
      return invalid(checked, std::string(side) + " axis " + std::to_string(axis) + " is both contracted and a batch");
  return {};
}

}  // namespace

Result<void> check_axes(const Checked& checked, const char* name, const Dims& axes, const TensorType& type) {
  uint32_t seen = 0;
  for (int64_t axis : axes) {
    if (axis < 0 || axis >= type.shape.size())
      return invalid(checked, std::string(name) + ": " + std::to_string(axis) + " is not an axis of " + text(type));
    const uint32_t bit = uint32_t{1} << axis;
    if ((seen & bit) != 0)
      return invalid(checked, std::string(name) + ": axis " + std::to_string(axis) + " stands twice");
    seen |= bit;
  }
  return {};
}

Result<void> check_elementwise(const Checked& checked) {
  if (checked.operands.size() == 1 || checked.op().name == "clip") {
    for (size_t i = 1; i < checked.operands.size(); ++i)
      if (!checked.operands[i].shape.empty())
        return invalid(checked,
                       std::string(i == 1 ? "min" : "max") + " must be a scalar, not " + text(checked.operands[i]));
    return check_result_shape(checked, checked.operands[0].shape);
  }
  const Shape& first = checked.operands[0].shape;
  bool same = true;
  for (size_t i = 1; i < checked.operands.size(); ++i) same = same && checked.operands[i].shape == first;
  if (same) return check_result_shape(checked, first);
  GPU_ASSIGN(const Shape shape, broadcast_shape(checked));
  return check_result_shape(checked, shape);
}

Result<void> check_reduce(const Checked& checked) {
  const Attributes& attributes = checked.attributes();
  const TensorType& operand = checked.operands[0];
  GPU_TRY(check_axes(checked, "axes", attributes.axes, operand));
  return check_result_shape(checked,
                            without_axes(operand, attributes.axes, !attributes.has_axes, attributes.keep_axes));
}

Result<void> check_arg_reduce(const Checked& checked) {
  const Attributes& attributes = checked.attributes();
  const TensorType& operand = checked.operands[0];
  const bool all = attributes.axis == -1;
  Dims axes;
  if (!all) axes.push_back(attributes.axis);
  GPU_TRY(check_axes(checked, "axis", axes, operand));
  const int64_t extent = all ? element_count(operand.shape) : operand.shape[static_cast<int>(attributes.axis)];
  if (extent == 0) return invalid(checked, "no elements to choose from in " + text(operand));
  return check_result_shape(checked, without_axes(operand, axes, all, attributes.keep_axes));
}

Result<void> check_dot(const Checked& checked) {
  const Attributes& attributes = checked.attributes();
  const TensorType& a = checked.operands[0];
  const TensorType& b = checked.operands[1];
  GPU_TRY(check_axes(checked, "contract_left", attributes.contract_left, a));
  GPU_TRY(check_axes(checked, "batch_left", attributes.batch_left, a));
  GPU_TRY(check_axes(checked, "contract_right", attributes.contract_right, b));
  GPU_TRY(check_axes(checked, "batch_right", attributes.batch_right, b));
  GPU_TRY(check_distinct(checked, "left", attributes.contract_left, attributes.batch_left));
  GPU_TRY(check_distinct(checked, "right", attributes.contract_right, attributes.batch_right));
  GPU_TRY(check_pairs(checked, "contracting", attributes.contract_left, attributes.contract_right));
  GPU_TRY(check_pairs(checked, "batch", attributes.batch_left, attributes.batch_right));
  const auto is_free = [](const Dims& contract, const Dims& batch, int axis) {
    return !contains(contract, axis) && !contains(batch, axis);
  };
  const int rank = a.shape.size() + b.shape.size() - attributes.contract_left.size() -
                   attributes.contract_right.size() - attributes.batch_right.size();
  if (rank > kMaxRank)
    return invalid(checked, "the result of " + text(a) + " and " + text(b) + " would have " + std::to_string(rank) +
                                " dimensions; the limit is " + std::to_string(kMaxRank));
  Shape shape;
  for (int64_t axis : attributes.batch_left) shape.push_back(a.shape[static_cast<int>(axis)]);
  for (int i = 0; i < a.shape.size(); ++i)
    if (is_free(attributes.contract_left, attributes.batch_left, i)) shape.push_back(a.shape[i]);
  for (int i = 0; i < b.shape.size(); ++i)
    if (is_free(attributes.contract_right, attributes.batch_right, i)) shape.push_back(b.shape[i]);
  return check_result_shape(checked, shape);
}

}  // namespace gpu_node::ir
