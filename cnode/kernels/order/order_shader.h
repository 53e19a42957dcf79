// The GLSL that puts elements in order: which kernel it is, how its parameters lie, its text.
#pragma once

#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>

#include "base/result.h"
#include "kernels/glsl/shader_builder.h"
#include "tensor/dtype.h"
#include "vulkan/device_info.h"
#include "vulkan/kernel_cache.h"

namespace gpu_node::kernels {

// A pass over segments of pairs (shaders/order.glsl). Everything that changes its text; counts and offsets are
// parameters.
struct OrderPass {
  enum class Network : uint8_t {
    kSort,       // each segment ascending
    kAlternate,  // ascending and descending in turn
    kMerge,      // what exchanges have parted
  };
  Dtype element = Dtype::f32;  // of the source
  Dtype index = Dtype::s32;    // of the positions in the results
  bool descending = true;
  bool values = true, positions = true;  // which results are written
  bool reads_source = true;              // else the pairs of an earlier pass
  bool writes_results = true;            // else pairs for a later one
  Network network = Network::kSort;
  uint32_t log_block = 10;
  uint32_t invocations = 256;

  // The parameters, all of 32 bits, in the order of kNames: rows, segments and elements of a row; what stays of each
  // segment, and of a row; the pairs of a run; the source's offset and the length of its rows; log2 of a segment.
  static constexpr std::string_view kNames[] = {"ROWS", "SEGMENTS", "COUNT",  "KEEP",       "OUT",
                                                "RUN",  "SOURCE",   "LENGTH", "LOG_SEGMENT"};
  static constexpr uint32_t kWords = std::size(kNames);

  bool binds_source() const { return reads_source || (writes_results && values); }

  std::string key() const;
  // Bindings: the source if it is read or values are written, the keys and indices read, those written or the values
  // and positions that are wanted.
  Result<vulkan::KernelSource> emit(const vulkan::DeviceInfo& device) const;
};

// A step of a merge across blocks (shaders/order_exchange.glsl), in place.
struct OrderExchange {
  Dtype element = Dtype::f32;
  uint32_t invocations = 256;

  // Pairs of places in all; places of a row; places of a run; log2 of how far apart the two of a pair are.
  static constexpr std::string_view kNames[] = {"PAIRS", "COUNT", "RUN", "LOG_STRIDE"};
  static constexpr uint32_t kWords = std::size(kNames);

  std::string key() const;
  // Bindings: keys, indices.
  Result<vulkan::KernelSource> emit(const vulkan::DeviceInfo& device) const;
};

// Of a key in a buffer.
uint32_t order_key_bytes(Dtype element);
// KEY and the functions of order_key.glsl for elements of |element|.
void declare_keys(Dtype element, ShaderBuilder& shader);

}  // namespace gpu_node::kernels
