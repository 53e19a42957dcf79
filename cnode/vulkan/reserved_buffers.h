// The large buffers of a piece of work that is tried until it has them all. What takes long to make is not waited for:
// the try fails, and the work is put back until it is there. What one try was given the next one finds. Device thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "vulkan/buffer_pool.h"
#include "vulkan/pending.h"

namespace gpu_node::vulkan {

class ReservedBuffers {
 public:
  // What the last try failed for the lack of; not valid where it did not.
  const Pending<void>& lacking() const { return lacking_; }

  // Lets go of them: the work has what it needs, or is given up.
  void clear() {
    lacking_ = {};
    entries_.clear();
    refusals_ = 0;
  }

  // Of those that only this holds.
  uint64_t bytes() const {
    uint64_t bytes = 0;
    for (const Entry& entry : entries_)
      if (entry.pages.valid() || entry.buffer.use_count() == 1) bytes += entry.buffer->capacity_bytes();
    return bytes;
  }

 private:
  friend class DeviceBufferPool;
  struct Entry {
    BufferRef buffer;
    Pending<void> pages;  // while they are being taken
  };

  std::vector<Entry> entries_;
  Pending<void> lacking_;
  int refusals_ = 0;  // of the host, which had the room when they were begun
};

}  // namespace gpu_node::vulkan
