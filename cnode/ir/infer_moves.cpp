// Shapes of what moves elements: concatenate, stack, pad, put_slice, gather and its kin.
#include <limits>

#include "ir/inference.h"

namespace gpu_node::ir {
namespace {

bool same_but(const Shape& left, const Shape& right, int64_t axis) {
  bool same = left.size() == right.size();
  for (int d = 0; same && d < left.size(); ++d) same = d == axis || left[d] == right[d];
  return same;
}

Result<void> check_indices(const Inference& inference, size_t operand) {
  if (is_integer(inference.dtype(operand))) return {};
  return invalid(inference, inference.op().operand_names[operand], " are integers, not ",
                 inference.operand_text(operand));
}

// Indices into an axis of no element would be nowhere.
Result<void> check_chosen(const Inference& inference, int64_t axis, const Shape& indices) {
  if (inference.shape(0)[static_cast<int>(axis)] > 0 || element_count(indices) == 0) return {};
  return invalid(inference, "axis ", axis, " of ", inference.operand_text(0), " has no element to choose");
}

Result<Shape> of_rank(const Inference& inference, Shape shape) {
  if (shape.size() <= kMaxRank) return shape;
  return invalid(inference, "the result would have ", shape.size(), " dimensions; the limit is ", kMaxRank);
}

// The axis of operand 0 that the attribute axis names.
Result<int64_t> named_axis(const Inference& inference) {
  const int64_t axis = inference.instruction.attributes.as<AxisAttributes>().axis;
  if (axis >= 0 && axis < inference.shape(0).size()) return axis;
  return invalid(inference, "axis ", axis, " is not an axis of ", inference.operand_text(0));
}

// The axes that the last axis of the indices goes over: those given, or the leading ones.
Result<Axes> indexed_axes(const Inference& inference) {
  GPU_TRY(check_indices(inference, 1));
  const Shape& indices = inference.shape(1);
  if (indices.empty()) return invalid(inference, "indices need at least 1 dimension, not ", inference.operand_text(1));
  const int64_t count = indices[indices.size() - 1];
  if (count > inference.shape(0).size())
    return invalid(inference, "the last axis of indices ", inference.operand_text(1), " is ", count, ", but ",
                   inference.operand_text(0), " has ", counted(inference.shape(0).size(), "dimension"));
  Axes axes;
  if (const auto& given = inference.instruction.attributes.as<AxesAttributes>().axes) {
    GPU_TRY(check_axes(inference, "axes", *given, inference.dtype(0), inference.shape(0)));
    if (static_cast<int64_t>(given->size()) != count)
      return invalid(inference, "axes ", axes_text(*given), " are ", given->size(), ", but the last axis of indices ",
                     inference.operand_text(1), " is ", count);
    axes = *given;
  } else {
    for (int64_t axis = 0; axis < count; ++axis) axes.push_back(static_cast<uint8_t>(axis));
  }
  for (const int64_t axis : axes) GPU_TRY(check_chosen(inference, axis, indices));
  return axes;
}

}  // namespace

Result<Shape> infer_concatenate(const Inference& inference) {
  GPU_ASSIGN(const int64_t axis, named_axis(inference));
  Shape shape = inference.shape(0);
  int64_t& sum = shape[static_cast<int>(axis)];
  for (size_t i = 1; i < inference.operands.size(); ++i) {
    const Shape& own = inference.shape(i);
    if (!same_but(own, shape, axis))
      return invalid(inference, "operand ", i, ", ", inference.operand_text(i), ", must be as operand 0, ",
                     inference.operand_text(0), ", but for axis ", axis);
    const int64_t more = own[static_cast<int>(axis)];
    if (more > std::numeric_limits<int64_t>::max() - sum)
      return invalid(inference, "axis ", axis, " of the result would be above 2^63");
    sum += more;
  }
  return shape;
}

Result<Shape> infer_stack(const Inference& inference) {
  const int64_t axis = inference.instruction.attributes.as<AxisAttributes>().axis;
  const Shape& own = inference.shape(0);
  if (axis < 0 || axis > own.size())
    return invalid(inference, "axis ", axis, " is not an axis of the result, which has ",
                   counted(own.size() + 1, "dimension"));
  for (size_t i = 1; i < inference.operands.size(); ++i)
    if (inference.shape(i) != own)
      return invalid(inference, "operand ", i, ", ", inference.operand_text(i), ", must be as operand 0, ",
                     inference.operand_text(0));
  Shape shape;
  for (int d = 0; d <= own.size(); ++d) {
    if (d == axis) shape.push_back(static_cast<int64_t>(inference.operands.size()));
    if (d < own.size()) shape.push_back(own[d]);
  }
  return of_rank(inference, shape);
}

Result<Shape> infer_put_slice(const Inference& inference) {
  const Shape& whole = inference.shape(0);
  const Shape& part = inference.shape(1);
  GPU_TRY(check_starts(inference, inference.instruction.attributes.as<PutSliceAttributes>().starts, 2));
  bool fits = part.size() == whole.size();
  for (int d = 0; fits && d < whole.size(); ++d) fits = part[d] <= whole[d];
  if (!fits) return invalid(inference, inference.operand_text(1), " does not fit into ", inference.operand_text(0));
  return whole;
}

Result<Shape> infer_pad(const Inference& inference) {
  const Padding& padding = inference.instruction.attributes.as<PadAttributes>().padding;
  const Shape& from = inference.shape(0);
  GPU_TRY(check_scalar(inference, 1));
  if (static_cast<int>(padding.size()) != from.size())
    return invalid(inference, "padding ", padding_text(padding), " must be one for each of the ",
                   counted(from.size(), "dimension"), " of ", inference.operand_text(0));
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  Shape shape;
  for (int d = 0; d < from.size(); ++d) {
    const auto& [low, high, interior] = padding[static_cast<size_t>(d)];
    if (interior < 0) return invalid(inference, "axis ", d, ": interior padding is at least 0, not ", interior);
    const __int128 inner = static_cast<__int128>(interior) * std::max<int64_t>(0, from[d] - 1);
    const __int128 size = inner + from[d] + low + high;
    if (size < 0 || size > kMost || inner > kMost)
      return invalid(inference, "axis ", d, " of ", inference.operand_text(0), " with padding ", padding_text(padding),
                     " would be ", size < 0 ? "below 0" : "above 2^63");
    shape.push_back(static_cast<int64_t>(size));
  }
  return shape;
}

Result<Shape> infer_gather(const Inference& inference) {
  GPU_ASSIGN(const Axes axes, indexed_axes(inference));
  const Shape& indices = inference.shape(1);
  const Shape& from = inference.shape(0);
  Shape shape;
  for (int d = 0; d + 1 < indices.size(); ++d) shape.push_back(indices[d]);
  for (int d = 0; d < from.size(); ++d)
    if (!contains(axes, d)) shape.push_back(from[d]);
  return of_rank(inference, shape);
}

Result<Shape> infer_take(const Inference& inference) {
  GPU_ASSIGN(const int64_t axis, named_axis(inference));
  GPU_TRY(check_indices(inference, 1));
  GPU_TRY(check_chosen(inference, axis, inference.shape(1)));
  const Shape& from = inference.shape(0);
  Shape shape;
  for (int d = 0; d < from.size(); ++d) {
    if (d != axis)
      shape.push_back(from[d]);
    else
      for (const int64_t size : inference.shape(1)) shape.push_back(size);
  }
  return of_rank(inference, shape);
}

Result<Shape> infer_take_along_axis(const Inference& inference) {
  GPU_ASSIGN(const int64_t axis, named_axis(inference));
  GPU_TRY(check_indices(inference, 1));
  GPU_TRY(check_chosen(inference, axis, inference.shape(1)));
  if (!same_but(inference.shape(1), inference.shape(0), axis))
    return invalid(inference, "indices ", inference.operand_text(1), " must be as ", inference.operand_text(0),
                   ", but for axis ", axis);
  return inference.shape(1);
}

Result<Shape> infer_indexed(const Inference& inference) {
  GPU_ASSIGN(const Axes axes, indexed_axes(inference));
  const Shape& indices = inference.shape(1);
  const Shape& whole = inference.shape(0);
  const Shape& updates = inference.shape(2);
  const int outer = indices.size() - 1;
  bool fits = updates.size() == outer + whole.size() - static_cast<int>(axes.size());
  for (int d = 0; fits && d < outer; ++d) fits = updates[d] == indices[d];
  for (int d = 0, at = outer; fits && d < whole.size(); ++d)
    if (!contains(axes, d)) fits = updates[at++] <= whole[d];
  if (!fits)
    return invalid(inference, "updates ", inference.operand_text(2), " must have the outer axes of indices ",
                   inference.operand_text(1), ", then at most what ", inference.operand_text(0), " has beside axes ",
                   axes_text(axes));
  return whole;
}

}  // namespace gpu_node::ir
