#include "kernels/order/radix.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/divide_up.h"
#include "kernels/order/radix_shader.h"
#include "kernels/reduce/scan.h"

namespace gpu_node::kernels {
namespace {

// How a radix sort is spread over a device.
struct RadixVariant {
  uint32_t log_bins, invocations, steps;
};
// A GPU: many invocations, whose counts of 16 digits fit the shared memory that every device has.
constexpr RadixVariant kOnGpu = {4, 128, 16};
// A software driver: few passes of few invocations; barriers and dispatches are what costs there.
constexpr RadixVariant kInSoftware = {8, 16, 512};

RadixPass pass_of(const vulkan::DeviceInfo& device, bool wide, uint32_t& steps) {
  RadixPass pass;
  pass.wide = wide;
  for (const RadixVariant& variant : {kInSoftware, kOnGpu}) {
    pass.log_bins = variant.log_bins;
    pass.invocations = std::min(variant.invocations, std::bit_floor(device.max_workgroup_invocations));
    steps = variant.steps;
    if (device.software && pass.shared_bytes() <= device.shared_memory_bytes) break;
  }
  pass.tile = device.software ? 0 : steps;
  if (pass.shared_bytes() > device.shared_memory_bytes) pass.tile = 0;
  return pass;
}

Result<void> append_pass(const RadixPass& pass, std::span<const uint32_t> words, std::vector<Binding> bindings,
                         PlanBuilder& plan) {
  Dispatch dispatch;
  dispatch.key = pass.key();
  dispatch.emit = [pass, &device = plan.device()] { return pass.emit(device); };
  dispatch.bindings = std::move(bindings);
  plan.set_parameters(words, dispatch);
  plan.set_grid(uint64_t{words[0]} * words[2], 1, dispatch);
  dispatch.grid.units = static_cast<double>(words[0]) * words[1];
  return plan.append(std::move(dispatch));
}

}  // namespace

Result<Sorted> append_radix(uint32_t keys, bool wide, int64_t rows, int64_t count, uint32_t first, uint32_t bits,
                            PlanBuilder& plan) {
  uint32_t steps = kOnGpu.steps;
  RadixPass pass = pass_of(plan.device(), wide, steps);
  const int64_t blocks = divide_up(count, static_cast<int64_t>(pass.invocations) * steps);
  const int64_t bins = int64_t{1} << pass.log_bins;
  GPU_ASSIGN(uint32_t other_keys, plan.add_parts(rows, count, wide ? 8 : 4));
  GPU_ASSIGN(uint32_t indices, plan.add_parts(rows, count, 4));
  GPU_ASSIGN(uint32_t other_indices, plan.add_parts(rows, count, 4));
  GPU_ASSIGN(const uint32_t offsets, plan.add_parts(rows, blocks * bins, 4));
  for (uint32_t shift = first; shift < first + bits; shift += pass.log_bins) {
    const uint32_t words[RadixPass::kWords] = {static_cast<uint32_t>(rows), static_cast<uint32_t>(count),
                                               static_cast<uint32_t>(blocks), steps, shift};
    pass.counts = true;
    pass.first = false;
    GPU_TRY(append_pass(pass, words, {of_scratch(keys, false), of_scratch(offsets, true)}, plan));
    GPU_TRY(append_offsets(offsets, rows, bins * blocks, plan));
    pass.counts = false;
    pass.first = shift == first;
    std::vector<Binding> bindings = {of_scratch(keys, false), of_scratch(offsets, false)};
    if (!pass.first) bindings.push_back(of_scratch(indices, false));
    bindings.push_back(of_scratch(other_keys, true));
    bindings.push_back(of_scratch(other_indices, true));
    GPU_TRY(append_pass(pass, words, std::move(bindings), plan));
    std::swap(keys, other_keys);
    std::swap(indices, other_indices);
  }
  return Sorted{keys, indices};
}

}  // namespace gpu_node::kernels
