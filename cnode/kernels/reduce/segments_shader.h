// The GLSL of sums by key (shaders/segments.glsl): which kernel it is, how its parameters lie, its text.
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

// Everything that changes a pass's text; shapes, strides and offsets are parameters.
struct SegmentsPass {
  enum class Data : uint8_t {
    kRows,     // of the updates, as they lie
    kOrdered,  // the same, by an order
    kAccs,     // of an earlier pass
  };
  Data data = Data::kOrdered;
  bool last = false;          // what is left at the ends of a chunk belongs to the target; else to a later pass
  Dtype update = Dtype::f32;  // but of kAccs
  Dtype target = Dtype::f32;
  uint32_t rank = 1;  // of a row

  // The parameters, all of 32 bits: those of kNames, then for each axis of a row its size, and its strides in updates
  // and target. Invocations; rows, elements of one, rows of a chunk; where the updates begin and their step from row to
  // row; the same of the target, from key to key.
  static constexpr std::string_view kNames[] = {"INVOCATIONS", "ROWS",    "WIDTH",     "CHUNK",
                                                "IN_START",    "IN_STEP", "OUT_START", "OUT_STEP"};
  static constexpr uint32_t kFixed = std::size(kNames);
  uint32_t axis_at(uint32_t axis) const { return kFixed + 3 * axis; }
  uint32_t words() const { return axis_at(rank); }

  bool reads_updates() const { return data != Data::kAccs; }

  std::string key() const;
  // Bindings: the keys; order and updates, or the Acc buffers; the target; but for the last pass keys and Accs of the
  // next; the parameters if they have a buffer.
  Result<vulkan::KernelSource> emit(const vulkan::DeviceInfo& device) const;
};

}  // namespace gpu_node::kernels
