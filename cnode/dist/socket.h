// Sockets and threads with an owner: a descriptor that closes itself, reads and writes that end by a deadline, a pipe
// that wakes a poll, threads that fail to start without an exception. POSIX only.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>

#include "base/deadline.h"
#include "base/result.h"

namespace gpu_node::dist {

// macOS has SO_NOSIGPIPE instead; the node ignores SIGPIPE anyway.
#ifdef MSG_NOSIGNAL
inline constexpr int kNoSignal = MSG_NOSIGNAL;
#else
inline constexpr int kNoSignal = 0;
#endif

class Socket {
 public:
  Socket() = default;
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  ~Socket() { reset(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

// Listens on |address| (IPv4 or IPv6, taken as it is). Port 0 takes any free one.
Result<Socket> listen_on(const std::string& address, int port);
Result<int> local_port(const Socket& socket);

// Takes one waiting connection: its socket and "address:port" of the peer; no socket when none waits. The descriptor
// is not inherited by child processes.
struct Accepted {
  Socket socket;
  std::string from;
};
Result<Accepted> accept_from(const Socket& listener);

Result<Socket> connect_to(const std::string& address, int port, const Deadline& deadline);

// Reads or writes all of |bytes|. False with errno set when that fails; ETIMEDOUT at the deadline, ECONNRESET at the
// end.
bool read_all(int fd, std::span<std::byte> bytes, const Deadline& deadline);
bool write_all(int fd, std::span<const std::byte> bytes, const Deadline& deadline);

// Wakes a thread that polls its descriptor.
class WakePipe {
 public:
  static Result<WakePipe> create();
  int fd() const { return read_.get(); }
  void wake() const;
  void drain() const;

 private:
  Socket read_, write_;
};

// Starts a thread; nothing when the system has no room for one.
std::optional<std::thread> start_thread(const char* name, std::function<void()> body);

}  // namespace gpu_node::dist
