#!/usr/bin/env bash
# lavapipe: memory is granted without a bound, and VK_EXT_memory_budget does not tell of it.
#
# Mesa 25.0.7 (Debian 13, mesa-vulkan-drivers 25.0.7-2+deb13u1), software Vulkan driver. vkAllocateMemory of 1 GiB again
# and again, to twice the size of the only heap, which is the machine's memory; nothing is written to it, so that it costs
# no page, and all is freed.
# Expected: VK_ERROR_OUT_OF_DEVICE_MEMORY near the size of the heap; until then a heapUsage (what the process uses of the
# heap) that grows with what it allocated, or a heapBudget (what it can allocate before that may fail) that shrinks.
# Seen: all is granted, heapBudget is the heap's size all the time, and heapUsage is what the whole machine uses, other
# processes' memory included and what is allocated but not yet written not. So who has to fit into the machine's memory
# must count for itself: the only bound left is the kernel's.
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
[[ $(</proc/sys/vm/overcommit_memory) != 2 && $(ulimit -v) == unlimited ]] || { echo "the kernel itself refuses memory here"; exit 69; }

cat >"$root/tmp/grants.c" <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <vulkan/vulkan.h>
#define OK(call) do { VkResult r_ = (call); if (r_ != VK_SUCCESS) { fprintf(stderr, "%s: %d\n", #call, r_); exit(2); } } while (0)
#define GIB (1ull << 30)
enum { most = 200 }; /* GiB */
static VkPhysicalDevice gpu;
typedef struct { double size, budget, usage; } Heap; /* GiB */
static Heap heap(void) {
  VkPhysicalDeviceMemoryBudgetPropertiesEXT budget = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT};
  VkPhysicalDeviceMemoryProperties2 memory = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2, &budget};
  vkGetPhysicalDeviceMemoryProperties2(gpu, &memory);
  uint32_t i = memory.memoryProperties.memoryTypes[0].heapIndex;
  return (Heap){(double)memory.memoryProperties.memoryHeaps[i].size / GIB, (double)budget.heapBudget[i] / GIB, (double)budget.heapUsage[i] / GIB};
}
static double available(void) { /* GiB, as the kernel says */
  FILE* file = fopen("/proc/meminfo", "r"); char line[128]; double kib = 0;
  while (file && fgets(line, sizeof line, file)) if (sscanf(line, "MemAvailable: %lf", &kib) == 1) break;
  if (file) fclose(file);
  return kib / (1 << 20);
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
  float one = 1; const char* extension = VK_EXT_MEMORY_BUDGET_EXTENSION_NAME;
  VkDeviceQueueCreateInfo qci = {VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, .queueCount = 1, .pQueuePriorities = &one};
  VkDeviceCreateInfo dci = {VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO, .queueCreateInfoCount = 1, .pQueueCreateInfos = &qci,
    .enabledExtensionCount = 1, .ppEnabledExtensionNames = &extension};
  VkDevice device; OK(vkCreateDevice(gpu, &dci, 0, &device));

  Heap before = heap();
  double had = available();
  int wanted = (int)(2 * before.size) + 1, count = 0;
  if (wanted > most || (uint32_t)wanted > props.properties.limits.maxMemoryAllocationCount) { printf("this machine's memory is too large to show it\n"); return 69; }
  VkDeviceMemory memory[most];
  VkResult got = VK_SUCCESS;
  for (; count < wanted; ++count) {
    VkMemoryAllocateInfo mai = {VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, .allocationSize = GIB, .memoryTypeIndex = 0};
    if ((got = vkAllocateMemory(device, &mai, 0, &memory[count])) != VK_SUCCESS) break;
    if (available() < had / 2) { ++count; printf("allocating takes pages: stopped at half of what was available\n"); break; }
  }
  Heap after = heap();
  printf("heap %.1f GiB, available %.1f GiB; %d GiB allocated, then %d; heapBudget %.1f before and %.1f after, heapUsage %.1f before and %.1f after\n",
         before.size, had, count, got, before.budget, after.budget, before.usage, after.usage);
  for (int i = 0; i < count; ++i) vkFreeMemory(device, memory[i], 0);
  if (count < wanted) { printf("changed: not all was granted\n"); return 1; }
  /* other processes come and go: a quarter of what was allocated counts */
  if (before.budget - after.budget > count / 4.0) { printf("changed: the budget shrinks\n"); return 1; }
  if (after.usage - before.usage > count / 4.0) { printf("changed: the usage grows\n"); return 1; }
  return 0;
}
C
chroot "$root" sh -euc 'cd /tmp; gcc -O1 -o grants grants.c -lvulkan
  VK_DRIVER_FILES=/usr/share/vulkan/icd.d/lvp_icd.json ./grants'
