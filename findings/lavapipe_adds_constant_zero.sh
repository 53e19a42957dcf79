#!/usr/bin/env bash
# lavapipe: a constant 0 is left out of a sum, so -0 + 0 is -0, with SignedZeroInfNanPreserve too.
#
# Mesa 25.0.7 (Debian 13, mesa-vulkan-drivers 25.0.7-2+deb13u1), software Vulkan driver. It reports
# shaderSignedZeroInfNanPreserve for 16, 32 and 64 bits. A compute shader takes -0 and 0 from a buffer and makes four
# results, all of them `precise`, in 32 and in 64 bits, with the execution mode SignedZeroInfNanPreserve and without it:
#   loaded -0 + constant 0, constant 0 - loaded 0, loaded -0 + loaded 0, loaded -0 * constant 0
# Expected with the mode: 0, 0, 0, -0, as IEEE 754 says of results that are rounded to nearest; without it the signs may
# be any.
# Seen with the mode: -0, -0, 0, -0; without it -0, -0, 0, 0. So the mode is heeded in a product, but not in a sum or a
# difference, where a constant 0 is taken for what changes nothing (that would be -0). Who needs the sign must not give
# the compiler a 0 that it knows.
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

cat >"$root/tmp/sum.comp" <<'GLSL'
#version 450
#ifdef PRESERVE
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, WIDTH);
#endif
layout(local_size_x = 1) in;
layout(set = 0, binding = 0) buffer Values { REAL value[6]; }; // -0, 0, then the results
void main() {
  REAL minus = value[0], plus = value[1];
  precise REAL sum = minus + REAL(0), difference = REAL(0) - plus, loaded = minus + plus, product = minus * REAL(0);
  value[2] = sum;
  value[3] = difference;
  value[4] = loaded;
  value[5] = product;
}
GLSL
cat >"$root/tmp/sum.c" <<'C'
/* sum: the driver; sum MODULE WIDTH: the bits of the four results */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vulkan/vulkan.h>
#define OK(call) do { VkResult r_ = (call); if (r_ != VK_SUCCESS) { fprintf(stderr, "%s: %d\n", #call, r_); exit(2); } } while (0)
int main(int argc, char** argv) {
  VkApplicationInfo app = {VK_STRUCTURE_TYPE_APPLICATION_INFO, .apiVersion = VK_API_VERSION_1_2};
  VkInstanceCreateInfo ici = {VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO, .pApplicationInfo = &app};
  VkInstance instance; OK(vkCreateInstance(&ici, 0, &instance));
  uint32_t n = 1; VkPhysicalDevice gpu; if (vkEnumeratePhysicalDevices(instance, &n, &gpu) < 0 || n == 0) return 2;
  if (argc != 3) {
    VkPhysicalDeviceFloatControlsProperties modes = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FLOAT_CONTROLS_PROPERTIES};
    VkPhysicalDeviceDriverProperties driver = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES, &modes};
    VkPhysicalDeviceProperties2 props = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, &driver};
    vkGetPhysicalDeviceProperties2(gpu, &props);
    printf("%s, %s\n", props.properties.deviceName, driver.driverInfo);
    printf("shaderSignedZeroInfNanPreserveFloat16, 32 and 64: %u %u %u\n", modes.shaderSignedZeroInfNanPreserveFloat16,
           modes.shaderSignedZeroInfNanPreserveFloat32, modes.shaderSignedZeroInfNanPreserveFloat64);
    return modes.shaderSignedZeroInfNanPreserveFloat32 && modes.shaderSignedZeroInfNanPreserveFloat64 ? 0 : 1;
  }
  int wide = strcmp(argv[2], "64") == 0;
  float one = 1;
  VkDeviceQueueCreateInfo qci = {VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, .queueCount = 1, .pQueuePriorities = &one};
  VkPhysicalDeviceFeatures features = {.shaderFloat64 = VK_TRUE};
  VkDeviceCreateInfo dci = {VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO, .queueCreateInfoCount = 1, .pQueueCreateInfos = &qci, .pEnabledFeatures = &features};
  VkDevice device; OK(vkCreateDevice(gpu, &dci, 0, &device));
  VkQueue queue; vkGetDeviceQueue(device, 0, 0, &queue);
  VkBufferCreateInfo bci = {VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, .size = 64, .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT};
  VkBuffer buffer; OK(vkCreateBuffer(device, &bci, 0, &buffer));
  VkMemoryRequirements need; vkGetBufferMemoryRequirements(device, buffer, &need);
  VkMemoryAllocateInfo mai = {VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, .allocationSize = need.size, .memoryTypeIndex = 0};
  VkDeviceMemory memory; OK(vkAllocateMemory(device, &mai, 0, &memory)); OK(vkBindBufferMemory(device, buffer, memory, 0));
  void* bytes; OK(vkMapMemory(device, memory, 0, VK_WHOLE_SIZE, 0, &bytes));
  uint32_t* value32 = bytes; uint64_t* value64 = bytes;
  memset(bytes, 0xff, 64); /* a result that is not written is a NaN */
  if (wide) value64[0] = 1ull << 63, value64[1] = 0; else value32[0] = 1u << 31, value32[1] = 0;
  VkDescriptorSetLayoutBinding binding = {0, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT};
  VkDescriptorSetLayoutCreateInfo slci = {VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO, .bindingCount = 1, .pBindings = &binding};
  VkDescriptorSetLayout set_layout; OK(vkCreateDescriptorSetLayout(device, &slci, 0, &set_layout));
  VkPipelineLayoutCreateInfo plci = {VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO, .setLayoutCount = 1, .pSetLayouts = &set_layout};
  VkPipelineLayout layout; OK(vkCreatePipelineLayout(device, &plci, 0, &layout));
  FILE* file = fopen(argv[1], "rb"); if (!file) return 2;
  static uint32_t words[16384]; size_t size = fread(words, 1, sizeof words, file); fclose(file);
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
  VkCommandPoolCreateInfo pci = {VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
  VkCommandPool pool; OK(vkCreateCommandPool(device, &pci, 0, &pool));
  VkCommandBufferAllocateInfo cai = {VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO, .commandPool = pool, .commandBufferCount = 1};
  VkCommandBuffer commands; OK(vkAllocateCommandBuffers(device, &cai, &commands));
  VkCommandBufferBeginInfo begin = {VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
  OK(vkBeginCommandBuffer(commands, &begin));
  vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
  vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, layout, 0, 1, &set, 0, 0);
  vkCmdDispatch(commands, 1, 1, 1);
  VkMemoryBarrier shown = {VK_STRUCTURE_TYPE_MEMORY_BARRIER, .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT, .dstAccessMask = VK_ACCESS_HOST_READ_BIT};
  vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &shown, 0, 0, 0, 0);
  OK(vkEndCommandBuffer(commands));
  VkSubmitInfo submit = {VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1, .pCommandBuffers = &commands};
  OK(vkQueueSubmit(queue, 1, &submit, 0)); OK(vkQueueWaitIdle(queue));
  for (int i = 2; i < 6; ++i) {
    if (wide) printf("%016llx", (unsigned long long)value64[i]); else printf("%08x", value32[i]);
    putchar(i < 5 ? ' ' : '\n');
  }
  return 0;
}
C
export VK_DRIVER_FILES=/usr/share/vulkan/icd.d/lvp_icd.json
chroot "$root" gcc -O1 -o /tmp/sum /tmp/sum.c -lvulkan
chroot "$root" /tmp/sum || { echo "changed: it does not report the mode for 32 and 64 bits"; exit 1; }
# results WIDTH TYPE [-DPRESERVE]: the module must have the sum as written, and the mode where asked for; then the bits
results() {
  local width=$1 type=$2 text
  local options=(--target-env=vulkan1.2 -O0 -DWIDTH="$1" -DREAL="$2" ${3:+"$3"})
  chroot "$root" glslc "${options[@]}" -o /tmp/sum.spv /tmp/sum.comp
  text=$(chroot "$root" glslc "${options[@]}" -S -o - /tmp/sum.comp)
  grep -qE "= OpFAdd %$type %[0-9]+ %${type}_0" <<<"$text" || { echo "the module has no sum with a constant 0"; return; }
  [[ -z ${3:-} ]] || grep -qE "OpExecutionMode %main SignedZeroInfNanPreserve $width" <<<"$text" || { echo "the module lacks the mode"; return; }
  chroot "$root" /tmp/sum /tmp/sum.spv "$width"
}
echo "-0 + constant 0, constant 0 - 0, -0 + 0, -0 * constant 0 (all but the constants loaded):"
changed=0
for width in 32 64; do
  type=float; zero=00000000; minus=80000000
  if [[ $width == 64 ]]; then type=double; zero=0000000000000000; minus=8000000000000000; fi
  without=$(results $width $type)
  with=$(results $width $type -DPRESERVE)
  echo "$width bits without the mode: $without"
  echo "$width bits with the mode:    $with"
  [[ $without == "$minus $minus $zero $zero" ]] || changed=1
  [[ $with == "$minus $minus $zero $minus" ]] || changed=1
done
[[ $changed == 0 ]] || { echo "changed: with the mode -0 -0 0 -0 was seen, and without it -0 -0 0 0"; exit 1; }
echo "as seen: with the mode the product keeps the sign, the sum and the difference have the wrong one"
