// The read side of one connection: from the byte stream to frames. One thread.
//
// A frame is four length bytes (big-endian) and as many bytes; length 0 is a tick. Small frames come out of one buffer,
// many to a system call; the tail of a large one is received where the caller wants it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace gpu_node::dist {

class FrameReader {
 public:
  FrameReader(int fd, size_t buffer_bytes, uint32_t max_frame_bytes, std::atomic<uint64_t>& bytes_in);

  // kTooLarge: above the limit, but what a peer can send; kMalformed: a length that no peer sends.
  enum class Next : uint8_t { kFrame, kTick, kClosed, kTooLarge, kMalformed };
  // Waits for a frame's length and its first bytes (see head). REQUIRES: the frame before has been taken or skipped.
  Next next();

  uint32_t frame_bytes() const { return left_; }
  // What has arrived of the frame: all of it, or at least kHeadBytes.
  std::span<const std::byte> head() const;

  static constexpr size_t kHeadBytes = 4096;

  // Take the frame: as a block of its own, ...
  bool take(std::vector<std::byte>& frame);
  // ... or its first |skip_bytes| dropped (they lie in head()) and the rest received into |tail|.
  bool take_tail(size_t skip_bytes, std::span<std::byte> tail);
  // ... or not at all: its bytes are received and dropped.
  bool skip();

  // When the last byte came (milliseconds of the monotonic clock). Any thread.
  int64_t received_at_ms() const { return received_at_ms_.load(std::memory_order_relaxed); }

 private:
  size_t buffered() const { return end_ - begin_; }
  bool fill(size_t wanted_bytes);
  bool receive(std::span<std::byte> into);
  size_t copy_buffered(std::span<std::byte> into);

  const int fd_;
  const uint32_t max_frame_bytes_;
  std::atomic<uint64_t>& bytes_in_;
  std::atomic<int64_t> received_at_ms_;
  const size_t capacity_;
  const std::unique_ptr<std::byte[]> buffer_;
  size_t begin_ = 0, end_ = 0;
  uint32_t left_ = 0;  // of the present frame, without its length bytes
};

}  // namespace gpu_node::dist
