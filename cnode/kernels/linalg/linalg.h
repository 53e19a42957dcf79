// The decompositions that planners compose.
#pragma once

#include "kernels/linalg/reflect.h"

namespace gpu_node::kernels {

Result<void> plan_triangular_solve(const ir::Instruction& instruction, std::span<const Arg> operands,
                                   PlanBuilder& plan);
Result<void> plan_cholesky(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan);
Result<void> plan_lu(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan);
Result<void> plan_qr(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan);
Result<void> plan_eigh(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan);
Result<void> plan_svd(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan);

// Divides each matrix of |a| by a power of two near its largest element; the result has these.
Result<Place> append_scale(const Place& a, PlanBuilder& plan);

// Makes |a| what reflections leave of it (shaders/linalg/qr.glsl).
Result<Reflectors> append_reflections(const Place& a, PlanBuilder& plan);
// |q|, of as many rows as |reflected|, becomes the first columns of the product of these reflections.
Result<void> append_q(const Place& reflected, const Reflectors& reflectors, const Place& q, PlanBuilder& plan);

// Values, ascending, and vectors as columns.
struct Eigen {
  Place values, vectors;
};
// Of Hermitian matrices, the lower triangles of |from|, scaled, of more than kSmallMatrix rows. One whose element of
// |sizes| is NaN counts as 0.
Result<Eigen> append_hermitian(const Place& from, const Place& sizes, PlanBuilder& plan);

// Real ones of the diagonals |diagonal| {batch, n} and what stands beside them, |sides|, at least 0; divided by |sizes|
// they have no value above 2.
struct Tridiagonal {
  Place diagonal, sides, sizes;
};
// What it finds is divided by |sizes|, and filled up behind to more rows and columns.
Result<Eigen> append_divided(const Tridiagonal& of, PlanBuilder& plan);

// What Jacobi's method makes of a batch: square or tall matrices of |side| columns.
struct Turned {
  Place a;  // Hermitian: diagonal; else columns orthogonal to each other
  Place v;  // what turned it: unitary
  uint32_t side = 1;
};
// Of |from|, of no more than kSmallMatrix rows.
Result<Turned> append_hermitian_turns(const Place& from, PlanBuilder& plan);
// Of |from|, scaled by |sizes|, of no more columns than rows; or of its conjugate.
Result<Turned> append_column_turns(const Place& from, const Place& sizes, bool conjugated, PlanBuilder& plan);

}  // namespace gpu_node::kernels
