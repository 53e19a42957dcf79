// Shapes of Fourier transforms: an axis is cut or filled to a length.
#include "ir/inference.h"

namespace gpu_node::ir {
namespace {

constexpr int64_t kMost = int64_t{1} << 40;

Error too_long(const Inference& inference, int64_t axis, int64_t length) {
  return invalid(inference, "axis ", axis, ": a length of ", length, " is outside 1 to 2^40");
}

}  // namespace

Result<Shape> infer_fourier(const Inference& inference) {
  const auto& given = inference.instruction.attributes.as<FourierAttributes>();
  Shape shape = inference.shape(0);
  if (shape.empty()) return invalid(inference, "needs at least 1 dimension, not ", inference.operand_text(0));
  Axes axes;
  axes.push_back(static_cast<uint8_t>(given.axis.value_or(shape.size() - 1)));
  GPU_TRY(check_axes(inference, "axis", axes, inference.dtype(0), shape));
  const int axis = axes[0];
  const ShapeRule rule = inference.op().shape_rule;
  int64_t length = given.length ? given.length->value : shape[axis];
  if (!given.length && rule == ShapeRule::kFourierWhole) {
    if (length < 2)
      return invalid(inference, "needs a length, or at least 2 along axis ", axis, ", not ", inference.operand_text(0));
    length = 2 * (length - 1);
  }
  if (length > kMost) return too_long(inference, axis, length);
  shape[axis] = rule == ShapeRule::kFourierHalf && length > 0 ? length / 2 + 1 : length;
  return shape;
}

Result<Shape> infer_fourier_2(const Inference& inference) {
  const auto& given = inference.instruction.attributes.as<Fourier2Attributes>();
  Shape shape = inference.shape(0);
  const int rank = shape.size();
  if (rank < 2) return invalid(inference, "needs at least 2 dimensions, not ", inference.operand_text(0));
  const Axes axes = given.axes.value_or(Axes{static_cast<uint8_t>(rank - 2), static_cast<uint8_t>(rank - 1)});
  GPU_TRY(check_axes(inference, "axes", axes, inference.dtype(0), shape));
  if (axes.size() != 2) return invalid(inference, "axes ", axes_text(axes), " must be 2");
  if (!given.lengths) return shape;
  if (given.lengths->size() != 2)
    return invalid(inference, "lengths must be 2, one for each of axes, not ", given.lengths->size());
  for (int i = 0; i < 2; ++i) {
    const int axis = axes[static_cast<size_t>(i)];
    const int64_t length = (*given.lengths)[i];
    if (length < 1 || length > kMost) return too_long(inference, axis, length);
    shape[axis] = length;
  }
  return shape;
}

}  // namespace gpu_node::ir
