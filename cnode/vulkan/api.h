// The only include of Vulkan, and the one converter from VkResult to Error.
#pragma once

#include <volk.h>

#include <string_view>

#include "base/result.h"

namespace gpu_node::vulkan {

// Converts the failure |result| of the call described by |what|.
Error vk_error(VkResult result, std::string_view what);

// "VK_ERROR_DEVICE_LOST", or the number of a value that this file does not know.
std::string vk_result_name(VkResult result);

// Returns the Error of the VkResult |expr| from the enclosing function, if it is one.
#define GPU_TRY_VK(expr, what)                                    \
  do {                                                            \
    if (const VkResult gpu_vk_result = (expr); gpu_vk_result < 0) \
      return ::gpu_node::vulkan::vk_error(gpu_vk_result, what);   \
  } while (false)

}  // namespace gpu_node::vulkan
