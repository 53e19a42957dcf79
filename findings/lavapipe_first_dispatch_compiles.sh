#!/usr/bin/env bash
# lavapipe: a compute pipeline is compiled at its first dispatch, in the queue's thread.
#
# Mesa 25.0.7 (Debian 13, mesa-vulkan-drivers 25.0.7-2+deb13u1), software Vulkan driver. A pipeline of a long straight
# line of sines is made with vkCreateComputePipelines and dispatched over one workgroup; behind it a tiny pipeline, which
# has run before, is submitted to the same queue.
# Expected: what compiles a pipeline is over when vkCreateComputePipelines returns; then the tiny one waits for the run
# of the long one at most, which is a fraction of a millisecond.
# Seen: both calls return within milliseconds, then the thread of the queue compiles with LLVM for a second or more, and
# all that was submitted behind waits. Who serves several clients on that queue holds everybody up with one new kernel.
# A remedy, shown with another kernel of equal length: the same pipeline made on a second VkDevice of the process and
# dispatched there over no workgroups (vkCmdDispatch of 0, 0, 0) is compiled all the same and put into Mesa's cache on
# disk (MESA_SHADER_CACHE_DIR, here in the temporary root), where the first dispatch on the first device finds it.
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

{ # some hundred sines and exponentials in a straight line; RATE tells the kernels apart
  printf '#version 450\nlayout(local_size_x = 8) in;\nlayout(set = 0, binding = 0) buffer Out { float result[]; };\n'
  printf 'void main() {\n  float x = result[gl_GlobalInvocationID.x] + float(gl_GlobalInvocationID.x);\n'
  for ((i = 0; i < 300; ++i)); do printf '  x = sin(x) * RATE + exp(-x);\n'; done
  printf '  result[gl_GlobalInvocationID.x] = x;\n}\n'
} >"$root/tmp/long.comp"
cat >"$root/tmp/tiny.comp" <<'GLSL'
#version 450
layout(local_size_x = 8) in;
layout(set = 0, binding = 0) buffer Out { float result[]; };
void main() { result[gl_GlobalInvocationID.x] = 1.0; }
GLSL
cat >"$root/tmp/first.c" <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <vulkan/vulkan.h>
#define OK(call) do { VkResult r_ = (call); if (r_ != VK_SUCCESS) { fprintf(stderr, "%s: %d\n", #call, r_); exit(2); } } while (0)
static double ms_of(clockid_t clock) { struct timespec t; clock_gettime(clock, &t); return t.tv_sec * 1e3 + t.tv_nsec / 1e6; }
static double ms(void) { return ms_of(CLOCK_MONOTONIC); }
static VkPhysicalDevice gpu;
typedef struct { VkDevice device; VkQueue queue; VkPipelineLayout layout; VkDescriptorSet set; VkCommandPool pool; } Device;

static Device open_device(void) { /* with one storage buffer, bound to set 0 */
  Device d; float one = 1;
  VkDeviceQueueCreateInfo qci = {VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, .queueCount = 1, .pQueuePriorities = &one};
  VkDeviceCreateInfo dci = {VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO, .queueCreateInfoCount = 1, .pQueueCreateInfos = &qci};
  OK(vkCreateDevice(gpu, &dci, 0, &d.device));
  vkGetDeviceQueue(d.device, 0, 0, &d.queue);
  VkBufferCreateInfo bci = {VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = 4096, .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT};
  VkBuffer buffer; OK(vkCreateBuffer(d.device, &bci, 0, &buffer));
  VkMemoryRequirements need; vkGetBufferMemoryRequirements(d.device, buffer, &need);
  VkMemoryAllocateInfo mai = {VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, .allocationSize = need.size, .memoryTypeIndex = 0};
  VkDeviceMemory memory; OK(vkAllocateMemory(d.device, &mai, 0, &memory)); OK(vkBindBufferMemory(d.device, buffer, memory, 0));
  VkDescriptorSetLayoutBinding binding = {0, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT};
  VkDescriptorSetLayoutCreateInfo slci = {VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO, .bindingCount = 1, .pBindings = &binding};
  VkDescriptorSetLayout set_layout; OK(vkCreateDescriptorSetLayout(d.device, &slci, 0, &set_layout));
  VkPipelineLayoutCreateInfo plci = {VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO, .setLayoutCount = 1, .pSetLayouts = &set_layout};
  OK(vkCreatePipelineLayout(d.device, &plci, 0, &d.layout));
  VkDescriptorPoolSize dps = {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1};
  VkDescriptorPoolCreateInfo dpi = {VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO, .maxSets = 1, .poolSizeCount = 1, .pPoolSizes = &dps};
  VkDescriptorPool sets; OK(vkCreateDescriptorPool(d.device, &dpi, 0, &sets));
  VkDescriptorSetAllocateInfo sai = {VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO, .descriptorPool = sets, .descriptorSetCount = 1, .pSetLayouts = &set_layout};
  OK(vkAllocateDescriptorSets(d.device, &sai, &d.set));
  VkDescriptorBufferInfo info = {buffer, 0, VK_WHOLE_SIZE};
  VkWriteDescriptorSet write = {VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET, .dstSet = d.set, .descriptorCount = 1, .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, .pBufferInfo = &info};
  vkUpdateDescriptorSets(d.device, 1, &write, 0, 0);
  VkCommandPoolCreateInfo pci = {VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
  OK(vkCreateCommandPool(d.device, &pci, 0, &d.pool));
  return d;
}

static VkPipeline make_pipeline(Device* d, const char* name) {
  FILE* file = fopen(name, "rb"); static uint32_t words[1 << 16]; size_t size = fread(words, 1, sizeof words, file); fclose(file);
  VkShaderModuleCreateInfo mci = {VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, .codeSize = size, .pCode = words};
  VkShaderModule module; OK(vkCreateShaderModule(d->device, &mci, 0, &module));
  VkComputePipelineCreateInfo cci = {VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO, .layout = d->layout,
    .stage = {VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO, .stage = VK_SHADER_STAGE_COMPUTE_BIT, .module = module, .pName = "main"}};
  VkPipeline pipeline; OK(vkCreateComputePipelines(d->device, 0, 1, &cci, 0, &pipeline));
  return pipeline;
}

static VkFence submit(Device* d, VkPipeline pipeline, uint32_t groups) {
  VkCommandBufferAllocateInfo cai = {VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO, .commandPool = d->pool, .commandBufferCount = 1};
  VkCommandBuffer commands; OK(vkAllocateCommandBuffers(d->device, &cai, &commands));
  VkCommandBufferBeginInfo begin = {VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
  OK(vkBeginCommandBuffer(commands, &begin));
  vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
  vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, d->layout, 0, 1, &d->set, 0, 0);
  vkCmdDispatch(commands, groups, groups, groups);
  OK(vkEndCommandBuffer(commands));
  VkFenceCreateInfo fci = {VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
  VkFence fence; OK(vkCreateFence(d->device, &fci, 0, &fence));
  VkSubmitInfo info = {VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1, .pCommandBuffers = &commands};
  OK(vkQueueSubmit(d->queue, 1, &info, fence));
  return fence;
}

static void wait_for(Device* d, VkFence fence) { OK(vkWaitForFences(d->device, 1, &fence, VK_TRUE, 120000000000ull)); }

/* Until the tiny dispatch is over that is submitted behind a long one. The processor time of the process counts, since a
   busy machine stretches the other; of that, what the caller itself worked to submit both. */
typedef struct { double wall, work, submitting; } Behind;
static Behind behind(Device* d, VkPipeline longer, VkPipeline tiny) {
  double wall = ms(), work = ms_of(CLOCK_PROCESS_CPUTIME_ID), own = ms_of(CLOCK_THREAD_CPUTIME_ID);
  submit(d, longer, 1);
  VkFence fence = submit(d, tiny, 1);
  own = ms_of(CLOCK_THREAD_CPUTIME_ID) - own;
  wait_for(d, fence);
  return (Behind){ms() - wall, ms_of(CLOCK_PROCESS_CPUTIME_ID) - work, own};
}

int main(void) {
  VkApplicationInfo app = {VK_STRUCTURE_TYPE_APPLICATION_INFO, .apiVersion = VK_API_VERSION_1_2};
  VkInstanceCreateInfo ici = {VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO, .pApplicationInfo = &app};
  VkInstance instance; OK(vkCreateInstance(&ici, 0, &instance));
  uint32_t n = 1; if (vkEnumeratePhysicalDevices(instance, &n, &gpu) < 0 || n == 0) return 2;
  VkPhysicalDeviceDriverProperties driver = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES};
  VkPhysicalDeviceProperties2 props = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, &driver};
  vkGetPhysicalDeviceProperties2(gpu, &props);
  printf("%s, %s\n", props.properties.deviceName, driver.driverInfo);
  Device first = open_device(), second = open_device();
  double start;

  VkPipeline tiny = make_pipeline(&first, "tiny.spv");
  wait_for(&first, submit(&first, tiny, 1));
  start = ms(); wait_for(&first, submit(&first, tiny, 1));
  printf("the tiny kernel alone, compiled: %.1f ms\n", ms() - start);

  start = ms();
  VkPipeline a = make_pipeline(&first, "a.spv");
  printf("long kernel: vkCreateComputePipelines %.1f ms, ", ms() - start);
  Behind cold = behind(&first, a, tiny);
  printf("then submitting it and the tiny one %.1f ms of work;\n  the tiny one behind its first dispatch was over after %.1f ms (%.1f of work)", cold.submitting, cold.wall, cold.work);
  Behind again = behind(&first, a, tiny);
  printf(", behind its second after %.1f ms (%.1f)\n", again.wall, again.work);

  start = ms();
  VkPipeline rehearsed = make_pipeline(&second, "b.spv");
  wait_for(&second, submit(&second, rehearsed, 0));
  printf("another as long: made and dispatched over no workgroups on a second device %.1f ms;\n", ms() - start);
  struct timespec a_while = {5, 0};
  nanosleep(&a_while, 0); /* a thread of Mesa's with the least priority writes the file */
  VkPipeline b = make_pipeline(&first, "b.spv");
  Behind warmed = behind(&first, b, tiny);
  printf("  on the first device the tiny one behind its first dispatch was then over after %.1f ms (%.1f)\n", warmed.wall, warmed.work);

  if (cold.work < 5 * again.work) { printf("changed: a first dispatch takes no longer than a second\n"); return 1; }
  if (cold.submitting > cold.work / 2) { printf("changed: vkQueueSubmit compiles\n"); return 1; }
  if (warmed.work > cold.work / 5) { printf("changed: a dispatch over no workgroups on another device does not help\n"); return 1; }
  return 0;
}
C
chroot "$root" sh -euc 'cd /tmp; glslc -O -o tiny.spv tiny.comp; gcc -O1 -o first first.c -lvulkan
  glslc -O -DRATE=1.5 -o a.spv long.comp; glslc -O -DRATE=1.25 -o b.spv long.comp
  MESA_SHADER_CACHE_DISABLE=false MESA_SHADER_CACHE_DIR=/tmp/mesa VK_DRIVER_FILES=/usr/share/vulkan/icd.d/lvp_icd.json ./first'
