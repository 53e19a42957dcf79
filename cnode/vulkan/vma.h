// VulkanMemoryAllocator as this project configures it: all functions through the loader's entry points, none linked.
#pragma once

#include "vulkan/api.h"

#define VMA_STATIC_VULKAN_FUNCTIONS 0
#define VMA_DYNAMIC_VULKAN_FUNCTIONS 1
#define VMA_VULKAN_VERSION 1002000
#include <vk_mem_alloc.h>
