// The write side of one connection: two queues, of which the small one goes first, and whole packets on the wire.
//
// Whoever pushes into an idle outbox writes at once as much as the socket takes; the rest, and everything that comes
// meanwhile, is the sender thread's (run). Only one of them is ever writing.
#pragma once

#include <sys/uio.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "base/deadline.h"
#include "base/mutex.h"

namespace gpu_node::dist {

// One frame, in up to four pieces; |body| is not ours.
struct Packet {
  std::vector<std::byte> header, head;
  std::span<const std::byte> body;
  std::vector<std::byte> trailer;
  std::shared_ptr<void> keep_alive;

  size_t size_bytes() const { return header.size() + head.size() + body.size() + trailer.size(); }
};

// What became of a packet: kFull also ends the outbox, for the peer does not read.
enum class Pushed : uint8_t { kQueued, kFull, kEnded };

class Outbox {
 public:
  // A write that makes no progress for |stall_ms| ends the outbox.
  Outbox(int fd, uint32_t max_small_bytes, int stall_ms, std::atomic<uint64_t>& bytes_out);

  // Full means more than |max_small_bytes| of small packets, or too many bulk ones.
  Pushed push(Packet packet);
  Pushed push_bulk(Packet packet);

  // Milliseconds since something was written; 0 while something is on its way.
  int64_t idle_ms() const;

  // The sender thread's life: returns once the outbox has ended.
  void run();

  // Waits until everything has been written.
  bool drain(const Deadline& deadline);

  // Refuses further packets and lets run() drop what waits and return. A write under way ends when the socket is shut
  // down.
  void end();
  bool ended() const;

 private:
  bool idle() const GPU_NODE_REQUIRES(mutex_) {
    return !writing_ && current_.empty() && small_.empty() && bulk_.empty();
  }
  // The caller has set writing_.
  void take_next() GPU_NODE_REQUIRES(mutex_);
  bool write_some(bool wait) GPU_NODE_EXCLUDES(mutex_);

  const int fd_;
  const uint32_t max_small_bytes_;
  const int stall_ms_;
  std::atomic<uint64_t>& bytes_out_;
  std::atomic<int64_t> written_at_ms_;

  mutable Mutex mutex_;
  Condition work_;     // for the sender thread
  Condition drained_;  // for drain()
  std::deque<Packet> small_ GPU_NODE_GUARDED_BY(mutex_), bulk_ GPU_NODE_GUARDED_BY(mutex_);
  size_t small_bytes_ GPU_NODE_GUARDED_BY(mutex_) = 0;
  bool ended_ GPU_NODE_GUARDED_BY(mutex_) = false;
  bool writing_ GPU_NODE_GUARDED_BY(mutex_) = false;  // who set it owns what follows, without the lock
  std::vector<Packet> current_;
  std::vector<iovec> pieces_;
  size_t next_piece_ = 0;
};

int64_t monotonic_ms();

}  // namespace gpu_node::dist
