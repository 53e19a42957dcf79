// The GLSL of a loop.
#pragma once

#include <string>

#include "kernels/loop/loop.h"

namespace gpu_node::kernels {

// Everything that changes the text. Parameters, all of 32 bits: elements, rounds.
struct LoopKernel {
  LoopCode code;
  bool first = false;

  std::string key() const;
  // Bindings: the state; whether it goes on, unless it is the first part; what changes; whether it goes on.
  Result<vulkan::KernelSource> emit(const vulkan::DeviceInfo& device) const;
};

}  // namespace gpu_node::kernels
