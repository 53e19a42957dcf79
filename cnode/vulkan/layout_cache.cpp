#include "vulkan/layout_cache.h"

#include <vector>

namespace gpu_node::vulkan {

Result<KernelLayout> LayoutCache::layout(uint32_t buffers, uint32_t push_bytes) {
  const MutexLock lock(mutex_);
  auto found = layouts_.find({buffers, push_bytes});
  if (found == layouts_.end()) {
    GPU_ASSIGN(Layout made, make(buffers, push_bytes));
    found = layouts_.emplace(std::pair(buffers, push_bytes), std::move(made)).first;
  }
  const Layout& layout = found->second;
  return KernelLayout{layout.pipeline.get(), layout.update.get(), layout.set.get(), buffers, pushes()};
}

Result<LayoutCache::Layout> LayoutCache::make(uint32_t buffers, uint32_t push_bytes) {
  const VkDevice device = context_.device.get();
  std::vector<VkDescriptorSetLayoutBinding> bindings(buffers);
  for (uint32_t i = 0; i < buffers; ++i) {
    bindings[i].binding = i;
    bindings[i].descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
    bindings[i].descriptorCount = 1;
    bindings[i].stageFlags = VK_SHADER_STAGE_COMPUTE_BIT;
  }
  VkDescriptorSetLayoutCreateInfo set_info{VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO};
  if (pushes()) set_info.flags = VK_DESCRIPTOR_SET_LAYOUT_CREATE_PUSH_DESCRIPTOR_BIT_KHR;
  set_info.bindingCount = buffers;
  set_info.pBindings = bindings.data();
  VkDescriptorSetLayout raw_set = VK_NULL_HANDLE;
  GPU_TRY_VK(context_.vk.vkCreateDescriptorSetLayout(device, &set_info, nullptr, &raw_set),
             "vkCreateDescriptorSetLayout");
  Layout layout;
  layout.set = {device, raw_set, context_.vk.vkDestroyDescriptorSetLayout};

  VkPushConstantRange push{VK_SHADER_STAGE_COMPUTE_BIT, 0, push_bytes};
  VkPipelineLayoutCreateInfo info{VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO};
  info.setLayoutCount = 1;
  info.pSetLayouts = &raw_set;
  info.pushConstantRangeCount = push_bytes == 0 ? 0 : 1;
  info.pPushConstantRanges = &push;
  VkPipelineLayout raw = VK_NULL_HANDLE;
  GPU_TRY_VK(context_.vk.vkCreatePipelineLayout(device, &info, nullptr, &raw), "vkCreatePipelineLayout");
  layout.pipeline = {device, raw, context_.vk.vkDestroyPipelineLayout};
  if (buffers != 0) {
    GPU_ASSIGN(layout.update, make_update(layout, buffers));
  }
  return layout;
}

Result<Handle<VkDescriptorUpdateTemplate>> LayoutCache::make_update(const Layout& layout, uint32_t buffers) {
  std::vector<VkDescriptorUpdateTemplateEntry> entries(buffers);
  for (uint32_t i = 0; i < buffers; ++i)
    entries[i] = {i, 0, 1, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, i * sizeof(VkDescriptorBufferInfo), 0};
  VkDescriptorUpdateTemplateCreateInfo info{VK_STRUCTURE_TYPE_DESCRIPTOR_UPDATE_TEMPLATE_CREATE_INFO};
  info.descriptorUpdateEntryCount = buffers;
  info.pDescriptorUpdateEntries = entries.data();
  info.templateType = pushes() ? VK_DESCRIPTOR_UPDATE_TEMPLATE_TYPE_PUSH_DESCRIPTORS_KHR
                               : VK_DESCRIPTOR_UPDATE_TEMPLATE_TYPE_DESCRIPTOR_SET;
  info.descriptorSetLayout = layout.set.get();
  info.pipelineBindPoint = VK_PIPELINE_BIND_POINT_COMPUTE;
  info.pipelineLayout = layout.pipeline.get();
  VkDescriptorUpdateTemplate raw = VK_NULL_HANDLE;
  GPU_TRY_VK(context_.vk.vkCreateDescriptorUpdateTemplate(context_.device.get(), &info, nullptr, &raw),
             "vkCreateDescriptorUpdateTemplate");
  return Handle<VkDescriptorUpdateTemplate>(context_.device.get(), raw, context_.vk.vkDestroyDescriptorUpdateTemplate);
}

}  // namespace gpu_node::vulkan
