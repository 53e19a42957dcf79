// The GLSL of loops.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kernels/loop/group_layout.h"
#include "kernels/loop/loop.h"

namespace gpu_node::kernels {

// Everything that changes the text. Parameters, all of 32 bits: elements, rounds.
struct ElementLoopKernel {
  ElementLoop code;
  bool first = false;

  std::string key() const;
  // Bindings: the state; whether it goes on, unless it is the first part; what changes; whether it goes on.
  Result<vulkan::KernelSource> emit(const vulkan::DeviceInfo& device) const;
};

// The same for a workgroup's. The first parameter: rounds.
struct GroupLoopKernel {
  // By value of the state that is an array: parameters that say where it lies and how many elements it has.
  struct Array {
    uint32_t at = 0, count = 0;
  };
  std::shared_ptr<const GroupLoop> code;
  GroupLayout condition, body;
  std::vector<Array> state;
  std::vector<uint32_t> next;  // by value that changes and is an array: where the body leaves it
  GroupMemory memory;
  uint32_t invocations = 1, words = 0;
  bool first = false;

  std::string key() const;
  Result<vulkan::KernelSource> emit(const vulkan::DeviceInfo& device) const;
};

}  // namespace gpu_node::kernels
