// Plans cumulative_sum, cumulative_product, cumulative_max and cumulative_min: scans of what the reductions accumulate,
// each result rounded to its type once.
#include "kernels/families.h"
#include "kernels/reduce/scan.h"

namespace gpu_node::kernels {
namespace {

Accumulator scanned_by(ir::Code code) {
  switch (code) {
    case ir::Code::kCumulativeSum:
      return Accumulator::kSum;
    case ir::Code::kCumulativeProduct:
      return Accumulator::kProduct;
    case ir::Code::kCumulativeMax:
      return Accumulator::kMax;
    default:
      return Accumulator::kMin;
  }
}

}  // namespace

Result<void> plan_cumulative(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan) {
  const auto& [axis, reverse] = instruction.attributes.as<ir::CumulativeAttributes>();
  const Place from = plan.placed(source_of(operands[0], 0));
  return append_scan(scanned_by(instruction.op->code), from, plan.result(), static_cast<int>(axis), reverse, plan);
}

}  // namespace gpu_node::kernels
