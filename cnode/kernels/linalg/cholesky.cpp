// Plans cholesky: panels of columns, each by a workgroup for each matrix, then what they take off the columns behind.
#include "kernels/elementwise/block.h"
#include "kernels/linalg/linalg.h"

namespace gpu_node::kernels {
namespace {

using Holds = LinalgBuffer::Holds;

constexpr LinalgBuffer kBuffers[] = {{"a", Holds::kNumbers, false}, {"l"}};
constexpr std::string_view kParameters[] = {"COUNT", "N", "FROM", "TO"};
constexpr LinalgKernel kPanelKernel = {"cholesky_panel", "cholesky.glsl", true, kBuffers, kParameters, true};
constexpr LinalgKernel kRest = {"cholesky_rest", "cholesky.glsl", false, kBuffers, kParameters, true};

}  // namespace

Result<void> plan_cholesky(const ir::Instruction& /*instruction*/, std::span<const Arg> operands, PlanBuilder& plan) {
  const Place& result = plan.result();
  const Dtype number = number_of(result.dtype, false, plan);
  // Sums in double, of f32 with each element rounded: that is what Nx computes with dots whose sums are exact.
  GPU_ASSIGN(const Matrices size, matrices_of(result.map.shape, plan));
  GPU_ASSIGN(const Place a, computed(source_of(operands[0], 0), number, plan));
  const Place l = written_for(result, number, plan);
  GPU_TRY(append_fill(Scalar{}, l, plan));
  const uint32_t n = size.rows;
  for (uint32_t from = 0, end = 0; from < n; from = end) {
    end = panel_end(from, n);
    const uint64_t width = end - from, steps = width * ((n - from) * width / gathered(plan) + width);
    const LinalgRun panel{&kPanelKernel, number, size.count, static_cast<double>(steps * size.count), steps};
    GPU_TRY(append_linalg(panel, {a, l}, {size.count, n, from, end}, plan));
    if (end == n) break;
    const uint64_t elements = uint64_t{size.count} * (n - end) * (n - end);
    const LinalgRun rest{&kRest, number, elements, static_cast<double>(elements * width), width};
    GPU_TRY(append_linalg(rest, {a, l}, {size.count, n, from, end}, plan));
  }
  return finish_result(l, result, plan);
}

}  // namespace gpu_node::kernels
