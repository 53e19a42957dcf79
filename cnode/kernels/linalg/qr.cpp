// Plans qr: Householder reflections of panels of columns, each by a workgroup for each matrix, then of the columns
// behind them; Q is the reflections of the identity, from the last panel on.
#include <algorithm>
#include <vector>

#include "kernels/linalg/linalg.h"

namespace gpu_node::kernels {
namespace {

using Holds = LinalgBuffer::Holds;

constexpr LinalgBuffer kScaleBuffers[] = {{"a"}, {"sizes", Holds::kParts}};
constexpr std::string_view kScaleParameters[] = {"COUNT", "ROWS", "COLUMNS"};
constexpr LinalgKernel kScale = {.function = "scale",
                                 .file = "scale.glsl",
                                 .buffers = kScaleBuffers,
                                 .parameters = kScaleParameters,
                                 .gathers = true,
                                 .adds_up = true};

constexpr LinalgBuffer kPanelBuffers[] = {{"r"}, {"factors", Holds::kParts}};
constexpr std::string_view kPanelParameters[] = {"COUNT", "M", "N", "K", "FROM", "TO"};
constexpr LinalgKernel kPanelKernel = {.function = "qr_panel",
                                       .file = "qr.glsl",
                                       .buffers = kPanelBuffers,
                                       .parameters = kPanelParameters,
                                       .gathers = true,
                                       .adds_up = true};

constexpr LinalgBuffer kReflectBuffers[] = {{"v", Holds::kNumbers, false}, {"factors", Holds::kParts, false}, {"x"}};
constexpr std::string_view kReflectParameters[] = {"COUNT", "M", "N", "K", "COLUMNS"};
constexpr LinalgKernel kReflect = {.function = "qr_reflect",
                                   .file = "qr.glsl",
                                   .buffers = kReflectBuffers,
                                   .parameters = kReflectParameters,
                                   .knows_result = true};

constexpr LinalgBuffer kTriangleBuffers[] = {{"v", Holds::kNumbers, false}, {"sizes", Holds::kParts, false}, {"r"}};
constexpr std::string_view kTriangleParameters[] = {"COUNT", "M", "N", "ROWS"};
constexpr LinalgKernel kTriangle = {.function = "qr_triangle",
                                    .file = "qr.glsl",
                                    .buffers = kTriangleBuffers,
                                    .parameters = kTriangleParameters,
                                    .knows_result = true};

// All |of| over |x|, an invocation for each column: where there is one panel.
Result<void> append_reflect(const Reflectors& of, const Place& v, const Place& x, PlanBuilder& plan) {
  GPU_ASSIGN(const Matrices size, matrices_of(v.map.shape, plan));
  GPU_ASSIGN(const Matrices made, matrices_of(x.map.shape, plan));
  const uint64_t steps = uint64_t{of.count} * (2 * size.rows + 1) + size.rows;
  const uint64_t count = uint64_t{size.count} * made.columns;
  const LinalgRun run{&kReflect, v.dtype, count, static_cast<double>(count * steps), steps};
  return append_linalg(run, {v, of.factors, x}, {size.count, size.rows, size.columns, of.count, made.columns}, plan);
}

}  // namespace

Result<Place> append_scale(const Place& a, PlanBuilder& plan) {
  GPU_ASSIGN(const Matrices size, matrices_of(a.map.shape, plan));
  GPU_ASSIGN(const Place sizes, dense_of(component_type(a.dtype), {size.count}, plan));
  const uint64_t steps = 2 * (uint64_t{size.rows} * size.columns / gathered(plan) + 1) + 2 * gathered(plan);
  const LinalgRun run{&kScale, a.dtype, size.count, static_cast<double>(steps * size.count), steps};
  GPU_TRY(append_linalg(run, {a, sizes}, {size.count, size.rows, size.columns}, plan));
  return sizes;
}

Result<Reflectors> append_reflections(const Place& a, PlanBuilder& plan) {
  GPU_ASSIGN(const Matrices size, matrices_of(a.map.shape, plan));
  const uint32_t k = std::min(size.rows, size.columns);
  GPU_ASSIGN(const Reflectors of, reflectors_of(a.dtype, size.count, k, size.rows, plan));
  GPU_ASSIGN(const BlockReflection blocks, BlockReflection::over(of, a, plan));
  for (uint32_t from = 0, to = 0; from < k; from = to) {
    to = panel_end(from, k);
    const uint64_t width = to - from, lanes = gathered(plan), groups = std::max<uint64_t>(lanes / kMostPairs, 1);
    const uint64_t steps = width * (2 * size.rows / lanes + (width / kMostPairs + 1) * 2 * size.rows / groups + 16);
    const LinalgRun panel{&kPanelKernel, a.dtype, size.count, static_cast<double>(steps * size.count), steps};
    GPU_TRY(append_linalg(panel, {a, of.factors}, {size.count, size.rows, size.columns, k, from, to}, plan));
    if (to == size.columns && k <= kSmallMatrix) break;
    GPU_TRY(append_reflector_rows(of, a, from, to, plan));
    for (uint32_t begin = from; begin < to; begin += kPanel)
      GPU_TRY(blocks.append({begin, std::min(begin + kPanel, to), to, false, false}, plan));
  }
  return of;
}

Result<void> append_q(const Place& reflected, const Reflectors& reflectors, const Place& q, PlanBuilder& plan) {
  if (reflectors.count <= kSmallMatrix) return append_reflect(reflectors, reflected, q, plan);
  GPU_TRY(append_identity(q, plan));
  GPU_ASSIGN(const BlockReflection blocks, BlockReflection::over(reflectors, q, plan));
  return blocks.append_all_back(true, plan);
}

Result<void> plan_qr(const ir::Instruction& /*instruction*/, std::span<const Arg> operands, PlanBuilder& plan) {
  const Dtype number = number_of(plan.result().dtype, false, plan);
  GPU_ASSIGN(const Place a, computed(source_of(operands[0], 0), number, plan));
  GPU_ASSIGN(const Matrices size, matrices_of(a.map.shape, plan));
  GPU_ASSIGN(const Place sizes, append_scale(a, plan));
  GPU_ASSIGN(const Reflectors reflectors, append_reflections(a, plan));
  const Place q = written_for(plan.result(0), number, plan), r = written_for(plan.result(1), number, plan);
  GPU_TRY(append_q(a, reflectors, q, plan));
  GPU_ASSIGN(const Matrices triangle, matrices_of(r.map.shape, plan));
  const LinalgRun run{&kTriangle, number, uint64_t{size.count} * triangle.rows * size.columns, 0, 1};
  GPU_TRY(append_linalg(run, {a, sizes, r}, {size.count, size.rows, size.columns, triangle.rows}, plan));
  GPU_TRY(finish_result(q, plan.result(0), plan));
  return finish_result(r, plan.result(1), plan);
}

}  // namespace gpu_node::kernels
