// Shapes of decompositions: the last two axes are matrices, those before them a batch.
#include <algorithm>

#include "ir/inference.h"

namespace gpu_node::ir {
namespace {

struct Matrix {
  Shape batch;
  int64_t rows = 0, columns = 0;
};

Result<Matrix> matrix_of(const Inference& inference, size_t operand) {
  const Shape& shape = inference.shape(operand);
  const int rank = shape.size();
  if (rank < 2)
    return invalid(inference, "needs at least 2 dimensions, the last two of which are matrices, not ",
                   inference.operand_text(operand));
  Matrix matrix{shape, shape[rank - 2], shape[rank - 1]};
  matrix.batch.truncate(rank - 2);
  return matrix;
}

Result<Matrix> square_of(const Inference& inference) {
  GPU_ASSIGN(Matrix matrix, matrix_of(inference, 0));
  if (matrix.rows == matrix.columns) return matrix;
  return invalid(inference, "needs square matrices, not ", matrix.rows, " rows of ", matrix.columns, " in ",
                 inference.operand_text(0));
}

// Of what has an empty side nothing says what is orthogonal to it.
Result<Matrix> sides_of(const Inference& inference) {
  GPU_ASSIGN(Matrix matrix, matrix_of(inference, 0));
  if (matrix.rows > 0 && matrix.columns > 0) return matrix;
  return invalid(inference, "needs matrices of at least 1 row and 1 column, not ", inference.operand_text(0));
}

Shape with(const Shape& batch, std::initializer_list<int64_t> sides) {
  Shape shape = batch;
  for (const int64_t side : sides) shape.push_back(side);
  return shape;
}

}  // namespace

Result<Shape> infer_square(const Inference& inference) {
  GPU_TRY(square_of(inference));
  return inference.shape(0);
}

Result<Shape> infer_triangular_solve(const Inference& inference) {
  GPU_ASSIGN(const Matrix matrix, square_of(inference));
  const Shape& b = inference.shape(1);
  const int rank = matrix.batch.size();
  const bool left = inference.instruction.attributes.as<TriangularSolveAttributes>().left_side;
  bool fits = b.size() == rank + 1 || b.size() == rank + 2;
  for (int d = 0; fits && d < rank; ++d) fits = b[d] == matrix.batch[d];
  if (fits) fits = b[b.size() == rank + 1 || left ? rank : rank + 1] == matrix.rows;
  if (fits) return b;
  return invalid(inference, "b ", inference.operand_text(1), " must have the batch of a ", inference.operand_text(0),
                 ", then ", matrix.rows, " elements or matrices of ", matrix.rows, left ? " rows" : " columns");
}

Result<Shape> infer_qr(const Inference& inference, size_t result) {
  GPU_ASSIGN(const Matrix matrix, sides_of(inference));
  const bool complete = inference.instruction.attributes.as<QrAttributes>().mode == QrMode::kComplete;
  const int64_t k = complete ? matrix.rows : std::min(matrix.rows, matrix.columns);
  return result == 0 ? with(matrix.batch, {matrix.rows, k}) : with(matrix.batch, {k, matrix.columns});
}

Result<Shape> infer_eigh(const Inference& inference, size_t result) {
  GPU_ASSIGN(const Matrix matrix, square_of(inference));
  return result == 0 ? with(matrix.batch, {matrix.rows}) : inference.shape(0);
}

Result<Shape> infer_svd(const Inference& inference, size_t result) {
  GPU_ASSIGN(const Matrix matrix, sides_of(inference));
  const int64_t k = std::min(matrix.rows, matrix.columns);
  const bool full = inference.instruction.attributes.as<SvdAttributes>().full_matrices;
  if (result == 1) return with(matrix.batch, {k});
  if (result == 0) return with(matrix.batch, {matrix.rows, full ? matrix.rows : k});
  return with(matrix.batch, {full ? matrix.columns : k, matrix.columns});
}

}  // namespace gpu_node::ir
