// Plans lu: panels of columns, each by a workgroup for each matrix, then the rows and the rest behind them.
#include "kernels/linalg/linalg.h"

namespace gpu_node::kernels {
namespace {

using Holds = LinalgBuffer::Holds;

constexpr LinalgBuffer kBuffers[] = {{"a"}, {"order", Holds::kIndices}};
constexpr LinalgBuffer kInPlace[] = {{"a"}};
constexpr std::string_view kParameters[] = {"COUNT", "N", "FROM", "TO"};
constexpr LinalgKernel kPanelKernel = {
    .function = "lu_panel", .file = "lu.glsl", .buffers = kBuffers, .parameters = kParameters, .gathers = true};
constexpr LinalgKernel kRows = {
    .function = "lu_rows", .file = "lu.glsl", .buffers = kInPlace, .parameters = kParameters};
constexpr LinalgKernel kRest = {
    .function = "lu_rest", .file = "lu.glsl", .buffers = kInPlace, .parameters = kParameters};

constexpr LinalgBuffer kPartBuffers[] = {
    {"a", Holds::kNumbers, false}, {"order", Holds::kIndices, false}, {"p", Holds::kIndices}, {"l"}, {"u"}};
constexpr std::string_view kPartParameters[] = {"COUNT", "N"};
constexpr LinalgKernel kParts = {
    .function = "lu_parts", .file = "lu.glsl", .buffers = kPartBuffers, .parameters = kPartParameters};

}  // namespace

Result<void> plan_lu(const ir::Instruction& /*instruction*/, std::span<const Arg> operands, PlanBuilder& plan) {
  const Shape& shape = plan.result().map.shape;
  // In floats of the result's own width and in Nx's order: then a singular matrix of small integers has a pivot of 0.
  const Dtype number = number_of(plan.result(1).dtype, true, plan);
  GPU_ASSIGN(const Matrices size, matrices_of(shape, plan));
  GPU_ASSIGN(const Place a, computed(source_of(operands[0], 0), number, plan));
  const uint32_t n = size.rows;
  GPU_ASSIGN(const Place order, dense_of(Dtype::u32, {size.count, n}, plan));
  for (uint32_t from = 0, end = 0; from < n; from = end) {
    end = panel_end(from, n);
    const uint64_t width = end - from, height = n - from, behind = n - end, lanes = gathered(plan);
    const auto append = [&](const LinalgKernel& kernel, uint64_t count, uint64_t steps) {
      const LinalgRun run{&kernel, number, count, static_cast<double>(count * steps), steps};
      if (&kernel == &kPanelKernel) return append_linalg(run, {a, order}, {size.count, n, from, end}, plan);
      return append_linalg(run, {a}, {size.count, n, from, end}, plan);
    };
    GPU_TRY(append(kPanelKernel, size.count, width * (height * width / lanes + width + n / lanes + 16)));
    if (end == n) break;
    GPU_TRY(append(kRows, size.count * behind, width * width / 2));
    GPU_TRY(append(kRest, size.count * behind * behind, width));
  }
  const Place p = written_for(plan.result(0), Dtype::u32, plan), l = written_for(plan.result(1), number, plan),
              u = written_for(plan.result(2), number, plan);
  const LinalgRun parts{&kParts, number, uint64_t{size.count} * n * n, 0, 1};
  GPU_TRY(append_linalg(parts, {a, order, p, l, u}, {size.count, n}, plan));
  GPU_TRY(finish_result(p, plan.result(0), plan));
  GPU_TRY(finish_result(l, plan.result(1), plan));
  return finish_result(u, plan.result(2), plan);
}

}  // namespace gpu_node::kernels
