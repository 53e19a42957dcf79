// The GLSL of a reduction with a function of the caller's: which kernel it is, how its parameters lie, its text.
#pragma once

#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>

#include "base/result.h"
#include "scalar/block.h"
#include "tensor/dtype.h"
#include "vulkan/device_info.h"
#include "vulkan/kernel_cache.h"

namespace gpu_node::kernels {

// Everything that changes the text. An invocation is a result; it goes over some positions of what is reduced.
struct FoldKernel {
  scalar::Block function;  // of the element and of what came before, both of |result|
  Dtype source = Dtype::f32;
  Dtype result = Dtype::f32;
  uint32_t kept_rank = 1, walk_rank = 1;

  // The parameters, all of 32 bits: those of kNames, then for each kept axis its size and stride, then for each walked
  // one. Results; the first position and the one behind the last; where source and results begin.
  static constexpr std::string_view kNames[] = {"RESULTS", "FIRST", "END", "IN_START", "OUT_START"};
  static constexpr uint32_t kFixed = std::size(kNames);
  uint32_t kept_at(uint32_t axis) const { return kFixed + 2 * axis; }
  uint32_t walk_at(uint32_t axis) const { return kept_at(kept_rank) + 2 * axis; }
  uint32_t words() const { return walk_at(walk_rank); }

  std::string key() const;
  // Bindings: the source, the results, which have what came before; the parameters if they have a buffer.
  Result<vulkan::KernelSource> emit(const vulkan::DeviceInfo& device) const;
};

}  // namespace gpu_node::kernels
