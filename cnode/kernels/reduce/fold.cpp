// Plans reduce: a dispatch goes over as many elements as an invocation's loops may on any driver, and leaves what came
// of them in the result, from where the next one goes on.
#include "kernels/reduce/fold.h"

#include <algorithm>

#include "kernels/check_block.h"
#include "kernels/elementwise/block.h"
#include "kernels/families.h"
#include "kernels/glsl/position_text.h"
#include "kernels/literal.h"
#include "kernels/reduce/fold_shader.h"
#include "kernels/reduce/reduce_variants.h"

namespace gpu_node::kernels {
namespace {

// |function| of numbers of |type|.
scalar::Block block_of(const ir::Function& function, Dtype type) {
  scalar::Block block;
  const scalar::ValueNumber inputs[] = {block.input(type), block.input(type)};
  SmallList<scalar::ValueNumber, 8> steps;
  const auto value_of = [&](int64_t name) { return name >= 0 ? inputs[name] : steps[static_cast<size_t>(-name - 1)]; };
  for (const ir::FunctionStep& step : function.steps) {
    SmallList<scalar::ValueNumber, 3> operands;
    for (size_t k = 0; k < step.operands.size(); ++k) {
      const auto* literal = std::get_if<Scalar>(&step.operands[k]);
      if (literal == nullptr) {
        operands.push_back(value_of(std::get<int64_t>(step.operands[k])));
        continue;
      }
      std::optional<Dtype> other;
      if (step.operands.size() == 2)
        if (const auto* name = std::get_if<int64_t>(&step.operands[1 - k])) other = block[value_of(*name)].type;
      operands.push_back(block.constant(literal_operand(*step.op, k, *literal, step.type, other)));
    }
    steps.push_back(block.step(*step.op, step.type, operands.span()));
  }
  block.result(steps.back());
  return block;
}

void add_axes(const Axes& axes, uint32_t rank, SmallList<uint32_t, 32>& words) {
  for (size_t a = axes.size(); a < rank; ++a)
    for (const uint32_t word : {1u, 0u}) words.push_back(word);
  for (const Axis& axis : axes)
    for (const int64_t word : {axis.size, axis.strides[0]}) words.push_back(static_cast<uint32_t>(word));
}

}  // namespace

Result<void> append_fold(const Fold& fold, const Place& to, PlanBuilder& plan) {
  FoldKernel kernel{block_of(fold.function, to.dtype), fold.from.dtype, to.dtype};
  GPU_TRY(check_block(kernel.function, plan));
  Source acc = fold.acc;
  if (auto* place = std::get_if<Place>(&acc)) place->map = broadcast_to(place->map, to.map.shape, {});
  GPU_TRY(append_conversion(acc, to, plan));
  Axes kept, walk;
  for (int d = 0; d < fold.from.map.shape.size(); ++d)
    (std::find(fold.over.begin(), fold.over.end(), d) != fold.over.end() ? walk : kept)
        .push_back({fold.from.map.shape[d], {fold.from.map.strides[d]}});
  const int64_t results = count_of(kept), count = count_of(walk);
  if (count == 0) return {};
  if (results >= int64_t{1} << 32 || count >= int64_t{1} << 31)
    return plan.unsupported(concat(results, " results of ", count,
                                   " elements; less than 2^32 results of less than 2^31 elements are supported"));
  merge_axes(kept);
  merge_axes(walk);
  kernel.kept_rank = kernel_rank(kept.size());
  kernel.walk_rank = walk.size() <= 1 ? 1 : kernel_rank(walk.size());
  GPU_ASSIGN(const Bound from, plan.bind(fold.from, false));
  GPU_ASSIGN(const Bound written, plan.bind(to, true));
  for (int64_t first = 0; first < count; first += kMaxSteps) {
    const int64_t end = std::min(first + kMaxSteps, count);
    SmallList<uint32_t, 32> words;
    for (const int64_t word : {results, first, end, from.offset, written.offset})
      words.push_back(static_cast<uint32_t>(word));
    add_axes(kept, kernel.kept_rank, words);
    add_axes(walk, kernel.walk_rank, words);
    Dispatch dispatch;
    dispatch.key = kernel.key();
    dispatch.emit = [kernel, &device = plan.device()] { return kernel.emit(device); };
    dispatch.bindings = {from.binding, written.binding};
    plan.set_parameters(words.span(), dispatch);
    plan.set_grid(static_cast<uint64_t>(results), element_local_size(plan.device()), dispatch);
    dispatch.grid.units = static_cast<double>(results) * static_cast<double>(end - first);
    GPU_TRY(plan.append(std::move(dispatch)));
  }
  return {};
}

Result<void> plan_fold(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan) {
  const auto& given = instruction.attributes.as<ir::FoldAttributes>();
  const Place from = plan.placed(source_of(operands[0], 0));
  return append_fold({given.function, from, axes_or_all(given.axes, from.map.shape), source_of(operands[1], 1)},
                     plan.result(), plan);
}

}  // namespace gpu_node::kernels
