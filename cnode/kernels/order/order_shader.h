// The GLSL that puts elements in order in a workgroup: which kernel it is, how its parameters lie, its text.
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

// A pass over segments (shaders/order.glsl). Everything that changes its text; counts and offsets are parameters.
struct OrderPass {
  Dtype element = Dtype::f32;  // of the source
  Dtype index = Dtype::s32;    // of the positions in the results
  bool descending = true;
  bool values = true, positions = true;  // which results are written
  bool reads_source = true;              // else the words of an earlier pass
  bool writes_results = true;            // else words for a later one
  bool short_rows = false;               // of as many elements as 16 bits count
  uint32_t log_registers = 0;
  uint32_t invocations = 128;
  uint32_t subgroup = 1;  // its invocations; 1: they have no shuffles

  // The parameters, all of 32 bits, in the order of kNames: rows, segments and elements of a row; what stays of each
  // segment, and of a row; the source's offset and the length of its rows; log2 of a segment.
  static constexpr std::string_view kNames[] = {"ROWS", "SEGMENTS", "COUNT",  "KEEP",
                                                "OUT",  "SOURCE",   "LENGTH", "LOG_SEGMENT"};
  static constexpr uint32_t kWords = std::size(kNames);

  bool binds_source() const { return reads_source || (writes_results && values); }
  // Whether words hold positions: but where keys alone are elements in order.
  bool has_positions() const { return positions || !reads_source || !writes_results; }
  bool is_packed() const;
  // Words of 32 bits that a word of the network is made of, and as it lies in a buffer.
  uint32_t parts() const;
  uint32_t word_bytes() const { return parts() == 3 ? 16 : 4 * parts(); }
  bool restores() const { return !has_positions() && is_float(element); }
  uint32_t log_block() const;
  uint32_t shared_bytes() const;

  std::string key() const;
  // Bindings: the source if it is read or values are written, the words read, those written or the values and positions
  // that are wanted.
  Result<vulkan::KernelSource> emit(const vulkan::DeviceInfo& device) const;
};

}  // namespace gpu_node::kernels
