// BufferPool on VulkanMemoryAllocator: its blocks, our size classes and free lists. Device thread, but for the dropping
// of BufferRefs and the figures.
//
// A software driver grants any amount and gives pages only as they are written; what is freed there it keeps. So its
// buffers take their pages when they are made, and give them back before they are destroyed: what processes of this
// host have is then what it says, and no two of them count on the same memory. Those of large buffers are taken and
// given back beside the device thread (page_worker.h); they count as taken from the beginning, and until they are gone.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <unordered_set>
#include <vector>

#include "base/host_memory.h"
#include "vulkan/buffer_pool.h"
#include "vulkan/heap_budget.h"
#include "vulkan/page_worker.h"
#include "vulkan/pooled_buffer.h"
#include "vulkan/reserved_buffers.h"
#include "vulkan/size_class.h"
#include "vulkan/timeline.h"

namespace gpu_node::vulkan {

class DeviceBufferPool final : public BufferPool {
 public:
  // |limit|: nothing above it is made; |host|: outlives the pool.
  static Result<std::unique_ptr<DeviceBufferPool>> create(Context& context, Timeline& timeline,
                                                          const MemoryLimit& limit, const HostMemory& host);
  ~DeviceBufferPool() override;

  Result<BufferRef> allocate(uint64_t size_bytes, BufferUse use, bool host_write) override;
  void reserve_in(ReservedBuffers* reserved) override;
  double spent_ms() const override { return spent_ms_; }
  void trim(uint64_t keep_bytes) override;
  bool trim_some() override;

  // Moves dropped buffers to the free lists.
  void collect();

  // Commands up to |command| are behind a barrier: a buffer that they used last can be used again without another.
  void prefer_used_up_to(uint64_t command) { ordered_ = command; }

  // Called when memory is short: submits what is recorded and waits for the device.
  void on_shortage(std::function<Result<void>()> drain) { drain_ = std::move(drain); }

  uint64_t live_bytes() const { return returns_->live_bytes.load(std::memory_order_relaxed); }
  uint64_t total_bytes() const { return total_bytes_.load(std::memory_order_relaxed); }
  uint64_t staging_bytes() const { return staging_bytes_.load(std::memory_order_relaxed); }
  const MemoryLimit& limit() const { return limit_; }
  // What it may have in all as things are now: less where the host, or a card's other users, have less. Any thread.
  MemoryLimit limit_now() const;
  // Of the host's pages: for who watches whether a thread that waits for them goes on.
  uint64_t progress_bytes() const { return worker_.progress_bytes(); }

 private:
  struct Allocator {
    VmaAllocator handle = VK_NULL_HANDLE;
    ~Allocator() {
      if (handle != VK_NULL_HANDLE) vmaDestroyAllocator(handle);
    }
  };
  using FreeList = std::vector<PooledBuffer*>;

  DeviceBufferPool(Context& context, Timeline& timeline, const MemoryLimit& limit, const HostMemory& host);
  Result<void> open();
  FreeList& free_list(BufferUse use, uint32_t size_class) { return free_[static_cast<size_t>(use)][size_class]; }
  // Whether buffers of |use| take the device's memory: what the limit, live_bytes() and total_bytes() speak of.
  bool counts(BufferUse use) const { return use == BufferUse::kDevice || context_.info().unified_memory; }
  size_t finished_in(const FreeList& list) const;
  size_t unhindered_in(const FreeList& list) const;
  PooledBuffer* take(BufferUse use, uint32_t size_class, bool host_write);
  // One that an earlier try was given, nullptr where there is none. Errors: kBusy while it is being made.
  Result<BufferRef> take_reserved(uint64_t size_bytes, BufferUse use, const SizeClass& size_class, bool host_write);
  Result<PooledBuffer*> take_or_make(uint64_t size_bytes, const SizeClass& size_class, BufferUse use, bool host_write);
  Result<PooledBuffer*> make(uint64_t size_bytes, const SizeClass& size_class, BufferUse use);
  Result<PooledBuffer*> make_under_pressure(uint64_t size_bytes, const SizeClass& size_class, BufferUse use,
                                            bool host_write);
  VmaAllocationCreateInfo placement(BufferUse use) const;
  // Whether buffers of |use| lie in the memory of the host.
  bool in_host(BufferUse use) const;
  // What is in the way of |bytes| more; nothing where they fit.
  std::optional<std::string> no_room(uint64_t bytes, BufferUse use);
  // Of the device's own memory, where it tells. Any thread.
  std::optional<HeapBudget> heap_budget() const;
  // After something was made or destroyed.
  void note_spare();
  // Whether the host gives the pages of |buffer| as they are written.
  bool pages_come_later(const PooledBuffer& buffer) const {
    return buffer.mapped() != nullptr && context_.info().software;
  }
  // The error of a try that lacks |what|.
  Error lacks(const Pending<void>& what);
  // Until no buffer is giving its pages back. Errors: kBusy where that is not to be waited for.
  Result<void> wait_emptied();
  // What of it is the host's goes back first, beside this thread where it is much.
  void destroy(PooledBuffer* buffer);
  void forget(PooledBuffer* buffer);
  std::atomic<uint64_t>& bytes_of(BufferUse use) { return counts(use) ? total_bytes_ : staging_bytes_; }
  // Gives back as much as |bytes| more need, and more where the limit asks for it.
  void make_room(uint64_t bytes);
  // Gives back at most |most| buffers of at most |most_bytes| in all, the last one aside, until |keep_bytes| of the
  // device's are left; whether it was that which stopped it.
  bool give_back(uint64_t keep_bytes, uint64_t most_bytes, size_t most);
  uint64_t idle_bytes() const { return total_bytes() - live_bytes() - leaving_bytes_; }
  BufferRef hand_out(PooledBuffer* buffer, uint64_t size_bytes);
  Error out_of_memory(uint64_t size_bytes, const std::string& reason) const;

  Context& context_;
  Timeline& timeline_;
  const MemoryLimit limit_;
  const HostMemory& host_;
  HostRoom room_{host_};
  std::function<Result<void>()> drain_;
  Allocator allocator_;
  std::shared_ptr<ReturnStack> returns_;
  std::array<std::vector<FreeList>, 3> free_;  // by use and size class
  std::unordered_set<PooledBuffer*> all_;
  std::atomic<uint64_t> total_bytes_{0};    // capacity of all buffers in the device's memory
  std::atomic<uint64_t> staging_bytes_{0};  // of those in the host's
  std::atomic<uint64_t> spare_bytes_{0};    // of the device's, in no buffer
  uint64_t leaving_bytes_ = 0;              // of those, in buffers that give their pages back
  uint64_t ordered_ = 0;
  double spent_ms_ = 0;
  ReservedBuffers* reserved_ = nullptr;
  PageWorker worker_{host_};  // ends first
};

}  // namespace gpu_node::vulkan
