#include "vulkan/rehearsal.h"

#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include "vulkan/descriptor_sets.h"

namespace gpu_node::vulkan {
namespace {

constexpr VkDeviceSize kBufferBytes = 256;
constexpr uint64_t kWaitNs = 600'000'000'000;  // of one kernel; a driver does not stop half-way

}  // namespace

bool Rehearsal::is_needed(const Context& context) {
  const auto is_set = [](const char* variable) {
    const char* value = std::getenv(variable);
    return value != nullptr && (std::strcmp(value, "1") == 0 || std::strcmp(value, "true") == 0);
  };
  const bool without_cache = is_set("MESA_SHADER_CACHE_DISABLE") || is_set("MESA_GLSL_CACHE_DISABLE");
  return context.physical.compiles_when_dispatched && !without_cache;
}

Result<std::unique_ptr<Rehearsal>> Rehearsal::create(const Context& context) {
  GPU_ASSIGN(std::unique_ptr<Context> beside, open_beside(context));
  std::unique_ptr<Rehearsal> rehearsal(new Rehearsal(std::move(beside)));
  GPU_TRY(rehearsal->open());
  return rehearsal;
}

Rehearsal::~Rehearsal() {
  if (context_->device.get() != VK_NULL_HANDLE) context_->vk.vkDeviceWaitIdle(context_->device.get());
}

Result<void> Rehearsal::open() {
  const VkDevice device = context_->device.get();
  const VolkDeviceTable& vk = context_->vk;
  VkCommandPoolCreateInfo pool_info{VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
  pool_info.queueFamilyIndex = context_->physical.queue_family;
  VkCommandPool pool = VK_NULL_HANDLE;
  GPU_TRY_VK(vk.vkCreateCommandPool(device, &pool_info, nullptr, &pool), "vkCreateCommandPool");
  pool_ = {device, pool, vk.vkDestroyCommandPool};
  VkCommandBufferAllocateInfo commands_info{VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO};
  commands_info.commandPool = pool;
  commands_info.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
  commands_info.commandBufferCount = 1;
  GPU_TRY_VK(vk.vkAllocateCommandBuffers(device, &commands_info, &commands_), "vkAllocateCommandBuffers");
  const VkFenceCreateInfo fence_info{VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
  VkFence fence = VK_NULL_HANDLE;
  GPU_TRY_VK(vk.vkCreateFence(device, &fence_info, nullptr, &fence), "vkCreateFence");
  fence_ = {device, fence, vk.vkDestroyFence};

  VkBufferCreateInfo buffer_info{VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO};
  buffer_info.size = kBufferBytes;
  buffer_info.usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT;
  VkBuffer buffer = VK_NULL_HANDLE;
  GPU_TRY_VK(vk.vkCreateBuffer(device, &buffer_info, nullptr, &buffer), "vkCreateBuffer");
  buffer_ = {device, buffer, vk.vkDestroyBuffer};
  VkMemoryRequirements needs;
  vk.vkGetBufferMemoryRequirements(device, buffer, &needs);
  VkMemoryAllocateInfo memory_info{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO};
  memory_info.allocationSize = needs.size;
  while ((needs.memoryTypeBits >> memory_info.memoryTypeIndex & 1) == 0) ++memory_info.memoryTypeIndex;
  VkDeviceMemory memory = VK_NULL_HANDLE;
  GPU_TRY_VK(vk.vkAllocateMemory(device, &memory_info, nullptr, &memory), "vkAllocateMemory");
  memory_ = {device, memory, vk.vkFreeMemory};
  GPU_TRY_VK(vk.vkBindBufferMemory(device, buffer, memory, 0), "vkBindBufferMemory");
  return {};
}

Result<void> Rehearsal::play(const KernelModule& module) {
  GPU_ASSIGN(const KernelLayout layout, layouts_.layout(module.interface.buffers, module.interface.push_bytes));
  GPU_ASSIGN(const Handle<VkPipeline> pipeline, make_pipeline(*context_, module, layout, VK_NULL_HANDLE));
  GPU_TRY(record(module, layout, pipeline.get()));
  return run();
}

Result<void> Rehearsal::record(const KernelModule& module, const KernelLayout& layout, VkPipeline pipeline) {
  const VolkDeviceTable& vk = context_->vk;
  GPU_TRY_VK(vk.vkResetCommandPool(context_->device.get(), pool_.get(), 0), "vkResetCommandPool");
  VkCommandBufferBeginInfo begin{VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
  begin.flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT;
  GPU_TRY_VK(vk.vkBeginCommandBuffer(commands_, &begin), "vkBeginCommandBuffer");
  vk.vkCmdBindPipeline(commands_, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
  const std::vector<VkDescriptorBufferInfo> buffers(module.interface.buffers, {buffer_.get(), 0, kBufferBytes});
  if (!buffers.empty() && layout.pushes)
    vk.vkCmdPushDescriptorSetWithTemplateKHR(commands_, layout.update, layout.pipeline, 0, buffers.data());
  if (!buffers.empty() && !layout.pushes) {
    VkDescriptorSet set = VK_NULL_HANDLE;
    // The one before is not in use any more.
    GPU_ASSIGN(sets_, make_sets(*context_, layout, {&set, 1}));
    vk.vkUpdateDescriptorSetWithTemplate(context_->device.get(), set, layout.update, buffers.data());
    vk.vkCmdBindDescriptorSets(commands_, VK_PIPELINE_BIND_POINT_COMPUTE, layout.pipeline, 0, 1, &set, 0, nullptr);
  }
  const std::vector<std::byte> push(module.interface.push_bytes);
  if (!push.empty())
    vk.vkCmdPushConstants(commands_, layout.pipeline, VK_SHADER_STAGE_COMPUTE_BIT, 0,
                          static_cast<uint32_t>(push.size()), push.data());
  vk.vkCmdDispatch(commands_, 0, 0, 0);
  GPU_TRY_VK(vk.vkEndCommandBuffer(commands_), "vkEndCommandBuffer");
  return {};
}

Result<void> Rehearsal::run() {
  const VkDevice device = context_->device.get();
  const VolkDeviceTable& vk = context_->vk;
  const VkFence fence = fence_.get();
  GPU_TRY_VK(vk.vkResetFences(device, 1, &fence), "vkResetFences");
  VkSubmitInfo submit{VK_STRUCTURE_TYPE_SUBMIT_INFO};
  submit.commandBufferCount = 1;
  submit.pCommandBuffers = &commands_;
  GPU_TRY_VK(vk.vkQueueSubmit(context_->queue, 1, &submit, fence), "vkQueueSubmit");
  GPU_TRY_VK(vk.vkWaitForFences(device, 1, &fence, VK_TRUE, kWaitNs), "vkWaitForFences");
  return {};
}

}  // namespace gpu_node::vulkan
