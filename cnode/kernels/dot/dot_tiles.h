// The tiles that a product may be computed by, the largest first: the first that fits the device and leaves it busy is
// taken, else the last.
#pragma once

#include <cstdint>

namespace gpu_node::kernels {

// Results a workgroup computes, and of those an invocation. Multiples of four.
struct DotTile {
  uint32_t rows, columns, depth;  // of the workgroup
  uint32_t own_rows, own_columns;

  uint32_t invocations() const { return rows / own_rows * (columns / own_columns); }
  // Of shared memory: one four of rows or columns is left empty after each step of k, against bank conflicts.
  uint32_t shared_bytes(uint32_t element_bytes) const {
    return depth * (rows / 4 + 1 + columns / 4 + 1) * 4 * element_bytes;
  }
};

struct DotVariant {
  int64_t enough;  // workgroups from which on it pays
  DotTile tile;
  bool wide;  // whether its sums of 64 bits and more fit the registers
};

// The workgroups that a device is busy with.
inline constexpr int64_t kBusyGroups = 256;

inline constexpr DotVariant kDotVariants[] = {
    // Sixty-four sums an invocation: most arithmetic for what is loaded, and too many of 64 bits.
    {kBusyGroups / 2, {128, 128, 16, 8, 8}, false},
    // Sixteen sums an invocation, 256 invocations.
    {kBusyGroups / 4, {64, 64, 16, 4, 4}, true},
    // The same by 64 invocations, which any device has: for matrices that would leave it idle otherwise.
    {0, {32, 32, 16, 4, 4}, true},
    // Half of its shared memory, for sums of 128 bits.
    {0, {32, 32, 8, 4, 4}, true},
};

}  // namespace gpu_node::kernels
