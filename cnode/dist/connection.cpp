// A connection's life and its sending side.
#include "dist/connection.h"

#include <utility>

#include "base/concat.h"

namespace gpu_node::dist {
namespace {

// On the bulk channel the buffer is small: what lies in it of a chunk's tail is copied once more.
constexpr size_t kControlBufferBytes = 64 << 10;
constexpr size_t kBulkBufferBytes = 16 << 10;
constexpr size_t kMaxFrameBytes = 0x7fffffff;
constexpr uint32_t kOwnPid = 1;

}  // namespace

PeerConnection::PeerConnection(NodeState& node, Channel channel, const Peer& peer, uint64_t id, Socket socket)
    : node_(node),
      channel_(channel),
      peer_(peer),
      id_(id),
      socket_(std::move(socket)),
      reader_(socket_.get(), channel == Channel::kBulk ? kBulkBufferBytes : kControlBufferBytes,
              node.options.max_frame_bytes, node.bytes_in),
      outbox_(socket_.get(), node.options.max_send_queue_bytes, node.options.silence_ms, node.bytes_out) {}

void PeerConnection::log(LogLevel level, std::string_view event, std::string_view details) const {
  std::string text = "peer=" + peer_.name + " channel=" + (channel_ == Channel::kBulk ? "bulk" : "control");
  if (!details.empty()) text.append(" ").append(details);
  log_line(level, event, text);
}

void PeerConnection::run() {
  auto sender = start_thread("sender", [this] {
    outbox_.run();
    close();
  });
  if (!sender) {
    log(LogLevel::kError, "no_thread", "for=sender");
    close();
    return;
  }
  node_.connections.fetch_add(1);
  const ConnectionRef self = shared_from_this();
  log(LogLevel::kDebug, "connection_up", {});
  node_.handler.on_up(self);
  for (bool open = true; open;) {
    switch (reader_.next()) {
      case FrameReader::Next::kFrame:
        open = handle_frame();
        break;
      case FrameReader::Next::kTick:
        tick();
        break;
      case FrameReader::Next::kTooLarge:
        open = refuse_frame();
        break;
      case FrameReader::Next::kMalformed:
        log(LogLevel::kWarning, "malformed_frame", concat("bytes=", reader_.frame_bytes()));
        open = false;
        break;
      case FrameReader::Next::kClosed:
        open = false;
        break;
    }
  }
  close();
  sender->join();
  log(LogLevel::kDebug, "connection_down", {});
  node_.handler.on_down(self);
  const MutexLock lock(socket_mutex_);
  socket_.reset();
}

void PeerConnection::close() {
  outbox_.end();
  const MutexLock lock(socket_mutex_);
  if (socket_.valid()) ::shutdown(socket_.get(), SHUT_RDWR);
}

bool PeerConnection::push(std::vector<std::byte> frame) {
  Packet packet;
  packet.header = std::move(frame);
  return pushed(outbox_.push(std::move(packet)));
}

bool PeerConnection::pushed(Pushed result) {
  if (result == Pushed::kQueued) return true;
  if (result == Pushed::kFull) log(LogLevel::kWarning, "peer_does_not_read", {});
  close();
  return false;
}

bool PeerConnection::refuse_large(const Packet& packet) const {
  log(LogLevel::kError, "message_too_large", concat("bytes=", packet.size_bytes()));
  return false;
}

bool PeerConnection::send(const TermBytes& pid, std::vector<std::byte> term) {
  Packet packet;
  packet.header = send_header(pid, term.size());
  packet.head = std::move(term);
  if (packet.size_bytes() > kMaxFrameBytes) return refuse_large(packet);
  if (!pushed(outbox_.push(std::move(packet)))) return false;
  node_.messages_out.fetch_add(1, std::memory_order_relaxed);
  return true;
}

bool PeerConnection::send_bulk(const TermBytes& pid, std::vector<std::byte> head, std::span<const std::byte> tail,
                               std::vector<std::byte> trailer, std::shared_ptr<void> keep_alive) {
  Packet packet;
  packet.header = send_header(pid, head.size() + tail.size() + trailer.size());
  packet.head = std::move(head);
  packet.body = tail;
  packet.trailer = std::move(trailer);
  packet.keep_alive = std::move(keep_alive);
  if (packet.size_bytes() > kMaxFrameBytes) return refuse_large(packet);
  if (!pushed(outbox_.push_bulk(std::move(packet)))) return false;
  node_.messages_out.fetch_add(1, std::memory_order_relaxed);
  return true;
}

bool PeerConnection::monitor(const TermBytes& pid) {
  const auto channel = static_cast<size_t>(channel_);
  uint64_t number = 0;
  {
    const MutexLock lock(monitors_mutex_);
    if (!monitored_pids_.insert(key_of(pid)).second) return !outbox_.ended();
    number = next_reference_++;
    monitored_.emplace(number, pid);
  }
  return push(monitor_frame(pid_term(node_.names[channel], kOwnPid, node_.creations[channel]), pid,
                            reference_term(node_.names[channel], number, node_.creations[channel])));
}

void PeerConnection::tick() {
  if (!node_.silent.load()) push(std::vector<std::byte>(4));
}

void PeerConnection::look_after() {
  const int64_t silent_ms = monotonic_ms() - reader_.received_at_ms();
  if (silent_ms >= node_.options.silence_ms) {
    log(LogLevel::kWarning, "peer_silent", concat("ms=", silent_ms));
    close();
  } else if (outbox_.idle_ms() >= node_.options.tick_ms) {
    tick();
  }
}

void PeerConnection::say_goodbye(const Deadline& deadline) {
  std::map<std::string, Monitor> monitors;
  {
    const MutexLock lock(monitors_mutex_);
    monitors.swap(monitors_of_us_);
  }
  for (const auto& [reference, monitor] : monitors)
    push(monitor_exit_frame(monitor.to, monitor.from, std::as_bytes(std::span(reference)), "shutdown"));
  outbox_.drain(deadline);
}

}  // namespace gpu_node::dist
