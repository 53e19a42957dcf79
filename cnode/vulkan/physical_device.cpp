#include "vulkan/physical_device.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstring>

#include "base/concat.h"
#include "base/hex.h"
#include "vulkan/driver_quirks.h"

namespace gpu_node::vulkan {
namespace {

std::string version_text(uint32_t version) {
  return concat(VK_API_VERSION_MAJOR(version), ".", VK_API_VERSION_MINOR(version), ".", VK_API_VERSION_PATCH(version));
}

// Memory counts as unified when one type has all that a kernel and a host's memcpy want, and no card is between them.
bool is_unified(const VkPhysicalDeviceMemoryProperties& memory, VkPhysicalDeviceType type) {
  if (type == VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU) return false;
  constexpr VkMemoryPropertyFlags kAll = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT | VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT |
                                         VK_MEMORY_PROPERTY_HOST_COHERENT_BIT | VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
  for (uint32_t i = 0; i < memory.memoryTypeCount; ++i)
    if ((memory.memoryTypes[i].propertyFlags & kAll) == kAll) return true;
  return false;
}

// The largest heap of the device's own.
uint32_t device_heap(const VkPhysicalDeviceMemoryProperties& memory) {
  uint32_t largest = 0;
  uint64_t bytes = 0;
  for (uint32_t i = 0; i < memory.memoryHeapCount; ++i) {
    const VkMemoryHeap& heap = memory.memoryHeaps[i];
    if ((heap.flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT) == 0 || heap.size <= bytes) continue;
    largest = i;
    bytes = heap.size;
  }
  return largest;
}

void read_features(const PhysicalDevice& device, DeviceInfo& info) {
  VkPhysicalDeviceSubgroupSizeControlFeaturesEXT subgroups{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES_EXT};
  VkPhysicalDeviceConditionalRenderingFeaturesEXT conditions{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_CONDITIONAL_RENDERING_FEATURES_EXT};
  VkPhysicalDeviceVulkan12Features v12{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES};
  VkPhysicalDeviceVulkan11Features v11{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES};
  VkPhysicalDeviceFeatures2 features{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2};
  features.pNext = &v11;
  v11.pNext = &v12;
  if (device.has(VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME)) v12.pNext = &subgroups;
  if (device.has(VK_EXT_CONDITIONAL_RENDERING_EXTENSION_NAME)) {
    conditions.pNext = v12.pNext;
    v12.pNext = &conditions;
  }
  vkGetPhysicalDeviceFeatures2(device.handle, &features);
  info.has_f16_storage = v11.storageBuffer16BitAccess == VK_TRUE;
  info.has_8bit_storage = v12.storageBuffer8BitAccess == VK_TRUE && v12.shaderInt8 == VK_TRUE;
  info.has_f64 = features.features.shaderFloat64 == VK_TRUE;
  info.has_i64 = features.features.shaderInt64 == VK_TRUE;
  info.has_conditions = conditions.conditionalRendering == VK_TRUE;
  if (subgroups.computeFullSubgroups != VK_TRUE) info.has_subgroup_shuffle = false;
  if (v12.timelineSemaphore != VK_TRUE) info.unusable = "it has no timeline semaphores";
  if (features.features.robustBufferAccess != VK_TRUE) info.unusable = "it has no robust buffer access";
}

FloatModes float_modes_of(const VkPhysicalDeviceVulkan12Properties& v12) {
  FloatModes modes;
  modes.preserve[0] = v12.shaderSignedZeroInfNanPreserveFloat16 == VK_TRUE;
  modes.preserve[1] = v12.shaderSignedZeroInfNanPreserveFloat32 == VK_TRUE;
  modes.preserve[2] = v12.shaderSignedZeroInfNanPreserveFloat64 == VK_TRUE;
  const bool even[3] = {v12.shaderRoundingModeRTEFloat16 == VK_TRUE, v12.shaderRoundingModeRTEFloat32 == VK_TRUE,
                        v12.shaderRoundingModeRTEFloat64 == VK_TRUE};
  // A device that cannot set the widths apart gets the mode for all of them or for none.
  const bool apart = v12.roundingModeIndependence == VK_SHADER_FLOAT_CONTROLS_INDEPENDENCE_ALL;
  const bool all = even[0] && even[1] && even[2];
  for (size_t i = 0; i < 3; ++i) modes.round_to_even[i] = apart ? even[i] : all;
  return modes;
}

void read_limits(const VkPhysicalDeviceLimits& limits, DeviceInfo& info) {
  info.max_storage_range = limits.maxStorageBufferRange;
  info.storage_alignment = static_cast<uint32_t>(limits.minStorageBufferOffsetAlignment);
  info.max_push_bytes = limits.maxPushConstantsSize;
  info.max_workgroup_invocations = limits.maxComputeWorkGroupInvocations;
  for (int i = 0; i < 3; ++i) info.max_groups[i] = limits.maxComputeWorkGroupCount[i];
  info.shared_memory_bytes = limits.maxComputeSharedMemorySize;
}

void read_properties(PhysicalDevice& device) {
  VkPhysicalDeviceMaintenance4Properties maintenance4{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_4_PROPERTIES};
  VkPhysicalDevicePushDescriptorPropertiesKHR push{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PUSH_DESCRIPTOR_PROPERTIES_KHR};
  VkPhysicalDeviceVulkan12Properties v12{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_PROPERTIES};
  VkPhysicalDeviceVulkan11Properties v11{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_PROPERTIES};
  VkPhysicalDeviceProperties2 all{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2};
  all.pNext = &v11;
  v11.pNext = &v12;
  void** end = &v12.pNext;
  if (device.has(VK_KHR_PUSH_DESCRIPTOR_EXTENSION_NAME)) {
    *end = &push;
    end = &push.pNext;
  }
  if (device.has(VK_KHR_MAINTENANCE_4_EXTENSION_NAME)) *end = &maintenance4;
  vkGetPhysicalDeviceProperties2(device.handle, &all);

  DeviceInfo& info = device.info;
  const VkPhysicalDeviceProperties& basic = all.properties;
  read_limits(basic.limits, info);
  info.name = basic.deviceName;
  info.driver = std::string(v12.driverName) + " " + v12.driverInfo;
  info.max_loop_iterations = max_loop_iterations(v12.driverID == VK_DRIVER_ID_MESA_LLVMPIPE, v12.driverInfo);
  info.api_version = version_text(basic.apiVersion);
  info.uuid = hex(v11.deviceUUID);
  info.vendor_id = basic.vendorID;
  info.software = basic.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU;
  info.discrete = basic.deviceType == VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU;
  info.max_buffers = std::min({push.maxPushDescriptors, basic.limits.maxPerStageDescriptorStorageBuffers,
                               basic.limits.maxDescriptorSetStorageBuffers, kMaxBuffers});
  info.max_allocation_bytes = v11.maxMemoryAllocationSize;
  if (maintenance4.maxBufferSize != 0)
    info.max_allocation_bytes = std::min<uint64_t>(info.max_allocation_bytes, maintenance4.maxBufferSize);
  info.subgroup_size = v11.subgroupSize;
  // Whatever shuffles has ballots; kernels use both.
  constexpr VkSubgroupFeatureFlags kShuffle =
      VK_SUBGROUP_FEATURE_BASIC_BIT | VK_SUBGROUP_FEATURE_SHUFFLE_BIT | VK_SUBGROUP_FEATURE_BALLOT_BIT;
  info.has_subgroup_shuffle = (v11.subgroupSupportedStages & VK_SHADER_STAGE_COMPUTE_BIT) != 0 &&
                              (v11.subgroupSupportedOperations & kShuffle) == kShuffle;
  device.float_modes = float_modes_of(v12);
  std::copy_n(basic.limits.maxComputeWorkGroupSize, 3, device.max_local_size);
  if ((v11.subgroupSupportedStages & VK_SHADER_STAGE_COMPUTE_BIT) != 0)
    device.subgroup_operations = v11.subgroupSupportedOperations;
  info.preserves_nan_f32 = device.float_modes.preserve[1];
  info.preserves_nan_f64 = device.float_modes.preserve[2];
  device.vendor_id = basic.vendorID;
  device.device_id = basic.deviceID;
  device.driver_version = basic.driverVersion;
  device.compiles_when_dispatched = v12.driverID == VK_DRIVER_ID_MESA_LLVMPIPE;
  std::memcpy(device.pipeline_cache_uuid, basic.pipelineCacheUUID, VK_UUID_SIZE);

  VkPhysicalDeviceMemoryProperties memory;
  vkGetPhysicalDeviceMemoryProperties(device.handle, &memory);
  info.unified_memory = is_unified(memory, basic.deviceType);
  device.device_heap = device_heap(memory);
  info.memory_bytes = memory.memoryHeaps[device.device_heap].size;
}

// Prefers a family without graphics: on cards that have one, compute there does not queue behind a desktop.
bool find_queue_family(PhysicalDevice& device) {
  uint32_t count = 0;
  vkGetPhysicalDeviceQueueFamilyProperties(device.handle, &count, nullptr);
  std::vector<VkQueueFamilyProperties> families(count);
  vkGetPhysicalDeviceQueueFamilyProperties(device.handle, &count, families.data());
  bool found = false;
  for (uint32_t i = 0; i < count; ++i) {
    if ((families[i].queueFlags & VK_QUEUE_COMPUTE_BIT) == 0) continue;
    const bool alone = (families[i].queueFlags & VK_QUEUE_GRAPHICS_BIT) == 0;
    if (!found || alone) device.queue_family = i;
    found = true;
    if (alone) break;
  }
  return found;
}

Result<PhysicalDevice> inspect(VkPhysicalDevice handle, uint32_t index) {
  PhysicalDevice device;
  device.handle = handle;
  device.info.index = index;
  uint32_t count = 0;
  GPU_TRY_VK(vkEnumerateDeviceExtensionProperties(handle, nullptr, &count, nullptr),
             "vkEnumerateDeviceExtensionProperties");
  device.extensions.resize(count);
  GPU_TRY_VK(vkEnumerateDeviceExtensionProperties(handle, nullptr, &count, device.extensions.data()),
             "vkEnumerateDeviceExtensionProperties");

  VkPhysicalDeviceProperties basic;
  vkGetPhysicalDeviceProperties(handle, &basic);
  if (basic.apiVersion < VK_API_VERSION_1_2) {
    device.info.name = basic.deviceName;
    device.info.api_version = version_text(basic.apiVersion);
    device.info.software = basic.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU;
    device.info.discrete = basic.deviceType == VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU;
    device.info.unusable = "its driver offers Vulkan " + device.info.api_version + ", and 1.2 is needed";
    return device;
  }
  read_properties(device);
  read_features(device, device.info);
  if (!find_queue_family(device)) device.info.unusable = "it has no queue for compute";
  if (!device.has(VK_KHR_PUSH_DESCRIPTOR_EXTENSION_NAME))
    device.info.unusable = std::string("its driver lacks ") + VK_KHR_PUSH_DESCRIPTOR_EXTENSION_NAME;
  return device;
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

int rank(const DeviceInfo& device) {
  if (device.software) return 2;
  return device.discrete ? 0 : 1;
}

std::string describe_all(std::span<const DeviceInfo> devices) {
  std::string text;
  for (const DeviceInfo& device : devices) {
    if (!text.empty()) text += ", ";
    text += concat(device.index, " \"", device.name, "\"");
    if (!device.unusable.empty()) text += " (unusable: " + device.unusable + ")";
  }
  return text.empty() ? "none" : text;
}

}  // namespace

bool PhysicalDevice::has(const char* extension) const {
  return std::any_of(extensions.begin(), extensions.end(),
                     [&](const auto& known) { return std::strcmp(known.extensionName, extension) == 0; });
}

Result<std::vector<PhysicalDevice>> inspect_devices(const Instance& instance) {
  GPU_ASSIGN(const std::vector<VkPhysicalDevice> handles, instance.physical_devices());
  std::vector<PhysicalDevice> devices;
  for (const VkPhysicalDevice handle : handles) {
    GPU_ASSIGN(PhysicalDevice device, inspect(handle, static_cast<uint32_t>(devices.size())));
    devices.push_back(std::move(device));
  }
  return devices;
}

Result<size_t> choose_device(std::span<const DeviceInfo> devices, std::string_view selector) {
  const auto none = [&](const std::string& wanted) {
    return Error{ErrorCode::kNotFound, "no Vulkan device " + wanted + "; there is: " + describe_all(devices)};
  };
  if (selector.empty()) {
    std::optional<size_t> best;
    for (size_t i = 0; i < devices.size(); ++i)
      if (devices[i].unusable.empty() && (!best || rank(devices[i]) < rank(devices[*best]))) best = i;
    if (!best) return none("that can be used");
    return *best;
  }
  std::optional<size_t> found;
  uint32_t number = 0;
  const auto [end, failure] = std::from_chars(selector.data(), selector.data() + selector.size(), number);
  const bool by_number = failure == std::errc() && end == selector.data() + selector.size();
  const std::string part = lower(selector);
  for (size_t i = 0; i < devices.size() && !found; ++i) {
    const bool fits = by_number ? devices[i].index == number : lower(devices[i].name).find(part) != std::string::npos;
    if (fits) found = i;
  }
  if (!found) return none((by_number ? "with index " : "named ") + std::string(selector));
  const DeviceInfo& device = devices[*found];
  if (!device.unusable.empty())
    return Error{ErrorCode::kUnsupported,
                 "the Vulkan device \"" + device.name + "\" cannot be used: " + device.unusable};
  return *found;
}

}  // namespace gpu_node::vulkan
