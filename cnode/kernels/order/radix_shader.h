// The GLSL of radix sorts (shaders/order_radix.glsl) and of their keys: which kernel it is, its parameters, its text.
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
  bool counts = false;  // the digits of each block; else pairs are moved
  bool first = false;   // pairs are numbered as they lie
  bool wide = false;    // keys of 64 bits
  uint32_t log_bins = 4;
  uint32_t invocations = 128;
  uint32_t tile = 0;  // keys of an invocation where a block's pass through shared memory; 0: they do not

  // The parameters, all of 32 bits: rows, keys of one, its blocks, keys of an invocation, the digit's lowest bit.
  static constexpr std::string_view kNames[] = {"ROWS", "COUNT", "BLOCKS", "STEPS", "SHIFT"};
  static constexpr uint32_t kWords = std::size(kNames);

  uint32_t shared_bytes() const {
    const uint32_t of_tile = invocations * ((wide ? 8 : 4) * (tile + 1) + 4 * tile);
    return 4 * ((1u << log_bins) * (invocations + 1) + invocations) + (tile > 0 ? of_tile : 0);
  }
  std::string key() const;
  // Bindings: the keys; offsets; but for counts the numbers of the pairs (unless they are the first), keys and numbers
  // as they come out.
  Result<vulkan::KernelSource> emit(const vulkan::DeviceInfo& device) const;
};

// Elements as keys, which the lowest bits of are in order: those of order_key_bits().
struct RadixKeys {
  Dtype element = Dtype::f32;
  bool descending = false;

  std::string key() const;
  // Parameters: the count of elements, the first. Bindings: the source, the keys.
  Result<vulkan::KernelSource> emit(const vulkan::DeviceInfo& device) const;
};

// The bits of a key that tell elements apart: |count| from |first| on.
struct KeyBits {
  uint32_t first = 0, count = 32;
};
KeyBits order_key_bits(Dtype element);

}  // namespace gpu_node::kernels
