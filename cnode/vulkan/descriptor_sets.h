// Descriptor sets that are written again when the submission that used them is over. For drivers on which a pushed one
// costs more than what it is for: lavapipe maps memory for each, and unmaps it when the submission ends, which
// interrupts every core that the process runs on. Owned by the device thread.
#pragma once

#include <deque>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "vulkan/layout_cache.h"
#include "vulkan/timeline.h"

namespace gpu_node::vulkan {

// Fills |sets| with new ones of |layout|, and gives the pool that they are of.
Result<Handle<VkDescriptorPool>> make_sets(Context& context, const KernelLayout& layout,
                                           std::span<VkDescriptorSet> sets);

class DescriptorSets {
 public:
  DescriptorSets(Context& context, const Timeline& timeline) : context_(context), timeline_(timeline) {}

  // A set of |layout| for |buffers|, as many as it has, at least one; busy until the next submission is over.
  Result<VkDescriptorSet> take(const KernelLayout& layout, const VkDescriptorBufferInfo* buffers);

 private:
  static constexpr uint32_t kSetsOfPool = 32;
  struct Used {
    VkDescriptorSet set = VK_NULL_HANDLE;
    uint64_t value = 0;  // the submission
  };

  Result<VkDescriptorSet> free_set(const KernelLayout& layout);

  Context& context_;
  const Timeline& timeline_;
  std::vector<Handle<VkDescriptorPool>> pools_;
  // By number of buffers, since sets of equal layouts serve each other's; the longest used ones first.
  std::map<uint32_t, std::deque<Used>> used_;
};

}  // namespace gpu_node::vulkan
