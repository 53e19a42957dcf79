// A buffer of the pool with the stamps that the recorder leaves on it, and the way back for dropped ones.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "base/mutex.h"
#include "vulkan/buffer_pool.h"
#include "vulkan/vma.h"

namespace gpu_node::vulkan {

class ReturnStack;

class PooledBuffer final : public Buffer {
 public:
  PooledBuffer(VmaAllocator allocator, VkBuffer buffer, VmaAllocation allocation, uint64_t capacity_bytes,
               std::byte* mapped, BufferUse buffer_use, uint32_t class_index, bool in_device_memory,
               std::shared_ptr<ReturnStack> returns)
      : Buffer(capacity_bytes, capacity_bytes, mapped),
        use(buffer_use),
        size_class(class_index),
        on_device(in_device_memory),
        home(std::move(returns)),
        allocator_(allocator),
        buffer_(buffer),
        allocation_(allocation) {}
  ~PooledBuffer() override { release(); }

  VkBuffer handle() const { return buffer_; }
  void set_size(uint64_t size_bytes) { size_bytes_ = size_bytes; }
  // Gives the memory back to the driver; the object may live on in a forgotten BufferRef.
  void release() {
    if (buffer_ != VK_NULL_HANDLE) vmaDestroyBuffer(allocator_, buffer_, allocation_);
    buffer_ = VK_NULL_HANDLE;
    mapped_ = nullptr;
  }

  const BufferUse use;
  const uint32_t size_class;
  const bool on_device;
  const std::shared_ptr<ReturnStack> home;  // where it goes when nobody holds it
  // Stamps of the recorder, device thread only: the last commands that wrote and read it (numbered since the start),
  // and the submission that the last of them is part of.
  uint64_t last_write = 0;
  uint64_t last_read = 0;
  uint64_t last_submission = 0;
  PooledBuffer* next_returned = nullptr;
  // Its bytes were zeros when it was handed out, and nobody but the device has written any since.
  bool cleared = false;
  bool is_zero() const { return cleared && last_write == 0; }
  // Whether the host has given its pages; false while they are taken, and for good where it has not enough.
  std::atomic<bool> has_pages{true};

  // Where the counts of its BufferRefs lie, so that handing out a buffer allocates nothing.
  static constexpr size_t kCountsBytes = 64;
  alignas(std::max_align_t) std::byte counts[kCountsBytes];

 private:
  VmaAllocator allocator_;
  VkBuffer buffer_;
  VmaAllocation allocation_;
};

// Where the last BufferRef puts its buffer, on any thread; the pool takes all at once. Outlives the pool while refs do.
class ReturnStack {
 public:
  // Takes |buffer| back, or deletes it when the pool is gone.
  void push(PooledBuffer* buffer) {
    if (buffer->on_device) live_bytes.fetch_sub(buffer->capacity_bytes(), std::memory_order_relaxed);
    PooledBuffer* head = head_.load(std::memory_order_relaxed);
    do {
      if (head == closed()) {
        const std::shared_ptr<ReturnStack> self = buffer->home;  // the buffer may be the last to know it
        const MutexLock lock(closing_);
        delete buffer;
        return;
      }
      buffer->next_returned = head;
    } while (!head_.compare_exchange_weak(head, buffer, std::memory_order_release, std::memory_order_relaxed));
  }
  PooledBuffer* take_all() {
    if (head_.load(std::memory_order_relaxed) == nullptr) return nullptr;
    return head_.exchange(nullptr, std::memory_order_acquire);
  }
  // From now on dropped buffers are deleted; not before closing() is let go. Returns those that wait.
  PooledBuffer* close() GPU_NODE_REQUIRES(closing_) { return head_.exchange(closed(), std::memory_order_acq_rel); }
  Mutex& closing() GPU_NODE_RETURN_CAPABILITY(closing_) { return closing_; }

  std::atomic<uint64_t> live_bytes{0};  // capacity of the buffers in device memory that somebody holds

 private:
  PooledBuffer* closed() { return reinterpret_cast<PooledBuffer*>(this); }  // an address that no buffer has

  std::atomic<PooledBuffer*> head_{nullptr};
  Mutex closing_;
};

// Allocates the counts of a BufferRef inside its buffer. A BufferRef lets go of them last of all, so that is when the
// buffer goes back.
template <typename T>
struct CountsInBuffer {
  using value_type = T;

  explicit CountsInBuffer(PooledBuffer* in_buffer) : buffer(in_buffer) {}
  template <typename U>
  CountsInBuffer(const CountsInBuffer<U>& other) : buffer(other.buffer) {}  // NOLINT: rebinding converts

  T* allocate(size_t) {
    static_assert(sizeof(T) <= PooledBuffer::kCountsBytes && alignof(T) <= alignof(std::max_align_t));
    return reinterpret_cast<T*>(buffer->counts);
  }
  void deallocate(T*, size_t) { buffer->home->push(buffer); }
  template <typename U>
  bool operator==(const CountsInBuffer<U>& other) const {
    return buffer == other.buffer;
  }

  PooledBuffer* buffer;
};

}  // namespace gpu_node::vulkan
