#include "vulkan/context.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"

namespace gpu_node::vulkan {
namespace {

// What is enabled: everything below that the device has. Robust access makes a wrong index read zero (robustness2) or
// at least stay inside the buffer's own memory.
struct Features {
  VkPhysicalDeviceFeatures2 basic{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2};
  VkPhysicalDeviceVulkan11Features v11{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES};
  VkPhysicalDeviceVulkan12Features v12{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES};
  VkPhysicalDeviceRobustness2FeaturesEXT robust{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ROBUSTNESS_2_FEATURES_EXT};

  VkPhysicalDeviceSubgroupSizeControlFeaturesEXT subgroups{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES_EXT};
  VkPhysicalDeviceConditionalRenderingFeaturesEXT conditions{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_CONDITIONAL_RENDERING_FEATURES_EXT};

  Features(bool with_robustness2, bool with_subgroups, bool with_conditions) {
    basic.pNext = &v11;
    v11.pNext = &v12;
    if (with_robustness2) v12.pNext = &robust;
    if (with_subgroups) {
      subgroups.pNext = v12.pNext;
      v12.pNext = &subgroups;
    }
    if (with_conditions) {
      conditions.pNext = v12.pNext;
      v12.pNext = &conditions;
    }
  }
};

void choose_features(const Features& has, Features& wants) {
  wants.basic.features.robustBufferAccess = VK_TRUE;
  wants.basic.features.shaderFloat64 = has.basic.features.shaderFloat64;
  wants.basic.features.shaderInt64 = has.basic.features.shaderInt64;
  wants.basic.features.shaderInt16 = has.basic.features.shaderInt16;
  wants.v11.storageBuffer16BitAccess = has.v11.storageBuffer16BitAccess;
  wants.v12.timelineSemaphore = VK_TRUE;
  wants.v12.storageBuffer8BitAccess = has.v12.storageBuffer8BitAccess;
  wants.v12.shaderInt8 = has.v12.shaderInt8;
  wants.v12.shaderFloat16 = has.v12.shaderFloat16;
  wants.v12.scalarBlockLayout = has.v12.scalarBlockLayout;
  wants.v12.shaderSubgroupExtendedTypes = has.v12.shaderSubgroupExtendedTypes;
  wants.robust.robustBufferAccess2 = has.robust.robustBufferAccess2;
  wants.subgroups.computeFullSubgroups = has.subgroups.computeFullSubgroups;
  wants.conditions.conditionalRendering = has.conditions.conditionalRendering;
}

// Capabilities by the numbers of the SPIR-V specification.
std::vector<uint32_t> capabilities_of(const Features& enabled, uint32_t subgroup_operations) {
  const std::pair<uint32_t, VkBool32> all[] = {
      {0, VK_TRUE},                                  // Matrix
      {1, VK_TRUE},                                  // Shader
      {9, enabled.v12.shaderFloat16},                // Float16
      {10, enabled.basic.features.shaderFloat64},    // Float64
      {11, enabled.basic.features.shaderInt64},      // Int64
      {22, enabled.basic.features.shaderInt16},      // Int16
      {39, enabled.v12.shaderInt8},                  // Int8
      {4433, enabled.v11.storageBuffer16BitAccess},  // StorageBuffer16BitAccess
      {4448, enabled.v12.storageBuffer8BitAccess},   // StorageBuffer8BitAccess
      {4466, VK_TRUE},                               // SignedZeroInfNanPreserve: its modes are looked at
      {4467, VK_TRUE},                               // RoundingModeRTE: as well
  };
  std::vector<uint32_t> capabilities;
  for (const auto& [capability, has] : all)
    if (has == VK_TRUE) capabilities.push_back(capability);
  // GroupNonUniform and its kinds are in the order of the bits of VkSubgroupFeatureFlags.
  for (uint32_t bit = 0; bit < 8; ++bit)
    if ((subgroup_operations >> bit & 1) != 0) capabilities.push_back(61 + bit);
  return capabilities;
}

ShaderRules rules_of(const PhysicalDevice& physical, const Features& enabled) {
  const DeviceInfo& info = physical.info;
  ShaderRules rules{capabilities_of(enabled, physical.subgroup_operations), physical.float_modes, info.max_buffers,
                    info.max_push_bytes};
  std::copy_n(physical.max_local_size, 3, rules.max_local_size);
  rules.max_invocations = info.max_workgroup_invocations;
  rules.shared_memory_bytes = info.shared_memory_bytes;
  return rules;
}

std::vector<const char*> choose_extensions(const PhysicalDevice& physical, bool robustness2, bool subgroups,
                                           bool conditions) {
  std::vector<const char*> names = {VK_KHR_PUSH_DESCRIPTOR_EXTENSION_NAME};
  if (robustness2) names.push_back(VK_EXT_ROBUSTNESS_2_EXTENSION_NAME);
  if (subgroups) names.push_back(VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME);
  if (conditions) names.push_back(VK_EXT_CONDITIONAL_RENDERING_EXTENSION_NAME);
  if (physical.has(VK_EXT_MEMORY_BUDGET_EXTENSION_NAME)) names.push_back(VK_EXT_MEMORY_BUDGET_EXTENSION_NAME);
  // A driver on top of another interface (Metal) must be told that its gaps are known; volk hides the macro as beta.
  if (physical.has("VK_KHR_portability_subset")) names.push_back("VK_KHR_portability_subset");
  return names;
}

Result<void> open(Context& context) {
  const PhysicalDevice& physical = context.physical;
  const bool robustness2 = physical.has(VK_EXT_ROBUSTNESS_2_EXTENSION_NAME);
  const bool subgroups = physical.has(VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME);
  const bool conditions = physical.has(VK_EXT_CONDITIONAL_RENDERING_EXTENSION_NAME);
  Features has(robustness2, subgroups, conditions);
  vkGetPhysicalDeviceFeatures2(physical.handle, &has.basic);
  Features wants(robustness2, subgroups, conditions);
  choose_features(has, wants);
  const std::vector<const char*> extensions = choose_extensions(physical, robustness2, subgroups, conditions);

  const float priority = 1.0f;
  VkDeviceQueueCreateInfo queue{VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO};
  queue.queueFamilyIndex = physical.queue_family;
  queue.queueCount = 1;
  queue.pQueuePriorities = &priority;
  VkDeviceCreateInfo info{VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO};
  info.pNext = &wants.basic;
  info.queueCreateInfoCount = 1;
  info.pQueueCreateInfos = &queue;
  info.enabledExtensionCount = static_cast<uint32_t>(extensions.size());
  info.ppEnabledExtensionNames = extensions.data();
  VkDevice raw = VK_NULL_HANDLE;
  GPU_TRY_VK(vkCreateDevice(physical.handle, &info, nullptr, &raw), "vkCreateDevice on " + physical.info.name);
  volkLoadDeviceTable(&context.vk, raw);
  context.device = RootHandle<VkDevice>(raw, context.vk.vkDestroyDevice);
  context.vk.vkGetDeviceQueue(raw, physical.queue_family, 0, &context.queue);
  context.has_memory_budget = physical.has(VK_EXT_MEMORY_BUDGET_EXTENSION_NAME);
  context.has_scalar_layout = wants.v12.scalarBlockLayout == VK_TRUE;
  context.shader_rules = rules_of(physical, wants);
  return {};
}

}  // namespace

Result<std::unique_ptr<Context>> open_device(const DeviceOptions& options) {
  GPU_ASSIGN(const Fault fault, fault_from_environment());
  auto context = std::make_unique<Context>();
  context->fault = FaultPlan(fault);
  GPU_ASSIGN(context->instance, Instance::create(options.validation));
  GPU_ASSIGN(std::vector<PhysicalDevice> devices, inspect_devices(*context->instance));
  std::vector<DeviceInfo> infos;
  infos.reserve(devices.size());
  for (const PhysicalDevice& device : devices) infos.push_back(device.info);
  GPU_ASSIGN(const size_t chosen, choose_device(infos, options.selector));
  context->physical = std::move(devices[chosen]);
  if (options.always_staged) context->physical.info.unified_memory = false;
  GPU_TRY(open(*context));
  return context;
}

Result<std::unique_ptr<Context>> open_beside(const Context& other) {
  auto context = std::make_unique<Context>();
  context->physical = other.physical;
  GPU_TRY(open(*context));
  return context;
}

}  // namespace gpu_node::vulkan
