// Pipeline layouts, one per number of buffers and push constant bytes. Any thread.
#pragma once

#include <map>
#include <mutex>
#include <utility>

#include "vulkan/context.h"

namespace gpu_node::vulkan {

class LayoutCache {
 public:
  explicit LayoutCache(Context& context) : context_(context) {}

  // Lives as long as the cache.
  Result<VkPipelineLayout> layout(uint32_t buffers, uint32_t push_bytes);

 private:
  struct Layout {
    Handle<VkDescriptorSetLayout> set;
    Handle<VkPipelineLayout> pipeline;
  };
  Result<Layout> make(uint32_t buffers, uint32_t push_bytes);

  Context& context_;
  std::mutex mutex_;
  std::map<std::pair<uint32_t, uint32_t>, Layout> layouts_;
};

}  // namespace gpu_node::vulkan
