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
constexpr LinalgKernel kScale = {"scale", "scale.glsl", true, kScaleBuffers, kScaleParameters};

constexpr LinalgBuffer kPanelBuffers[] = {{"r"}, {"factors", Holds::kParts}};
constexpr std::string_view kPanelParameters[] = {"COUNT", "M", "N", "K", "FROM", "TO"};
constexpr LinalgKernel kPanelKernel = {"qr_panel", "qr.glsl", true, kPanelBuffers, kPanelParameters};

constexpr LinalgBuffer kReflectBuffers[] = {{"v", Holds::kNumbers, false}, {"factors", Holds::kParts, false}, {"x"}};
constexpr std::string_view kReflectParameters[] = {"COUNT", "M",       "N",     "K",    "FROM",
                                                   "TO",    "COLUMNS", "FIRST", "BACK", "BEGINS"};
constexpr LinalgKernel kReflect = {"qr_reflect", "qr.glsl", false, kReflectBuffers, kReflectParameters, true};

constexpr LinalgBuffer kTriangleBuffers[] = {{"v", Holds::kNumbers, false}, {"sizes", Holds::kParts, false}, {"r"}};
constexpr std::string_view kTriangleParameters[] = {"COUNT", "M", "N", "ROWS"};
constexpr LinalgKernel kTriangle = {"qr_triangle", "qr.glsl", false, kTriangleBuffers, kTriangleParameters, true};

// Reflections |from| to |to| of a batch.
struct Reflections {
  Matrices size;
  uint32_t k = 1, from = 0, to = 1;

  Reflections(const Matrices& of) : size(of), k(std::min(of.rows, of.columns)) {}  // NOLINT: converts on purpose
};

Result<void> append_reflect(const Reflections& of, const Place& v, const Place& factors, const Place& x,
                            uint32_t columns, uint32_t first, bool back, PlanBuilder& plan) {
  if (first >= columns) return {};
  const uint64_t steps = uint64_t{of.to - of.from} * (2 * of.size.rows + 1) + of.size.rows;
  const uint64_t count = uint64_t{of.size.count} * (columns - first);
  const LinalgRun run{&kReflect, v.dtype, count, static_cast<double>(count * steps), steps};
  return append_linalg(run, {v, factors, x},
                       {of.size.count, of.size.rows, of.size.columns, of.k, of.from, of.to, columns, first,
                        back ? 1U : 0U, back && of.to == of.k ? 1U : 0U},
                       plan);
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

Result<Place> append_reflections(const Place& a, PlanBuilder& plan) {
  GPU_ASSIGN(const Matrices size, matrices_of(a.map.shape, plan));
  Reflections of = size;
  GPU_ASSIGN(const Place factors, dense_of(component_type(a.dtype), {size.count, of.k}, plan));
  for (; of.from < of.k; of.from = of.to) {
    of.to = panel_end(of.from, of.k);
    const uint64_t width = of.to - of.from, lanes = gathered(plan);
    const uint64_t steps = width * (2 * size.rows / lanes + lanes + (width / lanes + 1) * 2 * size.rows);
    const LinalgRun panel{&kPanelKernel, a.dtype, size.count, static_cast<double>(steps * size.count), steps};
    GPU_TRY(append_linalg(panel, {a, factors}, {size.count, size.rows, size.columns, of.k, of.from, of.to}, plan));
    GPU_TRY(append_reflect(of, a, factors, a, size.columns, of.to, false, plan));
  }
  return factors;
}

Result<void> append_q(const Place& reflected, const Place& factors, const Place& q, PlanBuilder& plan) {
  GPU_ASSIGN(const Matrices size, matrices_of(reflected.map.shape, plan));
  GPU_ASSIGN(const Matrices made, matrices_of(q.map.shape, plan));
  Reflections of = size;
  std::vector<uint32_t> begins;
  for (uint32_t from = 0; from < of.k; from = panel_end(from, of.k)) begins.push_back(from);
  of.to = of.k;
  for (; !begins.empty(); begins.pop_back(), of.to = of.from) {
    of.from = begins.back();
    GPU_TRY(append_reflect(of, reflected, factors, q, made.columns, 0, true, plan));
  }
  return {};
}

Result<void> plan_qr(const ir::Instruction& /*instruction*/, std::span<const Arg> operands, PlanBuilder& plan) {
  const Dtype number = number_of(plan.result().dtype, false, plan);
  GPU_ASSIGN(const Place a, computed(source_of(operands[0], 0), number, plan));
  GPU_ASSIGN(const Matrices size, matrices_of(a.map.shape, plan));
  GPU_ASSIGN(const Place sizes, append_scale(a, plan));
  GPU_ASSIGN(const Place factors, append_reflections(a, plan));
  const Place q = written_for(plan.result(0), number, plan), r = written_for(plan.result(1), number, plan);
  GPU_TRY(append_q(a, factors, q, plan));
  GPU_ASSIGN(const Matrices triangle, matrices_of(r.map.shape, plan));
  const LinalgRun run{&kTriangle, number, uint64_t{size.count} * triangle.rows * size.columns, 0, 1};
  GPU_TRY(append_linalg(run, {a, sizes, r}, {size.count, size.rows, size.columns, triangle.rows}, plan));
  GPU_TRY(finish_result(q, plan.result(0), plan));
  return finish_result(r, plan.result(1), plan);
}

}  // namespace gpu_node::kernels
