// The first dispatch of a kernel, on a device of its own.
//
// Some drivers (lavapipe) compile a kernel at its first dispatch, in the queue's thread: everything that is queued
// behind it waits, for milliseconds or many seconds. Their own cache on disk is shared by all devices of a host. So a
// compiler's thread dispatches a new kernel over no workgroups, on a device that nobody waits for; afterwards the
// kernel's first dispatch on the real one finds what it needs.
#pragma once

#include <memory>

#include "vulkan/kernel_module.h"

namespace gpu_node::vulkan {

class Rehearsal {
 public:
  // Nothing where the driver compiles kernels when they are made, or keeps no cache.
  static bool is_needed(const Context& context);
  // A device beside that of |context|, which outlives it. One compiler's thread.
  static Result<std::unique_ptr<Rehearsal>> create(const Context& context);
  ~Rehearsal();

  // Returns once the driver has compiled |module|. Errors: the driver's.
  Result<void> play(const KernelModule& module);

 private:
  explicit Rehearsal(std::unique_ptr<Context> context) : context_(std::move(context)), layouts_(*context_) {}
  Result<void> open();
  Result<void> record(const KernelModule& module, const KernelLayout& layout, VkPipeline pipeline);
  Result<void> run();

  std::unique_ptr<Context> context_;
  LayoutCache layouts_;
  Handle<VkDescriptorPool> sets_;  // of the kernel at hand, where it is not pushed
  Handle<VkCommandPool> pool_;
  VkCommandBuffer commands_ = VK_NULL_HANDLE;
  Handle<VkFence> fence_;
  // Stands for every buffer that a kernel binds.
  Handle<VkDeviceMemory> memory_;
  Handle<VkBuffer> buffer_;
};

}  // namespace gpu_node::vulkan
