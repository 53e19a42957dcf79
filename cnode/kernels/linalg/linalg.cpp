// Chooses the planner of an op of matrices.
#include "kernels/linalg/linalg.h"

#include "kernels/families.h"

namespace gpu_node::kernels {

Result<void> plan_linalg(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan) {
  switch (instruction.op->code) {
    case ir::Code::kTriangularSolve:
      return plan_triangular_solve(instruction, operands, plan);
    case ir::Code::kCholesky:
      return plan_cholesky(instruction, operands, plan);
    case ir::Code::kLu:
      return plan_lu(instruction, operands, plan);
    case ir::Code::kQr:
      return plan_qr(instruction, operands, plan);
    case ir::Code::kEigh:
      return plan_eigh(instruction, operands, plan);
    case ir::Code::kSvd:
      return plan_svd(instruction, operands, plan);
    default:
      return Error{ErrorCode::kInternal, concat("op ", instruction.op->name, " has no planner")};
  }
}

}  // namespace gpu_node::kernels
