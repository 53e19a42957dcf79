// The one translation unit that holds VulkanMemoryAllocator's implementation. Its warnings are its authors' business.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wall"
#define VMA_IMPLEMENTATION
#include "vulkan/vma.h"
#pragma GCC diagnostic pop
