// The GLSL of scans (shaders/scan.glsl, shaders/scan_tiled.glsl): which kernel it is, how its parameters lie, its text.
#pragma once

#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>

#include "base/result.h"
#include "kernels/reduce/accumulator.h"
#include "tensor/dtype.h"
#include "vulkan/device_info.h"
#include "vulkan/kernel_cache.h"

namespace gpu_node::kernels {

// Everything that changes a pass's text; shapes, strides and offsets are parameters.
struct ScanPass {
  enum class Data : uint8_t {
    kElements,  // of a source, into a result, each with what it holds
    kAccs,      // of totals, in place, each without what it holds
  };
  Accumulator accumulator = Accumulator::kSum;
  Dtype element = Dtype::f32;
  Data data = Data::kElements;
  bool totals = false;   // only the Acc of each segment, into the carries
  bool carries = false;  // the Acc before each segment comes from there
  uint32_t invocations = 256;
  // Of elements: positions of an invocation in a tile (shaders/scan_tiled.glsl), a multiple of four; 0: no tiles.
  uint32_t tile = 0;
  // Of tiles: four neighbours are read, or written, as one; the size of subgroups that share Accs by shuffles, 0: none
  // do.
  bool reads_vectors = false, writes_vectors = false;
  uint32_t subgroup = 0;

  // The parameters, all of 32 bits, in the order of kNames: lines, those of them that lie innermost, positions of a
  // line, segments of one, positions of an invocation, the mode; of source and result where they begin, and the steps
  // from one outer line, inner line and position to the next.
  static constexpr std::string_view kNames[] = {"LINES",     "INNER",     "COUNT",     "SEGMENTS", "STEPS",
                                                "MODE",      "IN_START",  "IN_OUTER",  "IN_INNER", "IN_STEP",
                                                "OUT_START", "OUT_OUTER", "OUT_INNER", "OUT_STEP"};
  static constexpr uint32_t kWords = std::size(kNames);

  std::string key() const;
  // Bindings: the source and, but for totals, the result; or the Acc buffers; then those of the carries.
  Result<vulkan::KernelSource> emit(const vulkan::DeviceInfo& device) const;
};

}  // namespace gpu_node::kernels
