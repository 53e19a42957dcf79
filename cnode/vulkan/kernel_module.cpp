#include "vulkan/kernel_module.h"

namespace gpu_node::vulkan {

Result<Handle<VkPipeline>> make_pipeline(Context& context, const KernelModule& module, const KernelLayout& layout,
                                         VkPipelineCache cache) {
  const VkDevice device = context.device.get();
  VkShaderModuleCreateInfo module_info{VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO};
  module_info.codeSize = module.words.size() * sizeof(uint32_t);
  module_info.pCode = module.words.data();
  VkShaderModule raw_module = VK_NULL_HANDLE;
  GPU_TRY_VK(context.vk.vkCreateShaderModule(device, &module_info, nullptr, &raw_module), "vkCreateShaderModule");
  const Handle<VkShaderModule> shader(device, raw_module, context.vk.vkDestroyShaderModule);

  VkComputePipelineCreateInfo info{VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO};
  info.flags = VK_PIPELINE_CREATE_DISPATCH_BASE_BIT;  // long ones are dispatched in parts
  info.stage.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO;
  info.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
  info.stage.module = shader.get();
  info.stage.pName = "main";
  if (module.full_subgroups) info.stage.flags = VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT_EXT;
  info.layout = layout.pipeline;
  VkPipeline raw = VK_NULL_HANDLE;
  GPU_TRY_VK(context.vk.vkCreateComputePipelines(device, cache, 1, &info, nullptr, &raw), "vkCreateComputePipelines");
  return Handle<VkPipeline>(device, raw, context.vk.vkDestroyPipeline);
}

}  // namespace gpu_node::vulkan
