// Device memory: buffers in size classes, reused. Grows on demand; never takes the card at start.
//
// A buffer is freed by dropping its last BufferRef; its memory goes back to the pool once the GPU has finished the last
// command that used it (the recorder stamps buffers as it records). Owned by the device thread, but BufferRefs may be
// dropped, and mapped memory written or read, on any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/result.h"

namespace gpu_node::vulkan {

enum class BufferUse : uint8_t {
  kDevice,    // tensors and scratch; mapped only when the device's memory is unified
  kUpload,    // staging that the host writes
  kDownload,  // staging that the host reads (host-cached)
};

class ReservedBuffers;

class Buffer {
 public:
  virtual ~Buffer() = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  uint64_t size_bytes() const { return size_bytes_; }          // as asked for
  uint64_t capacity_bytes() const { return capacity_bytes_; }  // of its size class
  std::byte* mapped() const { return mapped_; }                // nullptr when the host cannot see it

 protected:
  Buffer(uint64_t size_bytes, uint64_t capacity_bytes, std::byte* mapped)
      : size_bytes_(size_bytes), capacity_bytes_(capacity_bytes), mapped_(mapped) {}

  uint64_t size_bytes_;
  uint64_t capacity_bytes_;
  std::byte* mapped_;
};

using BufferRef = std::shared_ptr<Buffer>;

class BufferPool {
 public:
  virtual ~BufferPool() = default;

  // A buffer of |size_bytes| (at least 1). With |host_write|, one whose last GPU use is over, so that the host may
  // write it at once. Errors: kOutOfMemory with the numbers (asked, live, pooled, limit, device); kUnsupported above
  // max_allocation_bytes. Before it gives up it waits for the GPU to release what is pending and returns pooled buffers
  // to the driver.
  virtual Result<BufferRef> allocate(uint64_t size_bytes, BufferUse use, bool host_write = false) = 0;

  // From now on, what takes long to make goes into |reserved| and is not waited for: allocate() fails with kBusy, and
  // |reserved| says what it lacks. nullptr: it waits again.
  virtual void reserve_in(ReservedBuffers* reserved) = 0;

  // The time that allocate() took because buffers had to be made, so far.
  virtual double spent_ms() const = 0;

  // Gives free buffers back to the driver until at most |keep_bytes| stay pooled.
  virtual void trim(uint64_t keep_bytes) = 0;
  // Gives back some of them, as many as hold nobody up. False when none is left that could be given back.
  virtual bool trim_some() = 0;
};

}  // namespace gpu_node::vulkan
