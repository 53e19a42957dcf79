// Plans argmax and argmin: the position of the best element along one axis, or in the flat tensor.
//
// A NaN is better than any number and the last NaN wins; among equal values tie_break decides.
#include <string>

#include "kernels/families.h"
#include "kernels/reduce/reduce_plan.h"

namespace gpu_node::kernels {

Result<Plan> plan_arg_reduce(const ir::Instruction& instruction, std::span<const Arg> operands,
                             const vulkan::DeviceInfo& device) {
  const auto& attributes = instruction.attributes.as<ir::ArgReduceAttributes>();
  const bool high = attributes.tie_break == ir::TieBreak::kHigh;
  Reduction reduction;
  reduction.op = instruction.op->name;
  if (instruction.op->code == ir::Code::kArgmax)
    reduction.accumulator = high ? Accumulator::kArgMaxHigh : Accumulator::kArgMax;
  else
    reduction.accumulator = high ? Accumulator::kArgMinHigh : Accumulator::kArgMin;
  reduction.result = instruction.results[0].type.dtype;
  reduction.ordered = true;

  Plan plan;
  GPU_ASSIGN(ReduceSource source, bind_source(reduction.op, 0, operands[0], device, plan));
  reduction.element = source.dtype;
  if (const auto* tensor = std::get_if<TensorArg>(&operands[0])) {
    for (int d = 0; d < tensor->map.shape.size(); ++d) {
      const ReduceAxis axis{tensor->map.shape[d], {tensor->map.strides[d], 0}};
      (!attributes.axis || *attributes.axis == d ? reduction.reduced : reduction.kept).push_back(axis);
    }
  }
  reduction.sources.push_back(source);
  GPU_TRY(append_reduction(std::move(reduction), device, plan));
  return plan;
}

}  // namespace gpu_node::kernels
