// Plans sum, product, reduce_max, reduce_min, all and any.
//
// Floats are summed with compensation, integers modulo the result's width; maxima and minima of anything with a NaN are
// NaN; NaN is true. Each result is rounded to its type once.
#include <array>
#include <optional>
#include <string>

#include "kernels/families.h"
#include "kernels/reduce/reduce_plan.h"

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

const IndexMap& view_of(const Arg& arg) {
  static const IndexMap scalar = IndexMap::row_major({});
  const auto* tensor = std::get_if<TensorArg>(&arg);
  return tensor ? tensor->map : scalar;
}

}  // namespace

Result<Plan> plan_reduce(const ir::Instruction& instruction, std::span<const Arg> operands,
                         const vulkan::DeviceInfo& device) {
  const std::optional<Accumulator> accumulator = accumulator_of(instruction.op->code);
  if (!accumulator) return Error{ErrorCode::kInternal, "no reduction is called " + std::string(instruction.op->name)};
  const IndexMap& view = view_of(operands[0]);
  const std::optional<ir::Axes>& axes = instruction.attributes.as<ir::ReduceAttributes>().axes;

  Reduction reduction;
  reduction.op = instruction.op->name;
  reduction.accumulator = *accumulator;
  reduction.result = instruction.results[0].type.dtype;
  reduction.element =
      *accumulator == Accumulator::kAll || *accumulator == Accumulator::kAny ? Dtype::u32 : reduction.result;
  std::array<bool, kMaxRank> reduces;
  reduces.fill(!axes);
  if (axes)
    for (const int axis : *axes) reduces[static_cast<size_t>(axis)] = true;
  bool empty = false;
  for (int d = 0; d < view.shape.size(); ++d) {
    (reduces[static_cast<size_t>(d)] ? reduction.reduced : reduction.kept)
        .push_back({view.shape[d], {view.strides[d], 0}});
    empty = empty || view.shape[d] == 0;
  }

  Plan plan;
  if (!empty) {
    GPU_ASSIGN(ReduceSource source, bind_source(reduction.op, 0, operands[0], device, plan));
    reduction.sources.push_back(source);
  }
  GPU_TRY(append_reduction(std::move(reduction), device, plan));
  return plan;
}

}  // namespace gpu_node::kernels
