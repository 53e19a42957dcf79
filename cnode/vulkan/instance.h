// The Vulkan loader and one instance, with the validation layer when asked for.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "vulkan/handle.h"

namespace gpu_node::vulkan {

class Instance {
 public:
  // Errors: kNotFound when the loader, every driver or the wanted layer is missing; the message says what to install.
  static Result<std::unique_ptr<Instance>> create(bool validation);
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  VkInstance get() const { return instance_.get(); }
  uint64_t validation_messages() const { return validation_messages_.load(std::memory_order_relaxed); }

  static uint64_t validation_messages_of_process();

  // In the loader's order. Errors: kNotFound when there is none.
  Result<std::vector<VkPhysicalDevice>> physical_devices() const;

 private:
  Instance() = default;
  Result<void> listen();

  std::atomic<uint64_t> validation_messages_{0};
  RootHandle<VkInstance> instance_;
  Handle<VkDebugUtilsMessengerEXT, VkInstance> messenger_;
};

}  // namespace gpu_node::vulkan
