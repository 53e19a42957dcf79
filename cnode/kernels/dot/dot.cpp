// Plans dot.
#include "kernels/dot/product.h"
#include "kernels/families.h"

namespace gpu_node::kernels {

ProductAxes product_axes(const ir::DotAttributes& dot) {
  return {dims_of(dot.contract_left), dims_of(dot.batch_left), dims_of(dot.contract_right), dims_of(dot.batch_right)};
}

Result<void> plan_dot(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan) {
  const auto& attributes = instruction.attributes.as<ir::DotAttributes>();
  const Place left = plan.placed(source_of(operands[0], 0)), right = plan.placed(source_of(operands[1], 1));
  return append_product(left, right, product_axes(attributes), plan.result(), plan);
}

}  // namespace gpu_node::kernels
