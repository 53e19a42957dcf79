// What a Vulkan device is and can do, without any Vulkan type: kernels and messages are planned from this.
#pragma once

#include <cstdint>
#include <string>

namespace gpu_node::vulkan {

struct DeviceInfo {
  std::string name;         // "NVIDIA H200", "llvmpipe (LLVM 19.1.7, 256 bits)"
  std::string driver;       // "Mesa 25.0.7"
  std::string api_version;  // "1.4.305"
  std::string uuid;         // of the device, hexadecimal
  uint32_t vendor_id = 0;
  uint32_t index = 0;           // among the devices of the host
  bool software = false;        // a CPU driver such as lavapipe
  bool discrete = false;        // a card with memory of its own
  std::string unusable;         // why this project cannot use the device; empty when it can
  bool unified_memory = false;  // all device memory is host-visible and cached: no staging copies

  bool has_f16_storage = false, has_8bit_storage = false;  // 16- and 8-bit elements in storage buffers
  bool has_f64 = false, has_i64 = false;                   // shaderFloat64, shaderInt64
  bool preserves_nan_f32 = false, preserves_nan_f64 = false;

  uint64_t memory_bytes = 0;          // of the device-local heap
  uint64_t max_storage_range = 0;     // maxStorageBufferRange
  uint64_t max_allocation_bytes = 0;  // the smaller of maxMemoryAllocationSize and maxBufferSize
  uint32_t storage_alignment = 16;    // minStorageBufferOffsetAlignment
  uint32_t max_push_bytes = 128;
  uint32_t max_buffers = 32;  // maxPushDescriptors
  uint32_t max_workgroup_invocations = 128;
  uint32_t max_groups[3] = {65535, 65535, 65535};
  uint32_t shared_memory_bytes = 16384;
  uint32_t subgroup_size = 1;
  // Of an invocation's loops, all taken together; an old lavapipe ends them silently after these (driver_quirks.h).
  uint64_t max_loop_iterations = 65535;
  bool has_conditions = false;        // dispatches that a number in memory switches off (VK_EXT_conditional_rendering)
  bool has_subgroup_shuffle = false;  // in kernels with KernelSource::full_subgroups
};

}  // namespace gpu_node::vulkan
