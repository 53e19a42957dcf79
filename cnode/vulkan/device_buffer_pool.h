// BufferPool on VulkanMemoryAllocator: its blocks, our size classes and free lists. Device thread, but for the dropping
// of BufferRefs.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <unordered_set>
#include <vector>

#include "vulkan/buffer_pool.h"
#include "vulkan/pooled_buffer.h"
#include "vulkan/size_class.h"
#include "vulkan/timeline.h"

namespace gpu_node::vulkan {

class DeviceBufferPool final : public BufferPool {
 public:
  static Result<std::unique_ptr<DeviceBufferPool>> create(Context& context, Timeline& timeline, uint64_t limit_bytes);
  ~DeviceBufferPool() override;

  Result<BufferRef> allocate(uint64_t size_bytes, BufferUse use, bool host_write) override;
  void trim(uint64_t keep_bytes) override;

  // Moves dropped buffers to the free lists.
  void collect();

  // Commands up to |command| are behind a barrier: a buffer that they used last can be used again without another.
  void prefer_used_up_to(uint64_t command) { ordered_ = command; }

  // Called when memory is short: submits what is recorded and waits for the device.
  void on_shortage(std::function<Result<void>()> drain) { drain_ = std::move(drain); }

  uint64_t live_bytes() const { return returns_->live_bytes.load(std::memory_order_relaxed); }
  uint64_t total_bytes() const { return total_bytes_.load(std::memory_order_relaxed); }
  uint64_t staging_bytes() const { return staging_bytes_.load(std::memory_order_relaxed); }
  uint64_t limit_bytes() const { return limit_bytes_; }

 private:
  struct Allocator {
    VmaAllocator handle = VK_NULL_HANDLE;
    ~Allocator() {
      if (handle != VK_NULL_HANDLE) vmaDestroyAllocator(handle);
    }
  };
  using FreeList = std::vector<PooledBuffer*>;

  DeviceBufferPool(Context& context, Timeline& timeline, uint64_t limit_bytes);
  Result<void> open();
  FreeList& free_list(BufferUse use, uint32_t size_class) { return free_[static_cast<size_t>(use)][size_class]; }
  // Whether buffers of |use| take the device's memory: what the limit, live_bytes() and total_bytes() speak of.
  bool counts(BufferUse use) const { return use == BufferUse::kDevice || context_.info().unified_memory; }
  size_t finished_in(const FreeList& list) const;
  size_t unhindered_in(const FreeList& list) const;
  PooledBuffer* take(BufferUse use, uint32_t size_class, bool host_write);
  Result<PooledBuffer*> make(uint64_t size_bytes, const SizeClass& size_class, BufferUse use);
  Result<PooledBuffer*> make_under_pressure(uint64_t size_bytes, const SizeClass& size_class, BufferUse use,
                                            bool host_write);
  VmaAllocationCreateInfo placement(BufferUse use) const;
  void destroy(PooledBuffer* buffer);
  std::atomic<uint64_t>& bytes_of(BufferUse use) { return counts(use) ? total_bytes_ : staging_bytes_; }
  void trim_to(uint64_t keep_total_bytes);
  BufferRef hand_out(PooledBuffer* buffer, uint64_t size_bytes);
  Error out_of_memory(uint64_t size_bytes, const std::string& reason) const;

  Context& context_;
  Timeline& timeline_;
  const uint64_t limit_bytes_;
  std::function<Result<void>()> drain_;
  Allocator allocator_;
  std::shared_ptr<ReturnStack> returns_;
  std::array<std::vector<FreeList>, 3> free_;  // by use and size class
  std::unordered_set<PooledBuffer*> all_;
  std::atomic<uint64_t> total_bytes_{0};    // capacity of all buffers in the device's memory
  std::atomic<uint64_t> staging_bytes_{0};  // of those in the host's
  uint64_t ordered_ = 0;
};

}  // namespace gpu_node::vulkan
