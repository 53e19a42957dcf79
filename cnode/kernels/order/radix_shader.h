// The GLSL of radix sorts (shaders/order_radix.glsl): which kernel it is, its parameters, its text.
#pragma once

#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>

#include "base/result.h"
#include "tensor/dtype.h"
#include "vulkan/device_info.h"
#include "vulkan/kernel_cache.h"

namespace gpu_node::kernels {

struct RadixPass {
  Dtype element = Dtype::f32;
  bool descending = false;
  bool counts = false;                    // the digits of each block; else elements are moved
  bool values = true, positions = false;  // elements are written, the places where they lay are
  bool first = true;                      // they lie there yet
  Dtype index = Dtype::u32;               // of the places that are written
  uint32_t log_bins = 8;
  uint32_t invocations = 256;
  uint32_t steps = 16;    // elements of an invocation
  uint32_t subgroup = 1;  // its invocations; 1: they have no ballots

  // The parameters, all of 32 bits: rows, elements of one, its blocks, elements of an invocation, the digit's lowest
  // bit; what stays of a row; where what is read begins.
  static constexpr std::string_view kNames[] = {"ROWS", "COUNT", "BLOCKS", "STEPS", "SHIFT", "KEEP", "SOURCE"};
  static constexpr uint32_t kWords = std::size(kNames);

  bool has_ballots() const { return subgroup > 1; }
  uint32_t shared_bytes() const;
  std::string key() const;
  // Bindings: the elements; offsets; but for counts where places are written those read, unless they are the first;
  // elements and places as they come out.
  Result<vulkan::KernelSource> emit(const vulkan::DeviceInfo& device) const;
};

}  // namespace gpu_node::kernels
