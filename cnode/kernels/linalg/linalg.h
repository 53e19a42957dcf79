// The decompositions that planners compose.
#pragma once

#include "kernels/linalg/matrices.h"

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

// Makes |a| what reflections leave of it (shaders/linalg/qr.glsl); the result has their factors.
Result<Place> append_reflections(const Place& a, PlanBuilder& plan);
// |q|, of as many rows as |reflected|, becomes the first columns of the product of these reflections.
Result<void> append_q(const Place& reflected, const Place& factors, const Place& q, PlanBuilder& plan);

// What Jacobi's method makes of a batch: square or tall matrices of |side| columns, n of which are no filling up.
struct Turned {
  Place a;  // Hermitian: diagonal; else columns orthogonal to each other
  Place v;  // what turned it: unitary
  uint32_t side = 1;
};
// Of |from|, scaled, of no more columns than rows; or of its conjugate.
Result<Turned> append_hermitian_turns(const Place& from, PlanBuilder& plan);
Result<Turned> append_column_turns(const Place& from, bool conjugated, PlanBuilder& plan);

}  // namespace gpu_node::kernels
