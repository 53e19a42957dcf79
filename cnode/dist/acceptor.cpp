// Accepting and handshakes. Only the accepting thread adds guests and joins their threads.
#include "dist/acceptor.h"

#include <fcntl.h>
#include <poll.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "dist/outbox.h"

namespace gpu_node::dist {
namespace {

constexpr int kReapMs = 1000;
constexpr int kRetryMs = 20;

const char* channel_name(Channel channel) { return channel == Channel::kBulk ? "bulk" : "control"; }

Socket open_reserve() { return Socket(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

}  // namespace

Result<void> Acceptor::open(Channel channel, int port) {
  Door& door = doors_[static_cast<size_t>(channel)];
  GPU_ASSIGN(door.listener, listen_on(options_.listen_address, port));
  GPU_ASSIGN(door.port, local_port(door.listener));
  const std::string alive = channel == Channel::kBulk ? options_.alive + "_bulk" : options_.alive;
  GPU_ASSIGN(door.handshaker,
             Handshaker::create(alive, options_.host, options_.cookie, options_.creation, door.listener.get()));
  return {};
}

Result<void> Acceptor::open_doors() {
  GPU_TRY(open(Channel::kControl, options_.port));
  return open(Channel::kBulk, options_.port == 0 ? 0 : options_.port + 1);
}

Result<std::unique_ptr<Acceptor>> Acceptor::create(const NodeOptions& options,
                                                   std::atomic<uint64_t>& handshakes_failed) {
  std::unique_ptr<Acceptor> acceptor(new Acceptor(options, handshakes_failed));
  GPU_TRY(acceptor->open_doors());
  GPU_ASSIGN(acceptor->wake_, WakePipe::create());
  acceptor->reserve_ = open_reserve();
  return acceptor;
}

Result<void> Acceptor::start(Serve serve) {
  serve_ = std::move(serve);
  auto thread = start_thread("accept", [this] { accept_loop(); });
  if (!thread) return Error{ErrorCode::kInternal, "cannot start a thread that accepts connections"};
  thread_ = std::move(*thread);
  return {};
}

void Acceptor::stop() {
  stopping_ = true;
  wake_.wake();
  if (thread_.joinable()) thread_.join();
  const MutexLock lock(mutex_);
  for (const auto& guest : guests_)
    if (guest->pending) ::shutdown(guest->fd, SHUT_RDWR);
  // Pending handshakes use the doors until they notice.
  const bool quiet = handshake_done_.wait_for(
      mutex_, std::chrono::milliseconds(options_.handshake_ms), [this]() GPU_NODE_REQUIRES(mutex_) {
        return std::none_of(guests_.begin(), guests_.end(), [](const auto& guest) { return guest->pending; });
      });
  for (Door& door : doors_) {
    if (!quiet) continue;
    door.handshaker.reset();
    door.listener.reset();
  }
}

Acceptor::~Acceptor() {
  stop();
  reap(true);
}

void Acceptor::accept_loop() {
  while (!stopping_) {
    reap(false);
    const bool room = make_room();
    pollfd waiting[3] = {
        {wake_.fd(), POLLIN, 0}, {doors_[0].listener.get(), POLLIN, 0}, {doors_[1].listener.get(), POLLIN, 0}};
    if (::poll(waiting, room ? 3 : 1, room ? kReapMs : kRetryMs) <= 0) continue;
    if (waiting[0].revents != 0) wake_.drain();
    for (const Channel channel : {Channel::kControl, Channel::kBulk})
      if (room && !stopping_ && waiting[1 + static_cast<size_t>(channel)].revents != 0) admit(channel);
  }
}

// Whether one more handshake may begin. Ends the oldest one for that, if it has had its fair time.
bool Acceptor::make_room() {
  const MutexLock lock(mutex_);
  int pending = 0;
  Guest* oldest = nullptr;
  for (const auto& guest : guests_) {
    if (!guest->pending || guest->evicted) continue;
    ++pending;
    if (oldest == nullptr) oldest = guest.get();
  }
  if (pending < options_.max_handshakes) return true;
  if (oldest == nullptr || monotonic_ms() - oldest->since_ms < kFairMs) return false;
  oldest->evicted = true;
  ::shutdown(oldest->fd, SHUT_RDWR);
  return true;
}

void Acceptor::admit(Channel channel) {
  const Door& door = doors_[static_cast<size_t>(channel)];
  Result<Accepted> accepted = accept_from(door.listener);
  if (!accepted.ok()) {
    log_line(LogLevel::kError, "accept_failed", accepted.error().message);
    refuse(door);
    return;
  }
  if (!accepted->socket.valid()) return;
  auto made = std::make_unique<Guest>();
  Guest& guest = *made;
  guest.fd = accepted->socket.get();
  guest.since_ms = monotonic_ms();
  auto socket = std::make_shared<Accepted>(std::move(*accepted));
  {
    const MutexLock lock(mutex_);
    guests_.push_back(std::move(made));
  }
  auto thread = start_thread("reader", [this, &guest, channel, socket] {
    receive(guest, channel, std::move(socket->socket), socket->from);
    guest.gone = true;
  });
  if (thread) {
    guest.thread = std::move(*thread);
    return;
  }
  log_line(LogLevel::kError, "no_thread", "for=handshake");
  const MutexLock lock(mutex_);
  guests_.pop_back();
}

// Takes a connection off the queue only to close it, so that a process without free descriptors does not spin.
void Acceptor::refuse(const Door& door) {
  reserve_.reset();
  const Result<Accepted> refused = accept_from(door.listener);
  (void)refused.ok();
  reserve_ = open_reserve();
  pollfd waiting{wake_.fd(), POLLIN, 0};
  ::poll(&waiting, 1, kRetryMs);
}

void Acceptor::receive(Guest& guest, Channel channel, Socket socket, const std::string& from) {
  const Door& door = doors_[static_cast<size_t>(channel)];
  const Result<Peer> peer = door.handshaker->accept(socket.get(), Deadline::after_ms(options_.handshake_ms));
  bool evicted = false;
  {
    const MutexLock lock(mutex_);
    guest.pending = false;
    guest.fd = -1;
    evicted = guest.evicted;
  }
  handshake_done_.notify_all();
  if (peer.ok() && !evicted && !stopping_) {
    serve_(channel, *peer, std::move(socket));
    return;
  }
  handshakes_failed_.fetch_add(1);
  const std::string reason = evicted ? "made room for others" : peer.ok() ? "the node stops" : peer.error().message;
  log_line(LogLevel::kWarning, "handshake_failed",
           std::string("channel=") + channel_name(channel) + " from=" + from + " reason=\"" + reason + "\"");
}

// Joins the threads that are done, or (|wait|) all of them.
void Acceptor::reap(bool wait) {
  std::list<std::unique_ptr<Guest>> done;
  {
    const MutexLock lock(mutex_);
    for (auto at = guests_.begin(); at != guests_.end();) {
      const auto next = std::next(at);
      if (wait || (*at)->gone) done.splice(done.end(), guests_, at);
      at = next;
    }
  }
  for (const auto& guest : done) guest->thread.join();
}

}  // namespace gpu_node::dist
