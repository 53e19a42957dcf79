#include "service/upload.h"

#include <cassert>
#include <string>

#include "base/concat.h"
#include "program/transfer.h"

namespace gpu_node::service {
namespace {

using Intervals = std::map<uint64_t, uint64_t>;

bool overlaps(const Intervals& intervals, uint64_t begin, uint64_t end) {
  auto after = intervals.lower_bound(begin);
  if (after != intervals.end() && after->first < end) return true;
  return after != intervals.begin() && std::prev(after)->second > begin;
}

void add_joined(Intervals& intervals, uint64_t begin, uint64_t end) {
  auto after = intervals.lower_bound(begin);
  if (after != intervals.end() && after->first == end) {
    end = after->second;
    after = intervals.erase(after);
  }
  if (after != intervals.begin() && std::prev(after)->second == begin) {
    std::prev(after)->second = end;
  } else {
    intervals.emplace_hint(after, begin, end);
  }
}

}  // namespace

Chunk::Chunk(UploadRef upload, uint64_t offset, uint64_t size_bytes)
    : upload_(std::move(upload)), offset_(offset), size_bytes_(size_bytes) {}

Chunk::~Chunk() {
  if (!landed_) upload_->abandon(*this);
}

Upload::Upload(uint64_t session, int64_t id, program::Tensor tensor, std::vector<vulkan::BufferRef> slots)
    : session_(session),
      id_(id),
      tensor_(std::move(tensor)),
      size_bytes_(program::size_bytes(tensor_)),
      staged_(!slots.empty()),
      free_slots_(std::move(slots)) {}

uint64_t Upload::missing_bytes() const {
  const MutexLock lock(mutex_);
  return size_bytes_ - landed_bytes_;
}

Result<ChunkRef> Upload::reserve(uint64_t offset, uint64_t size_bytes) {
  const std::string what = concat("upload of bytes ", offset, " + ", size_bytes);
  if (size_bytes == 0 || size_bytes > kUploadChunkBytes)
    return Error{ErrorCode::kInvalidArgument, concat(what, ": a chunk has 1 to ", kUploadChunkBytes)};
  if (offset > size_bytes_ || size_bytes > size_bytes_ - offset)
    return Error{ErrorCode::kInvalidArgument, concat(what, ": the tensor has ", size_bytes_, " bytes")};
  auto chunk = std::make_shared<Chunk>(shared_from_this(), offset, size_bytes);
  chunk->landed_ = true;  // nothing to give back yet
  const MutexLock lock(mutex_);
  if (overlaps(landed_, offset, offset + size_bytes) || overlaps(on_the_way_, offset, offset + size_bytes))
    return Error{ErrorCode::kInvalidArgument, what + ": overlaps bytes that came before"};
  GPU_TRY(take_destination(*chunk));
  on_the_way_.emplace(offset, offset + size_bytes);
  chunk->landed_ = false;
  return chunk;
}

Result<void> Upload::take_destination(Chunk& chunk) {
  if (!staged_) {
    chunk.destination_ = program::mapped_bytes(tensor_, chunk.offset_, chunk.size_bytes_);
    return {};
  }
  if (free_slots_.empty())
    return Error{ErrorCode::kBusy, concat("upload: more than ", kUploadWindow, " chunks are unanswered")};
  chunk.staging_ = std::move(free_slots_.back());
  free_slots_.pop_back();
  chunk.destination_ = chunk.staging_->mapped();
  return {};
}

bool Upload::land(Chunk& chunk, vulkan::BufferRef fresh_slot) {
  const MutexLock lock(mutex_);
  assert(!chunk.landed_);  // each message reserves a chunk of its own, and lands it once
  chunk.landed_ = true;
  on_the_way_.erase(chunk.offset_);
  add_joined(landed_, chunk.offset_, chunk.offset_ + chunk.size_bytes_);
  landed_bytes_ += chunk.size_bytes_;
  if (fresh_slot) free_slots_.push_back(std::move(fresh_slot));
  return landed_bytes_ == size_bytes_;
}

void Upload::abandon(const Chunk& chunk) {
  const MutexLock lock(mutex_);
  on_the_way_.erase(chunk.offset_);
  if (chunk.staging_) free_slots_.push_back(chunk.staging_);
}

void Upload::write(const Chunk& chunk, std::span<const std::byte> bytes) {
  assert(bytes.size() == chunk.size_bytes_);  // the decoder took the size from the bytes, the chunk has it from there
  if (chunk.destination_) {
    std::copy(bytes.begin(), bytes.end(), chunk.destination_);
  } else {
    program::write_mapped(chunk.upload_->tensor_, chunk.offset_, bytes);
  }
}

void UploadTable::insert(const UploadRef& upload) {
  const MutexLock lock(mutex_);
  uploads_[{upload->session(), upload->id()}] = upload;
}

UploadRef UploadTable::find(uint64_t session, int64_t id) const {
  const MutexLock lock(mutex_);
  const auto found = uploads_.find({session, id});
  return found == uploads_.end() ? nullptr : found->second;
}

void UploadTable::erase(uint64_t session, int64_t id) {
  const MutexLock lock(mutex_);
  uploads_.erase({session, id});
}

}  // namespace gpu_node::service
