// Plans argmax and argmin: the position of the best element along one axis, or in the flat tensor.
//
// A NaN is better than any number and the last NaN wins; among equal numbers tie_break decides.
#include "kernels/families.h"
#include "kernels/reduce/reduction.h"

namespace gpu_node::kernels {

Result<void> plan_arg_reduce(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan) {
  const auto& attributes = instruction.attributes.as<ir::ArgReduceAttributes>();
  const Accumulator accumulator = arg_accumulator(instruction.op->code, attributes.tie_break);
  const Place from = plan.placed(source_of(operands[0], 0));
  const Dims over = attributes.axis ? Dims{*attributes.axis} : axes_or_all({}, from.map.shape);
  Reduction reduction = reduction_of(accumulator, from.dtype, from, over);
  reduction.ordered = true;
  return append_reduction(std::move(reduction), plan.result(), plan);
}

}  // namespace gpu_node::kernels
