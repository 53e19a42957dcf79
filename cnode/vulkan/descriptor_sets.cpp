#include "vulkan/descriptor_sets.h"

#include <array>

namespace gpu_node::vulkan {

Result<Handle<VkDescriptorPool>> make_sets(Context& context, const KernelLayout& layout,
                                           std::span<VkDescriptorSet> sets) {
  const auto count = static_cast<uint32_t>(sets.size());
  const VkDevice device = context.device.get();
  const VkDescriptorPoolSize size{VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, count * layout.buffers};
  VkDescriptorPoolCreateInfo info{VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO};
  info.maxSets = count;
  info.poolSizeCount = 1;
  info.pPoolSizes = &size;
  VkDescriptorPool raw = VK_NULL_HANDLE;
  GPU_TRY_VK(context.vk.vkCreateDescriptorPool(device, &info, nullptr, &raw), "vkCreateDescriptorPool");
  Handle<VkDescriptorPool> pool(device, raw, context.vk.vkDestroyDescriptorPool);
  const std::vector<VkDescriptorSetLayout> layouts(count, layout.set);
  VkDescriptorSetAllocateInfo allocate{VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO};
  allocate.descriptorPool = raw;
  allocate.descriptorSetCount = count;
  allocate.pSetLayouts = layouts.data();
  GPU_TRY_VK(context.vk.vkAllocateDescriptorSets(device, &allocate, sets.data()), "vkAllocateDescriptorSets");
  return pool;
}

Result<VkDescriptorSet> DescriptorSets::take(const KernelLayout& layout, const VkDescriptorBufferInfo* buffers) {
  GPU_ASSIGN(const VkDescriptorSet set, free_set(layout));
  context_.vk.vkUpdateDescriptorSetWithTemplate(context_.device.get(), set, layout.update, buffers);
  used_[layout.buffers].push_back({set, timeline_.submitted() + 1});
  return set;
}

Result<VkDescriptorSet> DescriptorSets::free_set(const KernelLayout& layout) {
  std::deque<Used>& used = used_[layout.buffers];
  if (used.empty() || used.front().value > timeline_.completed()) {
    std::array<VkDescriptorSet, kSetsOfPool> sets;
    GPU_ASSIGN(pools_.emplace_back(), make_sets(context_, layout, sets));
    for (const VkDescriptorSet set : sets) used.push_front({set, 0});
  }
  const VkDescriptorSet set = used.front().set;
  used.pop_front();
  return set;
}

}  // namespace gpu_node::vulkan
