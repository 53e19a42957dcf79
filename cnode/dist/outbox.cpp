// Writing packets whole and in turn. The mutex guards the queues and is never held during a system call.
#include "dist/outbox.h"

#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <utility>

#include "dist/socket.h"

namespace gpu_node::dist {
namespace {

// Small packets that wait together leave in one system call.
constexpr size_t kBatchPackets = 64;
constexpr size_t kBatchBytes = 256 << 10;
constexpr size_t kMaxBulkPackets = 1024;
// How long one write blocks before it looks whether the outbox has ended or stalled.
constexpr int kWriteSliceMs = 1000;

void add_piece(std::vector<iovec>& pieces, std::span<const std::byte> bytes) {
  if (!bytes.empty()) pieces.push_back({const_cast<std::byte*>(bytes.data()), bytes.size()});
}

}  // namespace

int64_t monotonic_ms() { return in_milliseconds(Clock::now().time_since_epoch()); }

Outbox::Outbox(int fd, uint32_t max_small_bytes, int stall_ms, std::atomic<uint64_t>& bytes_out)
    : fd_(fd),
      max_small_bytes_(max_small_bytes),
      stall_ms_(stall_ms),
      bytes_out_(bytes_out),
      written_at_ms_(monotonic_ms()) {
  const timeval slice{kWriteSliceMs / 1000, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &slice, sizeof slice);
}

Pushed Outbox::push(Packet packet) {
  const size_t size = packet.size_bytes();
  MutexLock lock(mutex_);
  if (ended_) return Pushed::kEnded;
  if (small_bytes_ + size > max_small_bytes_) {
    ended_ = true;
    work_.notify_one();
    return Pushed::kFull;
  }
  small_bytes_ += size;
  small_.push_back(std::move(packet));
  if (writing_ || !current_.empty() || small_.size() > 1 || !bulk_.empty()) {
    work_.notify_one();
    return Pushed::kQueued;
  }
  // Idle: save the sender thread's wake-up.
  writing_ = true;
  take_next();
  lock.unlock();
  const bool alive = write_some(false);
  lock.lock();
  writing_ = false;
  if (!alive) ended_ = true;
  if (!idle() || ended_) work_.notify_one();
  if (idle()) drained_.notify_all();
  return ended_ ? Pushed::kEnded : Pushed::kQueued;
}

Pushed Outbox::push_bulk(Packet packet) {
  const MutexLock lock(mutex_);
  if (ended_) return Pushed::kEnded;
  if (bulk_.size() >= kMaxBulkPackets) ended_ = true;
  work_.notify_one();
  if (ended_) return Pushed::kFull;
  bulk_.push_back(std::move(packet));
  return Pushed::kQueued;
}

int64_t Outbox::idle_ms() const {
  const MutexLock lock(mutex_);
  return idle() ? monotonic_ms() - written_at_ms_.load() : 0;
}

// Moves what is to be written next from the queues into current_.
void Outbox::take_next() {
  size_t bytes = 0;
  while (!small_.empty() && current_.size() < kBatchPackets && bytes < kBatchBytes) {
    bytes += small_.front().size_bytes();
    current_.push_back(std::move(small_.front()));
    small_.pop_front();
  }
  small_bytes_ -= bytes;
  if (current_.empty() && !bulk_.empty()) {
    current_.push_back(std::move(bulk_.front()));
    bulk_.pop_front();
  }
  pieces_.clear();
  next_piece_ = 0;
  for (const Packet& packet : current_) {
    add_piece(pieces_, packet.header);
    add_piece(pieces_, packet.head);
    add_piece(pieces_, packet.body);
    add_piece(pieces_, packet.trailer);
  }
}

// Writes from pieces_, all of it or (|wait| false) what the socket takes at once. False when the connection is gone.
bool Outbox::write_some(bool wait) {
  written_at_ms_ = monotonic_ms();
  while (next_piece_ < pieces_.size()) {
    msghdr message{};
    message.msg_iov = &pieces_[next_piece_];
    message.msg_iovlen = pieces_.size() - next_piece_;
    const ssize_t n = ::sendmsg(fd_, &message, kNoSignal | (wait ? 0 : MSG_DONTWAIT));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK) return false;
    if (n < 0 && !wait) return true;
    if (n < 0 && (ended() || monotonic_ms() - written_at_ms_.load() >= stall_ms_)) return false;
    if (n < 0) continue;
    written_at_ms_ = monotonic_ms();
    bytes_out_ += static_cast<uint64_t>(n);
    for (auto left = static_cast<size_t>(n); left > 0;) {
      iovec& piece = pieces_[next_piece_];
      const size_t taken = left < piece.iov_len ? left : piece.iov_len;
      piece.iov_base = static_cast<std::byte*>(piece.iov_base) + taken;
      piece.iov_len -= taken;
      left -= taken;
      if (piece.iov_len == 0) ++next_piece_;
    }
  }
  current_.clear();
  return true;
}

void Outbox::run() {
  MutexLock lock(mutex_);
  for (;;) {
    work_.wait(mutex_, [this]() GPU_NODE_REQUIRES(mutex_) { return !writing_ && (ended_ || !idle()); });
    if (ended_) break;
    writing_ = true;
    if (current_.empty()) take_next();
    lock.unlock();
    const bool alive = write_some(true);
    lock.lock();
    writing_ = false;
    if (!alive) ended_ = true;
    if (idle()) drained_.notify_all();
  }
  // What the packets keep alive may come back here when it goes: let it go without the lock.
  const std::deque<Packet> small = std::exchange(small_, {}), bulk = std::exchange(bulk_, {});
  const std::vector<Packet> current = std::exchange(current_, {});
  small_bytes_ = 0;
  drained_.notify_all();
  lock.unlock();
}

bool Outbox::drain(const Deadline& deadline) {
  const MutexLock lock(mutex_);
  drained_.wait_until(mutex_, deadline.at(), [this]() GPU_NODE_REQUIRES(mutex_) { return ended_ || idle(); });
  return !ended_ && idle();
}

void Outbox::end() {
  const MutexLock lock(mutex_);
  ended_ = true;
  work_.notify_one();
  drained_.notify_all();
}

bool Outbox::ended() const {
  const MutexLock lock(mutex_);
  return ended_;
}

}  // namespace gpu_node::dist
