// The parts of infer(): private to this folder. An error's message begins with the op's name.
#pragma once

#include <span>
#include <string>

#include "base/concat.h"
#include "ir/infer.h"

namespace gpu_node::ir {

// An instruction whose arity and attributes were checked, and its operands' types.
struct Inference {
  const Instruction& instruction;
  std::span<const OperandType> operands;

  const Op& op() const { return *instruction.op; }
  const Shape& shape(size_t operand) const { return *operands[operand].shape; }
  Dtype dtype(size_t operand) const { return operands[operand].dtype; }
  const TensorType& declared(size_t result) const { return instruction.results[result].type; }
  std::string operand_text(size_t operand) const { return type_text(dtype(operand), shape(operand)); }
};

// kInvalidArgument: "add: <what>".
template <typename... Parts>
Error invalid(const Inference& inference, const Parts&... what) {
  return {ErrorCode::kInvalidArgument, concat(inference.op().name, ": ", what...)};
}

// Result |result|'s element type by the op's TypeRule (infer_types.cpp). Where a rule leaves a choice, the declared
// type.
Result<Dtype> infer_type(const Inference& inference, size_t result);

// Its shape by the op's ShapeRule (infer_shapes.cpp).
Result<Shape> infer_shape(const Inference& inference, size_t result);

// The shapes of views and of what is made from nothing (infer_views.cpp).
Result<Shape> infer_created(const Inference& inference, const Shape& declared);
Result<Shape> infer_reshape(const Inference& inference, const Shape& declared);
Result<Shape> infer_squeeze(const Inference& inference);
Result<Shape> infer_transpose(const Inference& inference);
Result<Shape> infer_broadcast(const Inference& inference, const Shape& declared);
Result<Shape> infer_reverse(const Inference& inference);
Result<Shape> infer_slice(const Inference& inference);
// Of what moves elements (infer_moves.cpp).
Result<Shape> infer_concatenate(const Inference& inference);
Result<Shape> infer_stack(const Inference& inference);
Result<Shape> infer_put_slice(const Inference& inference);
Result<Shape> infer_pad(const Inference& inference);
Result<Shape> infer_gather(const Inference& inference);
Result<Shape> infer_take(const Inference& inference);
Result<Shape> infer_take_along_axis(const Inference& inference);
Result<Shape> infer_indexed(const Inference& inference);
// Of what goes by windows (infer_windows.cpp).
Result<Shape> infer_window(const Inference& inference);
Result<Shape> infer_window_fold(const Inference& inference);
Result<Shape> infer_window_scatter(const Inference& inference);
Result<Shape> infer_conv(const Inference& inference);
// Of Fourier transforms (infer_fourier.cpp).
Result<Shape> infer_fourier(const Inference& inference);
Result<Shape> infer_fourier_2(const Inference& inference);

// Of matrices (infer_linalg.cpp).
Result<Shape> infer_triangular_solve(const Inference& inference);
Result<Shape> infer_square(const Inference& inference);
Result<Shape> infer_qr(const Inference& inference, size_t result);
Result<Shape> infer_eigh(const Inference& inference, size_t result);
Result<Shape> infer_svd(const Inference& inference, size_t result);

// |starts| must be one for each axis of operand 0, and have an operand of one integer for each that is none itself,
// from operand |first| on.
Result<void> check_starts(const Inference& inference, const Starts& starts, size_t first);

// Operand |operand| must have no axes.
inline Result<void> check_scalar(const Inference& inference, size_t operand) {
  if (inference.shape(operand).empty()) return {};
  return invalid(inference, inference.op().operand_names[operand], " must be a scalar, not ",
                 inference.operand_text(operand));
}

// |axes| must be axes of |shape|, each once; |name| is what the message calls them.
Result<void> check_axes(const Inference& inference, std::string_view name, const Axes& axes, Dtype dtype,
                        const Shape& shape);

inline bool contains(const Axes& axes, int64_t axis) {
  return std::find(axes.begin(), axes.end(), static_cast<uint8_t>(axis)) != axes.end();
}

}  // namespace gpu_node::ir
