// The choices by which a reduction is spread over a device, as measured; the kernel's text depends on none of them.
#pragma once

#include <cstdint>

namespace gpu_node::kernels {

// Positions an invocation may walk; each costs at most one iteration, so with the tree this is far below what any
// driver lets loops run (vulkan/driver_quirks.h). More of them make nothing faster.
inline constexpr int64_t kMaxSteps = 16384;

struct ReduceVariant {
  // Elements an invocation gets before the reduction is split for the sake of parallelism.
  int64_t per_invocation;
  // The workgroups aimed at.
  int64_t busy_groups;
  // So many are enough: no reduction is split for more, which costs a second pass.
  int64_t enough_groups;
  // Outputs side by side where they lie side by side.
  int64_t column_width;
  // Whether lanes are given up, down to what keeps the device busy, even where each has elements enough.
  bool few_lanes;
  // Elements of rows up to which reductions and what is beside them are one dispatch: beyond, a driver that walks loops
  // slowly loses more than launches cost.
  int64_t whole_rows;
};

// A GPU: 128 bytes of f32 for each lane of a column.
inline constexpr ReduceVariant kOnGpu = {16, 1024, 1024, 32, false, int64_t{1} << 31};
// A software driver is busy with few workgroups, and there the barriers of the tree cost more than anything else.
inline constexpr ReduceVariant kInSoftware = {16, 16, 8, 32, true, int64_t{1} << 17};

}  // namespace gpu_node::kernels
