// How much the pool may have, and what it says where that is not enough.
#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "base/concat.h"
#include "vulkan/device_buffer_pool.h"

namespace gpu_node::vulkan {

bool DeviceBufferPool::in_host(BufferUse use) const {
  return use != BufferUse::kDevice || context_.info().unified_memory || context_.info().software;
}

std::optional<std::string> DeviceBufferPool::no_room(uint64_t bytes, BufferUse use) {
  if (counts(use) && (bytes > limit_.bytes || total_bytes() > limit_.bytes - bytes)) return "over the limit";
  if (in_host(use)) return room_.take(bytes, worker_.promised_bytes());
  const std::optional<HeapBudget> budget = heap_budget();
  if (!budget || bytes <= budget->room_bytes()) return std::nullopt;
  return budget->text();
}

// A card's memory is other processes' as well.
std::optional<HeapBudget> DeviceBufferPool::heap_budget() const {
  if (!context_.has_memory_budget) return std::nullopt;
  VkPhysicalDeviceMemoryBudgetPropertiesEXT budget{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT};
  VkPhysicalDeviceMemoryProperties2 memory{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2};
  memory.pNext = &budget;
  vkGetPhysicalDeviceMemoryProperties2(context_.physical.handle, &memory);
  const size_t heap = context_.physical.device_heap;
  return HeapBudget{budget.heapBudget[heap], budget.heapUsage[heap], spare_bytes_.load(std::memory_order_relaxed)};
}

void DeviceBufferPool::note_spare() {
  if (in_host(BufferUse::kDevice) || !context_.has_memory_budget) return;
  std::array<VmaBudget, VK_MAX_MEMORY_HEAPS> heaps{};
  vmaGetHeapBudgets(allocator_.handle, heaps.data());
  const VmaStatistics& heap = heaps[context_.physical.device_heap].statistics;
  spare_bytes_.store(heap.blockBytes - heap.allocationBytes, std::memory_order_relaxed);
}

MemoryLimit DeviceBufferPool::limit_now() const {
  MemoryLimit limit = limit_;
  const auto lower = [&](uint64_t room_bytes, std::string source) {
    if (total_bytes() + room_bytes < limit.bytes) limit = {total_bytes() + room_bytes, std::move(source)};
  };
  if (in_host(BufferUse::kDevice)) {
    const uint64_t promised = worker_.promised_bytes();
    if (const std::optional<MemoryBound> bound = host_.tightest())
      lower(bound->room_bytes() - std::min(promised, bound->room_bytes()), bound->text());
  } else if (const std::optional<HeapBudget> budget = heap_budget()) {
    lower(budget->room_bytes(), budget->text());
  }
  return limit;
}

Error DeviceBufferPool::out_of_memory(uint64_t size_bytes, const std::string& reason) const {
  const uint64_t live = live_bytes();
  const MemoryLimit limit = limit_now();
  return {ErrorCode::kOutOfMemory, concat("a buffer of ", size_bytes, " bytes on ", context_.info().name, " (", reason,
                                          "): ", live, " bytes live, ", total_bytes() - live, " pooled, limit ",
                                          limit.bytes, " (", limit.source, "), device ", context_.info().memory_bytes)};
}

}  // namespace gpu_node::vulkan
