#include "vulkan/host_memory.h"

#include "base/small_blocks.h"

namespace gpu_node::vulkan {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#elif defined(__has_feature)
constexpr bool kSanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool kSanitized = false;
#endif

void* VKAPI_PTR allocate(void*, size_t size, size_t alignment, VkSystemAllocationScope) {
  return size == 0 ? nullptr : SmallBlocks::shared().allocate(size, alignment);
}

void* VKAPI_PTR reallocate(void*, void* block, size_t size, size_t alignment, VkSystemAllocationScope) {
  if (size != 0) return SmallBlocks::shared().resize(block, size, alignment);
  SmallBlocks::shared().free(block);
  return nullptr;
}

void VKAPI_PTR release(void*, void* block) { SmallBlocks::shared().free(block); }

constexpr VkAllocationCallbacks kCallbacks = {nullptr, allocate, reallocate, release, nullptr, nullptr};

}  // namespace

const VkAllocationCallbacks* host_memory() { return kSanitized ? nullptr : &kCallbacks; }

}  // namespace gpu_node::vulkan
