// One opened Vulkan device and what its pool, kernel cache and recorder share.
#pragma once

#include <memory>

#include "base/thread_owner.h"
#include "vulkan/counter_cells.h"
#include "vulkan/device.h"
#include "vulkan/fault.h"
#include "vulkan/handle.h"
#include "vulkan/instance.h"
#include "vulkan/physical_device.h"
#include "vulkan/spirv_interface.h"

namespace gpu_node::vulkan {

// Members are destroyed in reverse order: the device before its instance.
struct Context {
  std::unique_ptr<Instance> instance;
  PhysicalDevice physical;
  RootHandle<VkDevice> device;
  VolkDeviceTable vk{};  // this device's functions; the loader's globals would go through a trampoline
  VkQueue queue = VK_NULL_HANDLE;
  bool has_memory_budget = false;
  bool has_scalar_layout = false;
  ShaderRules shader_rules;
  CounterCells counters;
  FaultPlan fault{Fault{}};
  // Who records, allocates and submits.
  [[no_unique_address]] ThreadOwner thread;

  const DeviceInfo& info() const { return physical.info; }
};

// Chooses and opens the device that |options| ask for.
Result<std::unique_ptr<Context>> open_device(const DeviceOptions& options);

// Another device like that of |other|, which keeps the instance for both.
Result<std::unique_ptr<Context>> open_beside(const Context& other);

}  // namespace gpu_node::vulkan
