// What the devices of the host are, and which of them to use.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "vulkan/api.h"
#include "vulkan/device_info.h"
#include "vulkan/instance.h"
#include "vulkan/spirv_module.h"

namespace gpu_node::vulkan {

inline constexpr uint32_t kMaxBuffers = 64;  // of one kernel, on any device

struct PhysicalDevice {
  VkPhysicalDevice handle = VK_NULL_HANDLE;
  DeviceInfo info;
  FloatModes float_modes;
  uint32_t max_local_size[3] = {};
  uint32_t subgroup_operations = 0;  // VkSubgroupFeatureFlags in compute shaders
  uint32_t queue_family = 0;         // with compute
  uint32_t device_heap = 0;          // that memory_bytes of the info are those of
  uint32_t vendor_id = 0, device_id = 0, driver_version = 0;
  uint8_t pipeline_cache_uuid[VK_UUID_SIZE] = {};
  bool compiles_when_dispatched = false;  // for the first time: making a pipeline does half of the work
  std::vector<VkExtensionProperties> extensions;

  bool has(const char* extension) const;
};

// Every device of the host; one that cannot be used says why in info.unusable.
Result<std::vector<PhysicalDevice>> inspect_devices(const Instance& instance);

// The index in |devices| that |selector| (DeviceOptions) asks for. Errors: kNotFound, with the devices that there are;
// kUnsupported when the one asked for cannot be used.
Result<size_t> choose_device(std::span<const DeviceInfo> devices, std::string_view selector);

}  // namespace gpu_node::vulkan
