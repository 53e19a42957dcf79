// One planner per op family; plan() in plan.h chooses. Each has a folder of its own. REQUIRES of all: the instruction
// is validated, every type passed check_types, and every result has at least one element; |plan| has the results.
#pragma once

#include "kernels/epilogue.h"
#include "kernels/plan_builder.h"

namespace gpu_node::kernels {

// Unary, binary, ternary and cast ops.
Result<void> plan_elementwise(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan);
// Ops that is_view() accepts, as copies (the executor takes views instead where it can), and slice.
Result<void> plan_view(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan);
// iota, eye, constant.
Result<void> plan_create(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan);
// sum, product, reduce_max, reduce_min, all, any. An operand without elements is given as its view of no storage; the
// result is then the op's neutral value. Operands may be literals.
Result<void> plan_reduce(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan);
// cumulative_sum, cumulative_product, cumulative_max, cumulative_min.
Result<void> plan_cumulative(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan);
// argmax, argmin.
Result<void> plan_arg_reduce(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan);
// reduce.
Result<void> plan_fold(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan);
// window_reduce.
Result<void> plan_window_fold(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan);
// dot.
Result<void> plan_dot(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan);

// concatenate, stack.
Result<void> plan_concatenate(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan);
// pad, put_slice, gather, take, take_along_axis, indexed_put.
Result<void> plan_move(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan);
// indexed_add.
Result<void> plan_indexed_add(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan);
// slice whose starts are operands.
Result<void> plan_slice(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan);
// window_sum, window_product, window_max, window_min.
Result<void> plan_window(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan);
// window_scatter_max, window_scatter_min.
Result<void> plan_window_scatter(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan);
// conv.
Result<void> plan_conv(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan);
// dot and conv whose elements |epilogue| takes, beside the result's shape, in the place of the plan's results.
Result<void> plan_finished_dot(const ir::Instruction& instruction, std::span<const Arg> operands,
                               const Epilogue& epilogue, PlanBuilder& plan);
Result<void> plan_finished_conv(const ir::Instruction& instruction, std::span<const Arg> operands,
                                const Epilogue& epilogue, PlanBuilder& plan);
// fft, ifft, rfft, irfft, fft2, ifft2.
Result<void> plan_fourier(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan);
// triangular_solve, cholesky, lu, qr, eigh, svd.
Result<void> plan_linalg(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan);
// top_k, sort, argsort.
Result<void> plan_order(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan);

}  // namespace gpu_node::kernels
