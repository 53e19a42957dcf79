// Where drivers take their own memory on the host: a software driver allocates several small blocks for every command
// that is recorded, and frees them all when the command buffer is used again.
#pragma once

#include "vulkan/api.h"

namespace gpu_node::vulkan {

// For vkCreateDevice and vkDestroyDevice, and through them for all that belongs to the device. nullptr, the driver's
// own choice, in builds with a sanitizer, which must see what drivers do with their memory.
const VkAllocationCallbacks* host_memory();

}  // namespace gpu_node::vulkan
