// Plans sum, product, reduce_max, reduce_min, all, any and logsumexp.
//
// Floats are summed with compensation, integers modulo the result's width; maxima and minima of anything with a NaN are
// NaN; NaN is true. Each result is rounded to its type once.
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "kernels/elementwise/block.h"
#include "kernels/families.h"
#include "kernels/reduce/accumulator_text.h"
#include "kernels/reduce/reduction.h"
#include "scalar/computing.h"

namespace gpu_node::kernels {
namespace {

// The number that is subtracted before anything is raised: the greatest, but for infinities, which would give NaN.
scalar::ValueNumber shift_of(scalar::Block& block, scalar::ValueNumber greatest, Dtype type) {
  const auto infinite = block.step(ir::op_called("is_infinity"), Dtype::u8, {greatest});
  const auto zero = block.constant({type, 0.0});
  return block.step(ir::op_called("select"), type, {infinite, zero, greatest});
}

// Two reductions and two blocks: m is the greatest, s the sum of e^(x - m), and the result log(s) + m.
Result<void> plan_logsumexp(const Place& from, const Dims& over, PlanBuilder& plan) {
  const Dtype own = computing_type(plan.result().dtype);
  const Dtype type = scalar::holds(own, from.dtype) ? own : Dtype::f64;
  if (element_count(from.map.shape) == 0)
    return append_fill({type, -std::numeric_limits<double>::infinity()}, plan.result(), plan);
  Shape kept = from.map.shape;
  for (const int64_t axis : over) kept[static_cast<int>(axis)] = 1;
  const Place greatest = plan.add_scratch(type, kept);
  GPU_TRY(append_reduction(reduction_of(Accumulator::kMax, type, from, over), greatest, plan));

  scalar::Block term;
  const auto x = term.input(from.dtype), m = term.input(type);
  const auto below = term.step(ir::op_called("subtract"), type, {x, shift_of(term, m, type)});
  term.result(term.step(ir::op_called("exp"), type, {below}));
  const Place terms = plan.add_scratch(type, from.map.shape);
  GPU_TRY(append_block(term, std::vector<Source>{from, greatest}, terms, plan));
  const Place sum = plan.add_scratch(type, kept);
  GPU_TRY(append_reduction(reduction_of(Accumulator::kSum, type, terms, over), sum, plan));

  scalar::Block end;
  const auto s = end.input(type), n = end.input(type);
  const auto logarithm = end.step(ir::op_called("log"), type, {s});
  end.result(end.step(ir::op_called("add"), plan.result().dtype, {logarithm, shift_of(end, n, type)}));
  Place to = plan.result();
  to.map = IndexMap::row_major(kept);  // the same elements, whether the axes are kept or not
  return append_block(end, std::vector<Source>{sum, greatest}, to, plan);
}

}  // namespace

Result<void> plan_reduce(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan) {
  const Place from = plan.placed(source_of(operands[0], 0));
  const Dims over = axes_or_all(instruction.attributes.as<ir::ReduceAttributes>().axes, from.map.shape);
  if (instruction.op->code == ir::Code::kLogsumexp) return plan_logsumexp(from, over, plan);
  const std::optional<Accumulator> accumulator = accumulator_of(instruction.op->code);
  if (!accumulator) return Error{ErrorCode::kInternal, "no reduction is called " + std::string(instruction.op->name)};
  return append_reduction(reduction_of(*accumulator, accumulated(*accumulator, plan.result().dtype), from, over),
                          plan.result(), plan);
}

}  // namespace gpu_node::kernels
