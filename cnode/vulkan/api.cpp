#include "vulkan/api.h"

#include <string>

#include "base/concat.h"

namespace gpu_node::vulkan {

std::string vk_result_name(VkResult result) {
  switch (result) {
#define GPU_NODE_X(name) \
  case name:             \
    return #name
    GPU_NODE_X(VK_SUCCESS);
    GPU_NODE_X(VK_NOT_READY);
    GPU_NODE_X(VK_TIMEOUT);
    GPU_NODE_X(VK_INCOMPLETE);
    GPU_NODE_X(VK_ERROR_OUT_OF_HOST_MEMORY);
    GPU_NODE_X(VK_ERROR_OUT_OF_DEVICE_MEMORY);
    GPU_NODE_X(VK_ERROR_INITIALIZATION_FAILED);
    GPU_NODE_X(VK_ERROR_DEVICE_LOST);
    GPU_NODE_X(VK_ERROR_MEMORY_MAP_FAILED);
    GPU_NODE_X(VK_ERROR_LAYER_NOT_PRESENT);
    GPU_NODE_X(VK_ERROR_EXTENSION_NOT_PRESENT);
    GPU_NODE_X(VK_ERROR_FEATURE_NOT_PRESENT);
    GPU_NODE_X(VK_ERROR_INCOMPATIBLE_DRIVER);
    GPU_NODE_X(VK_ERROR_TOO_MANY_OBJECTS);
    GPU_NODE_X(VK_ERROR_FRAGMENTATION);
    GPU_NODE_X(VK_ERROR_INVALID_EXTERNAL_HANDLE);
    GPU_NODE_X(VK_ERROR_INVALID_SHADER_NV);
    GPU_NODE_X(VK_ERROR_UNKNOWN);
#undef GPU_NODE_X
    default:
      return concat("VkResult ", static_cast<int>(result));
  }
}

Error vk_error(VkResult result, std::string_view what) {
  ErrorCode code = ErrorCode::kInternal;
  switch (result) {
    case VK_ERROR_OUT_OF_HOST_MEMORY:
    case VK_ERROR_OUT_OF_DEVICE_MEMORY:
    case VK_ERROR_TOO_MANY_OBJECTS:
    case VK_ERROR_FRAGMENTATION:
      code = ErrorCode::kOutOfMemory;
      break;
    case VK_ERROR_DEVICE_LOST:
      code = ErrorCode::kDeviceLost;
      break;
    case VK_ERROR_INCOMPATIBLE_DRIVER:
    case VK_ERROR_LAYER_NOT_PRESENT:
      code = ErrorCode::kNotFound;
      break;
    case VK_ERROR_EXTENSION_NOT_PRESENT:
    case VK_ERROR_FEATURE_NOT_PRESENT:
      code = ErrorCode::kUnsupported;
      break;
    case VK_TIMEOUT:
      code = ErrorCode::kDeadline;
      break;
    default:
      break;
  }
  return {code, std::string(what) + ": " + vk_result_name(result)};
}

}  // namespace gpu_node::vulkan
