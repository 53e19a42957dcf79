// Plans sum, product, reduce_max, reduce_min, all and any.
//
// Floats are summed with compensation, integers modulo the result's width; maxima and minima of anything with a NaN are
// NaN; NaN is true. Each result is rounded to its type once.
#include <optional>
#include <string>

#include "kernels/families.h"
#include "kernels/reduce/reduction.h"

namespace gpu_node::kernels {
namespace {

std::optional<Accumulator> accumulator_of(ir::Code code) {
  switch (code) {
    case ir::Code::kSum:
      return Accumulator::kSum;
    case ir::Code::kProduct:
      return Accumulator::kProduct;
    case ir::Code::kReduceMax:
      return Accumulator::kMax;
    case ir::Code::kReduceMin:
      return Accumulator::kMin;
    case ir::Code::kAll:
      return Accumulator::kAll;
    case ir::Code::kAny:
      return Accumulator::kAny;
    default:
      return std::nullopt;
  }
}

}  // namespace

Result<void> plan_reduce(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan) {
  const std::optional<Accumulator> accumulator = accumulator_of(instruction.op->code);
  if (!accumulator) return Error{ErrorCode::kInternal, "no reduction is called " + std::string(instruction.op->name)};
  const bool truth = *accumulator == Accumulator::kAll || *accumulator == Accumulator::kAny;
  const Place from = plan.placed(source_of(operands[0], 0));
  const Dims over = axes_or_all(instruction.attributes.as<ir::ReduceAttributes>().axes, from.map.shape);
  return append_reduction(reduction_of(*accumulator, truth ? Dtype::u32 : plan.result().dtype, from, over),
                          plan.result(), plan);
}

}  // namespace gpu_node::kernels
