// Plans cholesky (shaders/linalg/cholesky.glsl): a dispatch for each panel of columns.
#include <algorithm>
#include <bit>
#include <iterator>

#include "base/divide_up.h"
#include "kernels/linalg/linalg.h"

namespace gpu_node::kernels {
namespace {

using Holds = LinalgBuffer::Holds;

constexpr LinalgBuffer kBuffers[] = {{"a", Holds::kRounded, false}, {"sums"}, {"l", Holds::kRounded}};
constexpr std::string_view kParameters[] = {"COUNT", "N", "FROM", "TO"};
constexpr LinalgConstant kSizes[][2] = {{{"PANEL", 32}, {"TILE", 64}},
                                        {{"PANEL", 16}, {"TILE", 64}},
                                        {{"PANEL", 16}, {"TILE", 32}},
                                        {{"PANEL", 16}, {"TILE", 16}}};
constexpr LinalgKernel of_sizes(std::span<const LinalgConstant> sizes) {
  return {.function = "cholesky",
          .file = "cholesky.glsl",
          .buffers = kBuffers,
          .parameters = kParameters,
          .constants = sizes,
          .gathers = true,
          .knows_result = true};
}
// Larger tiles make less of a panel again, and need more shared memory; the last fits every device.
constexpr LinalgKernel kKernels[] = {of_sizes(kSizes[0]), of_sizes(kSizes[1]), of_sizes(kSizes[2]),
                                     of_sizes(kSizes[3])};

// How many rows a kernel's panels and tiles have, and of how much of a panel a workgroup makes.
struct Sizes {
  uint32_t panel, tile;

  explicit Sizes(const LinalgKernel& kernel) : panel(kernel.constants[0].value), tile(kernel.constants[1].value) {}
  uint32_t height() const { return panel + 2 * tile; }
};

const LinalgKernel& kernel_for(Dtype number, const PlanBuilder& plan) {
  const auto bytes = static_cast<uint32_t>(dtype_size_bytes(number));
  const auto fits = [&](const LinalgKernel& kernel) {
    const Sizes sizes(kernel);
    // The strip, two columns of sums and two of elements.
    return (sizes.panel + 4) * sizes.height() * bytes <= plan.device().shared_memory_bytes;
  };
  const auto* found = std::find_if(std::begin(kKernels), std::end(kKernels), fits);
  return found == std::end(kKernels) ? *std::rbegin(kKernels) : *found;
}

}  // namespace

Result<void> plan_cholesky(const ir::Instruction& /*instruction*/, std::span<const Arg> operands, PlanBuilder& plan) {
  const Place& result = plan.result();
  // Sums in double, of f32 with each element rounded: that is what Nx computes with dots whose sums are exact.
  const Dtype number = number_of(result.dtype, false, plan), element = number_of(result.dtype, true, plan);
  GPU_ASSIGN(const Matrices size, matrices_of(result.map.shape, plan));
  GPU_ASSIGN(const Place a, lying_as(element, source_of(operands[0], 0), plan));
  const Place l = written_for(result, element, plan);
  GPU_ASSIGN(const Place sums, dense_of(number, result.map.shape, plan));
  const LinalgKernel& kernel = kernel_for(number, plan);
  const Sizes sizes(kernel);
  const uint32_t n = size.rows;
  for (uint32_t from = 0, to = 0; from < n; from = to) {
    to = std::min(from + sizes.panel, n);
    const uint64_t tiles = divide_up(n - to, sizes.tile), pairs = std::max<uint64_t>(tiles * (tiles + 1) / 2, 1);
    // Where there is one tile its workgroup goes on to the end.
    const uint64_t panels = pairs > 1 ? 1 : divide_up(n - from, sizes.panel);
    LinalgRun run{&kernel, number, size.count * pairs};
    run.invocations = std::min(256U, std::bit_floor(plan.device().max_workgroup_invocations));
    run.longest = panels * sizes.panel * (sizes.height() * sizes.panel / run.invocations + 3 * sizes.tile);
    run.work = static_cast<double>(run.count * panels * sizes.panel) *
               static_cast<double>(sizes.height() * sizes.panel + sizes.tile * sizes.tile);
    GPU_TRY(append_linalg(run, {a, sums, l}, {size.count, n, from, to}, plan));
    if (pairs == 1) break;
  }
  return finish_result(l, result, plan);
}

}  // namespace gpu_node::kernels
