#include "vulkan/descriptor_sets.h"

namespace gpu_node::vulkan {

Result<VkDescriptorSet> DescriptorSets::take(const KernelLayout& layout, const VkDescriptorBufferInfo* buffers) {
  GPU_ASSIGN(const VkDescriptorSet set, free_set(layout));
  context_.vk.vkUpdateDescriptorSetWithTemplate(context_.device.get(), set, layout.update, buffers);
  used_[layout.buffers].push_back({set, timeline_.submitted() + 1});
  return set;
}

Result<VkDescriptorSet> DescriptorSets::free_set(const KernelLayout& layout) {
  std::deque<Used>& used = used_[layout.buffers];
  if (used.empty() || used.front().value > timeline_.completed()) {
    const VkDescriptorPoolSize size{VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, kSetsOfPool * layout.buffers};
    VkDescriptorPoolCreateInfo info{VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO};
    info.maxSets = kSetsOfPool;
    info.poolSizeCount = 1;
    info.pPoolSizes = &size;
    VkDescriptorPool raw = VK_NULL_HANDLE;
    const VkDevice device = context_.device.get();
    GPU_TRY_VK(context_.vk.vkCreateDescriptorPool(device, &info, nullptr, &raw), "vkCreateDescriptorPool");
    pools_.emplace_back(device, raw, context_.vk.vkDestroyDescriptorPool);
    const std::vector<VkDescriptorSetLayout> layouts(kSetsOfPool, layout.set);
    std::vector<VkDescriptorSet> sets(kSetsOfPool);
    VkDescriptorSetAllocateInfo allocate{VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO};
    allocate.descriptorPool = raw;
    allocate.descriptorSetCount = kSetsOfPool;
    allocate.pSetLayouts = layouts.data();
    GPU_TRY_VK(context_.vk.vkAllocateDescriptorSets(device, &allocate, sets.data()), "vkAllocateDescriptorSets");
    for (const VkDescriptorSet set : sets) used.push_front({set, 0});
  }
  const VkDescriptorSet set = used.front().set;
  used.pop_front();
  return set;
}

}  // namespace gpu_node::vulkan
