// One kernel that writes rows made of pieces: those of several tensors, side by side.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "vulkan/device_info.h"
#include "vulkan/kernel_cache.h"

namespace gpu_node::kernels {

// Everything that changes its text.
struct JoinedRows {
  uint32_t unit_bytes = 4;  // of what is moved as one: 1, 2, 4 or 16
  uint32_t pieces = 2;

  // Neighbouring invocations move neighbouring units; each moves this many, so that many are on their way at once.
  static constexpr uint32_t kUnits = 2;
  static constexpr uint32_t kMaxPieces = 8;

  // The parameters, in units: how many there are, those of a row; where the result begins and the step of its rows; of
  // each piece where in a row it ends, where its first row would begin if that piece were a whole row, and the step of
  // its rows.
  uint32_t words() const { return 4 + 3 * pieces; }

  std::string key() const;
  // Bindings: the pieces, the result.
  Result<vulkan::KernelSource> emit(const vulkan::DeviceInfo& device) const;
};

}  // namespace gpu_node::kernels
