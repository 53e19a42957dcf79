// Shapes of elementwise ops, reductions and dot, and the axes that they name.
#include "ir/inference.h"

namespace gpu_node::ir {
namespace {

Result<Shape> broadcast_shape(const Inference& inference) {
  const size_t count = inference.operands.size();
  bool same = true;
  for (size_t i = 1; i < count; ++i) same = same && inference.shape(i) == inference.shape(0);
  if (same) return inference.shape(0);
  int rank = 0;
  for (size_t i = 0; i < count; ++i) rank = std::max(rank, inference.shape(i).size());
  Shape shape;
  for (int i = 0; i < rank; ++i) shape.push_back(1);
  for (size_t operand = 0; operand < count; ++operand) {
    const Shape& own = inference.shape(operand);
    const int lead = rank - own.size();
    for (int i = 0; i < own.size(); ++i) {
      int64_t& dim = shape[lead + i];
      if (dim == 1) dim = own[i];
      if (own[i] == 1 || own[i] == dim) continue;
      std::string shapes;
      for (size_t k = 0; k < count; ++k)
        shapes += concat(k == 0 ? "" : k + 1 == count ? " and " : ", ", inference.operand_text(k));
      return invalid(inference, "shapes ", shapes, " do not broadcast: axis ", lead + i, " is ", dim, " and ", own[i]);
    }
  }
  return shape;
}

Result<Shape> clip_shape(const Inference& inference) {
  for (size_t i = 1; i < inference.operands.size(); ++i)
    if (!inference.shape(i).empty())
      return invalid(inference, inference.op().operand_names[i], " must be a scalar, not ", inference.operand_text(i));
  return inference.shape(0);
}

// |shape| without |axes| (nothing: without any), or with them as 1.
Shape without_axes(const Shape& shape, const Axes* axes, bool keep) {
  Shape kept;
  for (int i = 0; i < shape.size(); ++i) {
    if (axes != nullptr && !contains(*axes, i))
      kept.push_back(shape[i]);
    else if (keep)
      kept.push_back(1);
  }
  return kept;
}

Result<Shape> reduced_shape(const Inference& inference) {
  const auto& attributes = inference.instruction.attributes.as<ReduceAttributes>();
  if (attributes.axes) GPU_TRY(check_axes(inference, "axes", *attributes.axes, inference.dtype(0), inference.shape(0)));
  return without_axes(inference.shape(0), attributes.axes ? &*attributes.axes : nullptr, attributes.keep_axes);
}

Result<Shape> fold_shape(const Inference& inference) {
  GPU_TRY(check_scalar(inference, 1));
  const auto& attributes = inference.instruction.attributes.as<FoldAttributes>();
  if (attributes.axes) GPU_TRY(check_axes(inference, "axes", *attributes.axes, inference.dtype(0), inference.shape(0)));
  return without_axes(inference.shape(0), attributes.axes ? &*attributes.axes : nullptr, attributes.keep_axes);
}

Result<Shape> arg_reduced_shape(const Inference& inference) {
  const auto& attributes = inference.instruction.attributes.as<ArgReduceAttributes>();
  const Shape& shape = inference.shape(0);
  Axes axes;
  if (attributes.axis) {
    axes.push_back(static_cast<uint8_t>(*attributes.axis));
    GPU_TRY(check_axes(inference, "axis", axes, inference.dtype(0), shape));
  }
  const int64_t extent = attributes.axis ? shape[static_cast<int>(*attributes.axis)] : element_count(shape);
  if (extent == 0) return invalid(inference, "no elements to choose from in ", inference.operand_text(0));
  return without_axes(shape, attributes.axis ? &axes : nullptr, attributes.keep_axis);
}

// Contracting or batch axes of both sides: as many, of equal dimensions.
Result<void> check_pairs(const Inference& inference, std::string_view what, const Axes& left, const Axes& right) {
  if (left.size() != right.size())
    return invalid(inference, what, " axes must be as many on both sides, not ", axes_text(left, "{}"), " and ",
                   axes_text(right, "{}"));
  for (size_t i = 0; i < left.size(); ++i) {
    const int64_t m = inference.shape(0)[left[i]];
    const int64_t n = inference.shape(1)[right[i]];
    if (m == n) continue;
    return invalid(inference, what, " axis ", int{left[i]}, " of ", inference.operand_text(0), " is ", m, ", but axis ",
                   int{right[i]}, " of ", inference.operand_text(1), " is ", n);
  }
  return {};
}

Result<void> check_side(const Inference& inference, size_t side, const Axes& contract, const Axes& batch) {
  const std::string_view name = inference.op().operand_names[side];
  const auto check = [&](std::string_view kind, const Axes& axes) {
    return check_axes(inference, concat(kind, name), axes, inference.dtype(side), inference.shape(side));
  };
  GPU_TRY(check("contract_", contract));
  GPU_TRY(check("batch_", batch));
  for (const int axis : batch)
    if (contains(contract, axis)) return invalid(inference, name, " axis ", axis, " is both contracted and a batch");
  return {};
}

Result<Shape> dot_shape(const Inference& inference) {
  const auto& attributes = inference.instruction.attributes.as<DotAttributes>();
  const Shape& left = inference.shape(0);
  const Shape& right = inference.shape(1);
  GPU_TRY(check_side(inference, 0, attributes.contract_left, attributes.batch_left));
  GPU_TRY(check_side(inference, 1, attributes.contract_right, attributes.batch_right));
  GPU_TRY(check_pairs(inference, "contracting", attributes.contract_left, attributes.contract_right));
  GPU_TRY(check_pairs(inference, "batch", attributes.batch_left, attributes.batch_right));
  Shape shape;
  for (const int axis : attributes.batch_left) shape.push_back(left[axis]);
  for (int i = 0; i < left.size(); ++i)
    if (!contains(attributes.contract_left, i) && !contains(attributes.batch_left, i)) shape.push_back(left[i]);
  for (int i = 0; i < right.size(); ++i)
    if (!contains(attributes.contract_right, i) && !contains(attributes.batch_right, i)) shape.push_back(right[i]);
  if (shape.size() > kMaxRank)
    return invalid(inference, "the result of ", inference.operand_text(0), " and ", inference.operand_text(1),
                   " would have ", shape.size(), " dimensions; the limit is ", kMaxRank);
  return shape;
}

Result<Shape> top_k_shape(const Inference& inference) {
  const int64_t k = inference.instruction.attributes.as<TopKAttributes>().k.value;
  Shape shape = inference.shape(0);
  if (shape.empty()) return invalid(inference, "needs at least 1 dimension, not ", inference.operand_text(0));
  int64_t& last = shape[shape.size() - 1];
  if (k < 1 || k > last)
    return invalid(inference, "k ", k, " is outside 1 to ", last, ", the last axis of ", inference.operand_text(0));
  last = k;
  return shape;
}

// The operand's shape, of an op that goes along the axis that its attribute |axis| names.
Result<Shape> along_axis_shape(const Inference& inference) {
  int64_t along = 0;
  inference.instruction.attributes.visit([&](std::string_view name, const auto& field) {
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(field)>, int64_t>)
      if (name == "axis") along = field;
  });
  Axes axes;
  axes.push_back(static_cast<uint8_t>(along));
  GPU_TRY(check_axes(inference, "axis", axes, inference.dtype(0), inference.shape(0)));
  return inference.shape(0);
}

}  // namespace

Result<void> check_axes(const Inference& inference, std::string_view name, const Axes& axes, Dtype dtype,
                        const Shape& shape) {
  uint32_t seen = 0;
  for (const int axis : axes) {
    if (axis < 0 || axis >= shape.size())
      return invalid(inference, name, ": ", axis, " is not an axis of ", type_text(dtype, shape));
    const uint32_t bit = uint32_t{1} << axis;
    if ((seen & bit) != 0) return invalid(inference, name, ": axis ", axis, " stands twice");
    seen |= bit;
  }
  return {};
}

Result<Shape> infer_shape(const Inference& inference, size_t result) {
  const Shape& declared = inference.declared(result).shape;
  switch (inference.op().shape_rule) {
    case ShapeRule::kElementwise:
      return broadcast_shape(inference);
    case ShapeRule::kClip:
      return clip_shape(inference);
    case ShapeRule::kDeclared:
    case ShapeRule::kMatrix:
      return infer_created(inference, declared);
    case ShapeRule::kReshape:
      return infer_reshape(inference, declared);
    case ShapeRule::kSqueeze:
      return infer_squeeze(inference);
    case ShapeRule::kTranspose:
      return infer_transpose(inference);
    case ShapeRule::kBroadcast:
      return infer_broadcast(inference, declared);
    case ShapeRule::kReduce:
      return reduced_shape(inference);
    case ShapeRule::kState:
      return inference.shape(result);
    case ShapeRule::kFold:
      return fold_shape(inference);
    case ShapeRule::kArgReduce:
      return arg_reduced_shape(inference);
    case ShapeRule::kDot:
      return dot_shape(inference);
    case ShapeRule::kConcatenate:
      return infer_concatenate(inference);
    case ShapeRule::kStack:
      return infer_stack(inference);
    case ShapeRule::kReverse:
      return infer_reverse(inference);
    case ShapeRule::kSlice:
      return infer_slice(inference);
    case ShapeRule::kPutSlice:
      return infer_put_slice(inference);
    case ShapeRule::kPad:
      return infer_pad(inference);
    case ShapeRule::kGather:
      return infer_gather(inference);
    case ShapeRule::kTake:
      return infer_take(inference);
    case ShapeRule::kTakeAlongAxis:
      return infer_take_along_axis(inference);
    case ShapeRule::kIndexed:
      return infer_indexed(inference);
    case ShapeRule::kWindow:
      return infer_window(inference);
    case ShapeRule::kWindowFold:
      return infer_window_fold(inference);
    case ShapeRule::kWindowScatter:
      return infer_window_scatter(inference);
    case ShapeRule::kConv:
      return infer_conv(inference);
    case ShapeRule::kFourier:
    case ShapeRule::kFourierHalf:
    case ShapeRule::kFourierWhole:
      return infer_fourier(inference);
    case ShapeRule::kFourier2:
      return infer_fourier_2(inference);
    case ShapeRule::kTopK:
      return top_k_shape(inference);
    case ShapeRule::kAlongAxis:
      return along_axis_shape(inference);
    case ShapeRule::kTriangularSolve:
      return infer_triangular_solve(inference);
    case ShapeRule::kSquare:
      return infer_square(inference);
    case ShapeRule::kQr:
      return infer_qr(inference, result);
    case ShapeRule::kEigh:
      return infer_eigh(inference, result);
    case ShapeRule::kSvd:
      return infer_svd(inference, result);
  }
  return Error{ErrorCode::kInternal, concat("op ", inference.op().name, " has no shape rule")};
}

}  // namespace gpu_node::ir
