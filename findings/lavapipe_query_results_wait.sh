#!/usr/bin/env bash
# lavapipe: asking for query results waits until the device is idle.
#
# Mesa 25.0.7 (Debian 13, mesa-vulkan-drivers 25.0.7-2+deb13u1), software Vulkan driver. vkGetQueryPoolResults without
# VK_QUERY_RESULT_WAIT_BIT, of two time stamps whose command buffer is complete (its fence was waited for), while another
# command buffer without any query runs.
# Expected: the results at once, as the specification says of a call without that bit; the other work goes on.
# Seen: the call returns when the other work is over, seconds later. So who measures submissions by time stamps makes
# them wait for each other.
#
# Run as root on Linux with debootstrap: it makes a Debian 13 root in a temporary folder. Exit 0: as seen; 1: it changed.
set -euo pipefail
[[ $(id -u) == 0 ]] || { echo "needs root, for debootstrap"; exit 69; }
command -v debootstrap >/dev/null || { echo "needs debootstrap"; exit 69; }
root=$(mktemp -d)
trap 'umount "$root/proc" 2>/dev/null || true; rm -rf --one-file-system "$root"' EXIT
mirror=$(grep -rhoE 'https?://[^ ]+/debian/?( |$)' /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null | sed -n '1s/ *$//p' || true)
debootstrap --variant=minbase trixie "$root" ${mirror:+"$mirror"} >"$root.log" 2>&1 || { tail -n 20 "$root.log"; exit 69; }
rm -f "$root.log"
cp /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null || true
cp -r /etc/apt/apt.conf.d/. "$root/etc/apt/apt.conf.d/" 2>/dev/null || true
mount -t proc proc "$root/proc"
chroot "$root" sh -euc "apt-get update -qq; DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
  mesa-vulkan-drivers=25.0.7-2+deb13u1 libvulkan-dev=1.4.309.0-1 glslc=2025.2-1 gcc libc6-dev" >/dev/null 2>&1 || { echo "the pinned packages are not to be had"; exit 69; }

cat >"$root/tmp/long.comp" <<'GLSL'
#version 450
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) buffer Out { uint result[]; };
void main() {
  uint x = gl_GlobalInvocationID.x;
  for (uint i = 0u; i < 60000u; ++i) x = x * 1664525u + 1013904223u;
  result[gl_GlobalInvocationID.x] = x;
}
GLSL
cat >"$root/tmp/query.c" <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <vulkan/vulkan.h>
#define OK(call) do { VkResult r_ = (call); if (r_ != VK_SUCCESS) { fprintf(stderr, "%s: %d\n", #call, r_); exit(2); } } while (0)
static double ms(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1e3 + t.tv_nsec / 1e6; }
int main(int argc, char** argv) {
  VkApplicationInfo app = {VK_STRUCTURE_TYPE_APPLICATION_INFO, .apiVersion = VK_API_VERSION_1_2};
  VkInstanceCreateInfo ici = {VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO, .pApplicationInfo = &app};
  VkInstance instance; OK(vkCreateInstance(&ici, 0, &instance));
  uint32_t n = 1; VkPhysicalDevice gpu; if (vkEnumeratePhysicalDevices(instance, &n, &gpu) < 0 || n == 0) return 2;
  VkPhysicalDeviceDriverProperties driver = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES};
  VkPhysicalDeviceProperties2 props = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, &driver};
  vkGetPhysicalDeviceProperties2(gpu, &props);
  printf("%s, %s\n", props.properties.deviceName, driver.driverInfo);
  float one = 1;
  VkDeviceQueueCreateInfo qci = {VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, .queueCount = 1, .pQueuePriorities = &one};
  VkDeviceCreateInfo dci = {VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO, .queueCreateInfoCount = 1, .pQueueCreateInfos = &qci};
  VkDevice device; OK(vkCreateDevice(gpu, &dci, 0, &device));
  VkQueue queue; vkGetDeviceQueue(device, 0, 0, &queue);
  VkBufferCreateInfo bci = {VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = 1 << 20, .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT};
  VkBuffer buffer; OK(vkCreateBuffer(device, &bci, 0, &buffer));
  VkMemoryRequirements need; vkGetBufferMemoryRequirements(device, buffer, &need);
  VkMemoryAllocateInfo mai = {VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, .allocationSize = need.size, .memoryTypeIndex = 0};
  VkDeviceMemory memory; OK(vkAllocateMemory(device, &mai, 0, &memory)); OK(vkBindBufferMemory(device, buffer, memory, 0));
  VkDescriptorSetLayoutBinding binding = {0, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT};
  VkDescriptorSetLayoutCreateInfo slci = {VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO, .bindingCount = 1, .pBindings = &binding};
  VkDescriptorSetLayout set_layout; OK(vkCreateDescriptorSetLayout(device, &slci, 0, &set_layout));
  VkPipelineLayoutCreateInfo plci = {VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO, .setLayoutCount = 1, .pSetLayouts = &set_layout};
  VkPipelineLayout layout; OK(vkCreatePipelineLayout(device, &plci, 0, &layout));
  FILE* file = fopen(argv[1], "rb"); static uint32_t words[16384]; size_t size = fread(words, 1, sizeof words, file); fclose(file);
  VkShaderModuleCreateInfo mci = {VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, .codeSize = size, .pCode = words};
  VkShaderModule module; OK(vkCreateShaderModule(device, &mci, 0, &module));
  VkComputePipelineCreateInfo cci = {VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO, .layout = layout,
    .stage = {VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO, .stage = VK_SHADER_STAGE_COMPUTE_BIT, .module = module, .pName = "main"}};
  VkPipeline pipeline; OK(vkCreateComputePipelines(device, 0, 1, &cci, 0, &pipeline));
  VkDescriptorPoolSize dps = {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1};
  VkDescriptorPoolCreateInfo dpi = {VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO, .maxSets = 1, .poolSizeCount = 1, .pPoolSizes = &dps};
  VkDescriptorPool sets; OK(vkCreateDescriptorPool(device, &dpi, 0, &sets));
  VkDescriptorSetAllocateInfo sai = {VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO, .descriptorPool = sets, .descriptorSetCount = 1, .pSetLayouts = &set_layout};
  VkDescriptorSet set; OK(vkAllocateDescriptorSets(device, &sai, &set));
  VkDescriptorBufferInfo info = {buffer, 0, VK_WHOLE_SIZE};
  VkWriteDescriptorSet write = {VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET, .dstSet = set, .descriptorCount = 1, .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, .pBufferInfo = &info};
  vkUpdateDescriptorSets(device, 1, &write, 0, 0);
  VkQueryPoolCreateInfo qpi = {VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO, .queryType = VK_QUERY_TYPE_TIMESTAMP, .queryCount = 2};
  VkQueryPool queries; OK(vkCreateQueryPool(device, &qpi, 0, &queries));
  VkCommandPoolCreateInfo pci = {VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
  VkCommandPool pool; OK(vkCreateCommandPool(device, &pci, 0, &pool));
  VkCommandBufferAllocateInfo cai = {VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO, .commandPool = pool, .commandBufferCount = 3};
  VkCommandBuffer commands[3]; OK(vkAllocateCommandBuffers(device, &cai, commands));
  VkFenceCreateInfo fci = {VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
  VkFence fences[3]; for (int i = 0; i < 3; ++i) OK(vkCreateFence(device, &fci, 0, &fences[i]));
  for (int i = 0; i < 3; ++i) { /* 0: warms up, 1: two time stamps, 2: long work without any */
    VkCommandBufferBeginInfo begin = {VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
    OK(vkBeginCommandBuffer(commands[i], &begin));
    if (i == 1) {
      vkCmdResetQueryPool(commands[i], queries, 0, 2);
      for (uint32_t q = 0; q < 2; ++q) vkCmdWriteTimestamp(commands[i], VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, queries, q);
    } else {
      vkCmdBindPipeline(commands[i], VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
      vkCmdBindDescriptorSets(commands[i], VK_PIPELINE_BIND_POINT_COMPUTE, layout, 0, 1, &set, 0, 0);
      vkCmdDispatch(commands[i], i == 0 ? 1 : 2048, 1, 1);
    }
    OK(vkEndCommandBuffer(commands[i]));
  }
  for (int i = 0; i < 3; ++i) {
    VkSubmitInfo submit = {VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1, .pCommandBuffers = &commands[i]};
    OK(vkQueueSubmit(queue, 1, &submit, fences[i]));
    if (i < 2) OK(vkWaitForFences(device, 1, &fences[i], VK_TRUE, 10000000000ull));
  }
  double asked = ms();
  VkResult running_before = vkGetFenceStatus(device, fences[2]);
  uint64_t stamps[2];
  VkResult got = vkGetQueryPoolResults(device, queries, 0, 2, sizeof stamps, stamps, sizeof stamps[0], VK_QUERY_RESULT_64_BIT);
  double answered = ms();
  VkResult running_after = vkGetFenceStatus(device, fences[2]);
  OK(vkWaitForFences(device, 1, &fences[2], VK_TRUE, 60000000000ull));
  double whole = ms() - asked;
  printf("the results were there already (%d); asking without VK_QUERY_RESULT_WAIT_BIT took %.1f ms, other work of %.1f ms was %s before and %s after\n",
         got, answered - asked, whole, running_before == VK_NOT_READY ? "running" : "over", running_after == VK_NOT_READY ? "running" : "over");
  if (running_before != VK_NOT_READY || got != VK_SUCCESS) return 2;
  return running_after == VK_NOT_READY ? 1 : 0; /* 0: it waited */
}
C
chroot "$root" sh -euc 'cd /tmp; glslc -O -o long.spv long.comp; gcc -O1 -o query query.c -lvulkan
  VK_DRIVER_FILES=/usr/share/vulkan/icd.d/lvp_icd.json ./query long.spv'
