// Plans dot.
#include "kernels/dot/product.h"
#include "kernels/families.h"

namespace gpu_node::kernels {

Result<void> plan_dot(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan) {
  const auto& attributes = instruction.attributes.as<ir::DotAttributes>();
  const Place left = plan.placed(source_of(operands[0], 0)), right = plan.placed(source_of(operands[1], 1));
  return append_product(left, right,
                        {dims_of(attributes.contract_left), dims_of(attributes.batch_left),
                         dims_of(attributes.contract_right), dims_of(attributes.batch_right)},
                        plan.result(), plan);
}

}  // namespace gpu_node::kernels
