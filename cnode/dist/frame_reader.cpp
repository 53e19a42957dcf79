// Receiving frames. Memory follows the bytes that came, never the length that a peer announced.
#include "dist/frame_reader.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "dist/outbox.h"

namespace gpu_node::dist {
namespace {

constexpr size_t kFirstBlockBytes = 256 << 10;

}  // namespace

FrameReader::FrameReader(int fd, size_t buffer_bytes, uint32_t max_frame_bytes, std::atomic<uint64_t>& bytes_in)
    : fd_(fd),
      max_frame_bytes_(max_frame_bytes),
      bytes_in_(bytes_in),
      received_at_ms_(monotonic_ms()),
      capacity_(std::max(buffer_bytes, 4 + kHeadBytes)),
      buffer_(new std::byte[capacity_]) {}

std::span<const std::byte> FrameReader::head() const {
  return {buffer_.get() + begin_, std::min<size_t>(left_, buffered())};
}

// Makes at least |wanted_bytes| (at most the buffer's size) lie in the buffer.
bool FrameReader::fill(size_t wanted_bytes) {
  if (buffered() >= wanted_bytes) return true;
  if (begin_ + wanted_bytes > capacity_ || begin_ == end_) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, buffered());
    end_ = buffered();
    begin_ = 0;
  }
  while (buffered() < wanted_bytes) {
    const ssize_t n = ::recv(fd_, buffer_.get() + end_, capacity_ - end_, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    end_ += static_cast<size_t>(n);
    bytes_in_.fetch_add(static_cast<uint64_t>(n), std::memory_order_relaxed);
    received_at_ms_.store(monotonic_ms(), std::memory_order_relaxed);
  }
  return true;
}

FrameReader::Next FrameReader::next() {
  if (!fill(4)) return Next::kClosed;
  const std::byte* at = buffer_.get() + begin_;
  left_ = 0;
  for (int i = 0; i < 4; ++i) left_ = left_ << 8 | std::to_integer<uint32_t>(at[i]);
  begin_ += 4;
  if (left_ == 0) return Next::kTick;
  if (left_ > 0x7fffffffu) return Next::kMalformed;
  if (!fill(std::min<size_t>(left_, kHeadBytes))) return Next::kClosed;
  return left_ > max_frame_bytes_ ? Next::kTooLarge : Next::kFrame;
}

size_t FrameReader::copy_buffered(std::span<std::byte> into) {
  const size_t n = std::min(into.size(), buffered());
  if (n > 0) std::memcpy(into.data(), buffer_.get() + begin_, n);
  begin_ += n;
  left_ -= static_cast<uint32_t>(n);
  return n;
}

// Receives all of |into|, and what comes behind it into the buffer, which is empty when |into| is not: the next frame's
// head costs no call.
bool FrameReader::receive(std::span<std::byte> into) {
  while (!into.empty()) {
    iovec pieces[2] = {{into.data(), into.size()}, {buffer_.get(), capacity_}};
    msghdr message{};
    message.msg_iov = pieces;
    message.msg_iovlen = 2;
    const ssize_t n = ::recvmsg(fd_, &message, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    const auto received = static_cast<size_t>(n);
    const size_t taken = std::min(received, into.size());
    into = into.subspan(taken);
    left_ -= static_cast<uint32_t>(taken);
    begin_ = 0;
    end_ = received - taken;
    bytes_in_.fetch_add(received, std::memory_order_relaxed);
    received_at_ms_.store(monotonic_ms(), std::memory_order_relaxed);
  }
  return true;
}

bool FrameReader::take(std::vector<std::byte>& frame) {
  const size_t size = left_;
  if (buffered() >= size) {
    frame.assign(buffer_.get() + begin_, buffer_.get() + begin_ + size);
    begin_ += size;
    left_ = 0;
    return true;
  }
  frame.resize(std::min(size, std::max(kFirstBlockBytes, buffered())));
  for (size_t done = 0;;) {
    // The buffer may hold more of this frame: receive reads past the end of a block.
    const auto block = std::span(frame).subspan(done);
    if (!receive(block.subspan(copy_buffered(block)))) return false;
    done = frame.size();
    if (done == size) return true;
    frame.resize(std::min(size, 2 * done));
  }
}

bool FrameReader::take_tail(size_t skip_bytes, std::span<std::byte> tail) {
  begin_ += skip_bytes;
  left_ -= static_cast<uint32_t>(skip_bytes);
  const size_t copied = copy_buffered(tail);
  return receive(tail.subspan(copied));
}

bool FrameReader::skip() {
  for (;;) {
    const size_t n = std::min<size_t>(left_, buffered());
    begin_ += n;
    left_ -= static_cast<uint32_t>(n);
    if (left_ == 0) return true;
    if (!fill(1)) return false;
  }
}

}  // namespace gpu_node::dist
