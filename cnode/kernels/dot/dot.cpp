// Plans dot.
#include "kernels/dot/product.h"
#include "kernels/families.h"

namespace gpu_node::kernels {

ProductAxes product_axes(const ir::DotAttributes& dot) {
  return {dims_of(dot.contract_left), dims_of(dot.batch_left), dims_of(dot.contract_right), dims_of(dot.batch_right)};
}

namespace {

Result<void> append_dot(const ir::Instruction& instruction, std::span<const Arg> operands, const Place& to,
                        PlanBuilder& plan, const Epilogue* epilogue = nullptr) {
  const auto& attributes = instruction.attributes.as<ir::DotAttributes>();
  const Place left = plan.placed(source_of(operands[0], 0)), right = plan.placed(source_of(operands[1], 1));
  return append_product(left, right, product_axes(attributes), to, plan, epilogue);
}

}  // namespace

Result<void> plan_dot(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan) {
  return append_dot(instruction, operands, plan.result(), plan);
}

Result<void> plan_finished_dot(const ir::Instruction& instruction, std::span<const Arg> operands,
                               const Epilogue& epilogue, PlanBuilder& plan) {
  const ir::TensorType& type = instruction.results[0].type;
  const Place whole{Binding::Kind::kScratch, 0, type.dtype, IndexMap::row_major(type.shape)};
  return append_dot(instruction, operands, whole, plan, &epilogue);
}

}  // namespace gpu_node::kernels
