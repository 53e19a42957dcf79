// Sockets and threads with an owner. Descriptors never survive an exec; every wait has a deadline.
#include "dist/socket.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <memory>
#include <system_error>

#include "base/concat.h"
#include "base/thread_name.h"

namespace gpu_node::dist {
namespace {

constexpr int kBacklog = 512;

using AddressList = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

Result<AddressList> resolve(const std::string& address, int port, int flags) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(address.c_str(), concat(port).c_str(), &hints, &found);
  if (error != 0)
    return Error{ErrorCode::kInvalidArgument, "address '" + address + "': " + std::string(::gai_strerror(error))};
  return AddressList(found, &::freeaddrinfo);
}

bool close_on_exec(int fd) { return ::fcntl(fd, F_SETFD, FD_CLOEXEC) == 0; }

Result<Socket> open_socket(const addrinfo& address) {
  Socket socket(::socket(address.ai_family, address.ai_socktype, address.ai_protocol));
  if (!socket.valid() || !close_on_exec(socket.get())) return errno_error(errno, "socket");
  return socket;
}

std::string peer_text(const sockaddr_storage& address, socklen_t size) {
  char host[NI_MAXHOST], service[NI_MAXSERV];
  if (::getnameinfo(reinterpret_cast<const sockaddr*>(&address), size, host, sizeof host, service, sizeof service,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
    return "unknown";
  return std::string(host) + ":" + service;
}

// Waits for |events|. False with errno set at the deadline or on failure.
bool wait_for(int fd, short events, const Deadline& deadline) {
  for (;;) {
    pollfd waiting{fd, events, 0};
    const int n = ::poll(&waiting, 1, static_cast<int>(deadline.remaining_ms()));
    if (n > 0) return true;
    if (n < 0 && errno != EINTR) return false;
    if (n == 0 && deadline.expired()) {
      errno = ETIMEDOUT;
      return false;
    }
  }
}

}  // namespace

void Socket::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

Result<Socket> listen_on(const std::string& address, int port) {
  GPU_ASSIGN(const AddressList found, resolve(address, port, AI_PASSIVE));
  GPU_ASSIGN(Socket socket, open_socket(*found));
  const int on = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const std::string what = concat("listen on ", address, " port ", port);
  if (::bind(socket.get(), found->ai_addr, found->ai_addrlen) != 0) return errno_error(errno, what);
  if (::listen(socket.get(), kBacklog) != 0) return errno_error(errno, what);
  // A connection that is gone before accept must not block the thread that accepts.
  if (::fcntl(socket.get(), F_SETFL, ::fcntl(socket.get(), F_GETFL) | O_NONBLOCK) != 0) return errno_error(errno, what);
  return socket;
}

Result<int> local_port(const Socket& socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
    return errno_error(errno, "getsockname");
  const bool v6 = address.ss_family == AF_INET6;
  return ntohs(v6 ? reinterpret_cast<sockaddr_in6*>(&address)->sin6_port
                  : reinterpret_cast<sockaddr_in*>(&address)->sin_port);
}

Result<Accepted> accept_from(const Socket& listener) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  Socket socket(::accept(listener.get(), reinterpret_cast<sockaddr*>(&address), &size));
  if (!socket.valid()) {
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR || errno == ECONNABORTED) return Accepted{};
    return errno_error(errno, "accept");
  }
  // The buffers stay with the kernel's tuning: a size set by hand is capped (208 KiB on a stock Linux) and ends it.
  // BSD sockets inherit O_NONBLOCK from the listener, Linux's do not.
  ::fcntl(socket.get(), F_SETFL, ::fcntl(socket.get(), F_GETFL) & ~O_NONBLOCK);
  const int on = 1;
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(socket.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  if (!close_on_exec(socket.get())) return errno_error(errno, "fcntl");
  return Accepted{std::move(socket), peer_text(address, size)};
}

Result<Socket> connect_to(const std::string& address, int port, const Deadline& deadline) {
  GPU_ASSIGN(const AddressList found, resolve(address, port, 0));
  GPU_ASSIGN(Socket socket, open_socket(*found));
  const std::string what = concat("connect to ", address, " port ", port);
  const int flags = ::fcntl(socket.get(), F_GETFL);
  ::fcntl(socket.get(), F_SETFL, flags | O_NONBLOCK);
  if (::connect(socket.get(), found->ai_addr, found->ai_addrlen) != 0) {
    if (errno != EINPROGRESS && errno != EINTR) return errno_error(errno, what);
    if (!wait_for(socket.get(), POLLOUT, deadline)) return errno_error(errno, what);
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    if (error != 0) return errno_error(error, what);
  }
  ::fcntl(socket.get(), F_SETFL, flags);
  return socket;
}

bool read_all(int fd, std::span<std::byte> bytes, const Deadline& deadline) {
  while (!bytes.empty()) {
    if (!wait_for(fd, POLLIN, deadline)) return false;
    const ssize_t n = ::recv(fd, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (n == 0) errno = ECONNRESET;
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) return false;
    if (n > 0) bytes = bytes.subspan(static_cast<size_t>(n));
  }
  return true;
}

bool write_all(int fd, std::span<const std::byte> bytes, const Deadline& deadline) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_DONTWAIT | kNoSignal);
    if (n > 0) bytes = bytes.subspan(static_cast<size_t>(n));
    if (n >= 0 || errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) return false;
    if (!wait_for(fd, POLLOUT, deadline)) return false;
  }
  return true;
}

Result<WakePipe> WakePipe::create() {
  int fds[2];
  if (::pipe(fds) != 0) return errno_error(errno, "pipe");
  WakePipe pipe;
  pipe.read_.reset(fds[0]);
  pipe.write_.reset(fds[1]);
  for (const int fd : fds)
    if (!close_on_exec(fd) || ::fcntl(fd, F_SETFL, O_NONBLOCK) != 0) return errno_error(errno, "pipe");
  return pipe;
}

void WakePipe::wake() const {
  const char byte = 0;
  // A full pipe wakes just as well.
  [[maybe_unused]] const ssize_t n = ::write(write_.get(), &byte, 1);
}

void WakePipe::drain() const {
  char bytes[64];
  while (::read(read_.get(), bytes, sizeof bytes) > 0) {
  }
}

std::optional<std::thread> start_thread(const char* name, std::function<void()> body) {
  try {
    return std::thread([name, body = std::move(body)] {
      name_this_thread(name);
      body();
    });
  } catch (const std::system_error&) {
    return std::nullopt;
  }
}

}  // namespace gpu_node::dist
