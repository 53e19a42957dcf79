// Shapes of views (reshape, squeeze, transpose, broadcast, reverse, slice) and of what is made from nothing.
#include "ir/inference.h"

namespace gpu_node::ir {

Result<Shape> infer_created(const Inference& inference, const Shape& declared) {
  const Dtype dtype = inference.declared(0).dtype;
  if (inference.op().shape_rule == ShapeRule::kMatrix && declared.size() < 2)
    return invalid(inference, "needs at least 2 dimensions, not ", type_text(dtype, declared));
  const std::optional<int64_t>& axis = inference.instruction.attributes.as<IotaAttributes>().axis;
  if (axis && (*axis < 0 || *axis >= declared.size()))
    return invalid(inference, "axis ", *axis, " is not an axis of ", type_text(dtype, declared));
  if (is_complex(inference.instruction.attributes.as<ConstantAttributes>().value.dtype) && !is_complex(dtype))
    return invalid(inference, "a complex value for ", type_text(dtype, declared));
  return declared;
}

Result<Shape> infer_reshape(const Inference& inference, const Shape& declared) {
  const int64_t from = element_count(inference.shape(0));
  const int64_t to = element_count(declared);
  if (from == to) return declared;
  return invalid(inference, "from ", inference.operand_text(0), " (", counted(from, "element"), ") to ",
                 type_text(inference.declared(0).dtype, declared), " (", counted(to, "element"), ")");
}

Result<Shape> infer_squeeze(const Inference& inference) {
  const std::optional<Axes>& axes = inference.instruction.attributes.as<AxesAttributes>().axes;
  const Shape& from = inference.shape(0);
  if (axes) GPU_TRY(check_axes(inference, "axes", *axes, inference.dtype(0), from));
  Shape shape;
  for (int i = 0; i < from.size(); ++i) {
    const bool named = axes && contains(*axes, i);
    if (named && from[i] != 1)
      return invalid(inference, "axis ", i, " of ", inference.operand_text(0), " is ", from[i], ", not 1");
    if (!named && (axes || from[i] != 1)) shape.push_back(from[i]);
  }
  return shape;
}

Result<Shape> infer_transpose(const Inference& inference) {
  const std::optional<Axes>& axes = inference.instruction.attributes.as<AxesAttributes>().axes;
  const Shape& from = inference.shape(0);
  Shape shape;
  if (!axes) {
    for (int i = from.size() - 1; i >= 0; --i) shape.push_back(from[i]);
    return shape;
  }
  GPU_TRY(check_axes(inference, "axes", *axes, inference.dtype(0), from));
  if (static_cast<int>(axes->size()) != from.size())
    return invalid(inference, "axes ", axes_text(*axes, "{}"), " are not a permutation of the axes of ",
                   inference.operand_text(0));
  for (const int axis : *axes) shape.push_back(from[axis]);
  return shape;
}

Result<Shape> infer_broadcast(const Inference& inference, const Shape& declared) {
  const std::optional<Axes>& axes = inference.instruction.attributes.as<AxesAttributes>().axes;
  const Shape& from = inference.shape(0);
  const Dtype dtype = inference.declared(0).dtype;
  const int rank = from.size();
  if (!axes && rank > declared.size())
    return invalid(inference, inference.operand_text(0), " has more dimensions than ", type_text(dtype, declared));
  if (axes) {
    GPU_TRY(check_axes(inference, "axes", *axes, dtype, declared));
    if (static_cast<int>(axes->size()) != rank)
      return invalid(inference, rank, " axes are needed for ", inference.operand_text(0), ", not ", axes->size());
  }
  for (int i = 0; i < rank; ++i) {
    const auto at = static_cast<size_t>(i);
    const int axis = axes ? (*axes)[at] : declared.size() - rank + i;
    if (axes && i > 0 && axis <= (*axes)[at - 1])
      return invalid(inference, "axes ", axes_text(*axes, "{}"), " must ascend");
    const int64_t to = declared[axis];
    if (from[i] != 1 && from[i] != to)
      return invalid(inference, inference.operand_text(0), " does not broadcast to ", type_text(dtype, declared),
                     ": axis ", i, " is ", from[i], ", axis ", axis, " of the result is ", to);
  }
  return declared;
}

Result<Shape> infer_reverse(const Inference& inference) {
  const std::optional<Axes>& axes = inference.instruction.attributes.as<AxesAttributes>().axes;
  if (axes) GPU_TRY(check_axes(inference, "axes", *axes, inference.dtype(0), inference.shape(0)));
  return inference.shape(0);
}

Result<void> check_starts(const Inference& inference, const Starts& starts, size_t first) {
  if (starts.values.size() != inference.shape(0).size())
    return invalid(inference, "starts must be one for each of the ", counted(inference.shape(0).size(), "dimension"),
                   " of ", inference.operand_text(0), ", not ", starts.values.size());
  const size_t read = inference.operands.size() - first;
  if (static_cast<size_t>(starts.operands()) != read)
    return invalid(inference, counted(starts.operands(), "start"), " to be read from operands, but there are ", read);
  for (size_t i = first; i < inference.operands.size(); ++i)
    if (!inference.shape(i).empty() || !is_integer(inference.dtype(i)))
      return invalid(inference, "a start is one integer, but operand ", i, " is ", inference.operand_text(i));
  return {};
}

Result<Shape> infer_slice(const Inference& inference) {
  const auto& [starts, lengths, strides] = inference.instruction.attributes.as<SliceAttributes>();
  const Shape& from = inference.shape(0);
  GPU_TRY(check_starts(inference, starts, 1));
  if (lengths.size() != from.size() || (strides && strides->size() != from.size()))
    return invalid(inference, lengths.size() != from.size() ? "lengths" : "strides", " must be one for each of the ",
                   counted(from.size(), "dimension"), " of ", inference.operand_text(0));
  Shape shape;
  for (int d = 0; d < from.size(); ++d) {
    const int64_t stride = strides ? (*strides)[d] : 1;
    if (stride < 1) return invalid(inference, "axis ", d, ": a stride is at least 1, not ", stride);
    if (lengths[d] < 0 || lengths[d] > from[d])
      return invalid(inference, "axis ", d, ": length ", lengths[d], " is outside 0 to ", from[d], " of ",
                     inference.operand_text(0));
    shape.push_back(lengths[d] == 0 ? 0 : (lengths[d] - 1) / stride + 1);
  }
  return shape;
}

}  // namespace gpu_node::ir
