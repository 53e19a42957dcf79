// Uploads in progress: where the chunks of a tensor land, which have come, and which are missing.
//
// Chunks arrive on reader threads, straight into the tensor's memory where the host can write it, else into a staging
// slot that the device thread empties. A byte is written once: a chunk that overlaps another, even one on its way, is
// refused.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "base/mutex.h"
#include "base/result.h"
#include "program/tensor.h"
#include "service/request.h"
#include "vulkan/buffer_pool.h"

namespace gpu_node::service {

class Upload;
using UploadRef = std::shared_ptr<Upload>;

// A chunk on its way: its bytes are reserved in the tensor. Dropped before it has landed, it gives them back.
class Chunk {
 public:
  Chunk(UploadRef upload, uint64_t offset, uint64_t size_bytes);
  ~Chunk();
  Chunk(const Chunk&) = delete;
  Chunk& operator=(const Chunk&) = delete;

  const UploadRef& upload() const { return upload_; }
  uint64_t offset() const { return offset_; }
  uint64_t size_bytes() const { return size_bytes_; }

  // Where the bytes go; nullptr when they lie across two parts of the storage (see Upload::write).
  std::byte* destination() const { return destination_; }
  // The staging buffer that destination() is in; nullptr when the bytes land in the tensor itself.
  const vulkan::BufferRef& staging() const { return staging_; }

 private:
  friend class Upload;
  const UploadRef upload_;
  const uint64_t offset_;
  const uint64_t size_bytes_;
  std::byte* destination_ = nullptr;
  vulkan::BufferRef staging_;
  bool landed_ = false;
};

using ChunkRef = std::shared_ptr<Chunk>;

class Upload : public std::enable_shared_from_this<Upload> {
 public:
  // |slots|: staging buffers of kUploadChunkBytes (fewer for a small tensor); none when the tensor's memory is mapped.
  Upload(uint64_t session, int64_t id, program::Tensor tensor, std::vector<vulkan::BufferRef> slots);

  uint64_t session() const { return session_; }
  int64_t id() const { return id_; }
  const program::Tensor& tensor() const { return tensor_; }
  uint64_t missing_bytes() const;

  // Reserves [offset, offset + size). Errors: kInvalidArgument (outside, overlap, too large), kBusy (no free slot: more
  // chunks than the window are on their way).
  Result<ChunkRef> reserve(uint64_t offset, uint64_t size_bytes);

  // Marks the bytes of |chunk| as in place; true when the tensor is complete. A staged chunk's slot is replaced by
  // |fresh_slot|.
  bool land(Chunk& chunk, vulkan::BufferRef fresh_slot = nullptr);

  // Copies |bytes| to where |chunk| goes.
  static void write(const Chunk& chunk, std::span<const std::byte> bytes);

 private:
  friend class Chunk;
  void abandon(const Chunk& chunk);
  Result<void> take_destination(Chunk& chunk) GPU_NODE_REQUIRES(mutex_);

  const uint64_t session_;
  const int64_t id_;
  const program::Tensor tensor_;
  const uint64_t size_bytes_;
  const bool staged_;

  mutable Mutex mutex_;
  std::map<uint64_t, uint64_t> on_the_way_ GPU_NODE_GUARDED_BY(mutex_);  // begin -> end
  std::map<uint64_t, uint64_t> landed_ GPU_NODE_GUARDED_BY(mutex_);      // begin -> end, neighbours joined
  uint64_t landed_bytes_ GPU_NODE_GUARDED_BY(mutex_) = 0;
  std::vector<vulkan::BufferRef> free_slots_ GPU_NODE_GUARDED_BY(mutex_);
};

// The uploads in progress, by session and id. Any thread.
class UploadTable {
 public:
  void insert(const UploadRef& upload);
  UploadRef find(uint64_t session, int64_t id) const;
  void erase(uint64_t session, int64_t id);

 private:
  struct Key {
    uint64_t session;
    int64_t id;
    bool operator==(const Key&) const = default;
  };
  struct Hash {
    size_t operator()(const Key& key) const {
      return static_cast<size_t>((key.session ^ static_cast<uint64_t>(key.id)) * kHashFactor);
    }
  };

  mutable Mutex mutex_;
  std::unordered_map<Key, UploadRef, Hash> uploads_ GPU_NODE_GUARDED_BY(mutex_);
};

}  // namespace gpu_node::service
