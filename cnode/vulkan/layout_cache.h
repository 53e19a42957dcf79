// Pipeline layouts, one per number of buffers and push constant bytes. Any thread.
//
// Descriptors are written through a template, an array of VkDescriptorBufferInfo: recording a dispatch takes 0.7 of the
// time that writes take. They are pushed, but on software drivers, which have sets (vulkan/descriptor_sets.h).
#pragma once

#include <map>
#include <utility>

#include "base/mutex.h"
#include "vulkan/context.h"

namespace gpu_node::vulkan {

struct KernelLayout {
  VkPipelineLayout pipeline = VK_NULL_HANDLE;
  VkDescriptorUpdateTemplate update = VK_NULL_HANDLE;  // null without buffers
  VkDescriptorSetLayout set = VK_NULL_HANDLE;
  uint32_t buffers = 0;
  bool pushes = true;
};

class LayoutCache {
 public:
  explicit LayoutCache(Context& context) : context_(context) {}

  // Lives as long as the cache.
  Result<KernelLayout> layout(uint32_t buffers, uint32_t push_bytes);

 private:
  struct Layout {
    Handle<VkDescriptorSetLayout> set;
    Handle<VkPipelineLayout> pipeline;
    Handle<VkDescriptorUpdateTemplate> update;
  };
  Result<Handle<VkDescriptorUpdateTemplate>> make_update(const Layout& layout, uint32_t buffers);
  Result<Layout> make(uint32_t buffers, uint32_t push_bytes);

  bool pushes() const { return !context_.info().software; }

  Context& context_;
  Mutex mutex_;
  std::map<std::pair<uint32_t, uint32_t>, Layout> layouts_ GPU_NODE_GUARDED_BY(mutex_);
};

}  // namespace gpu_node::vulkan
