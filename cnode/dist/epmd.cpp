// A client of epmd. A request is two length bytes (big-endian) and ALIVE2_REQ: 120, port, node type (72: hidden),
// protocol (0: TCP), highest and lowest distribution version, name, extra. The answer is ALIVE2_X_RESP (118, result,
// four bytes of creation) or ALIVE2_RESP (121, result, two bytes); result 0 is success.
#include "dist/epmd.h"

#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>

#include "base/concat.h"
#include "base/log.h"
#include "dist/outbox.h"

extern char** environ;

namespace gpu_node::dist {
namespace {

constexpr int kDefaultPort = 4369;
constexpr int kHiddenNode = 72;
constexpr int kHighestVersion = 6, kLowestVersion = 5;
constexpr int kRequestMs = 2000;
constexpr int kStartMs = 3000;
constexpr int kRetryMs = 500;
// A service manager that restarts epmd gets this long before the node starts one.
constexpr int kPatienceMs = 2000;
// epmd may learn of the death of a name's last holder a moment after its successor asks.
constexpr int kNameTakenMs = 600;

void append16(std::vector<std::byte>& bytes, size_t value) {
  bytes.push_back(static_cast<std::byte>(value >> 8));
  bytes.push_back(static_cast<std::byte>(value));
}

std::vector<std::byte> alive_request(const std::string& name, int port) {
  std::vector<std::byte> bytes;
  append16(bytes, 13 + name.size());
  bytes.push_back(std::byte{120});
  append16(bytes, static_cast<size_t>(port));
  bytes.push_back(std::byte{kHiddenNode});
  bytes.push_back(std::byte{0});
  append16(bytes, kHighestVersion);
  append16(bytes, kLowestVersion);
  append16(bytes, name.size());
  for (const char c : name) bytes.push_back(static_cast<std::byte>(c));
  append16(bytes, 0);
  return bytes;
}

// Runs "epmd -daemon", which returns at once and leaves the daemon behind.
Result<void> start_epmd(const std::string& listen_address) {
  std::vector<char*> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) environment.push_back(*entry);
  std::string bind = "ERL_EPMD_ADDRESS=" + listen_address;
  const bool any = listen_address == "0.0.0.0" || listen_address == "::";
  if (std::getenv("ERL_EPMD_ADDRESS") == nullptr && !any) environment.push_back(bind.data());
  environment.push_back(nullptr);
  char program[] = "epmd", flag[] = "-daemon";
  char* const arguments[] = {program, flag, nullptr};
  pid_t child = 0;
  const int error = ::posix_spawnp(&child, program, nullptr, nullptr, arguments, environment.data());
  if (error != 0) return errno_error(error, "start epmd");
  const Deadline deadline = Deadline::after_ms(kStartMs);
  while (::waitpid(child, nullptr, WNOHANG) == 0 && !deadline.expired()) ::poll(nullptr, 0, 10);
  log_line(LogLevel::kInfo, "epmd_started", "address=" + listen_address);
  return {};
}

}  // namespace

Result<Socket> register_with_epmd(const std::string& address, int epmd_port, const std::string& name, int port,
                                  const Deadline& deadline) {
  const std::string epmd = concat("epmd at ", address, ":", epmd_port);
  Result<Socket> connected = connect_to(address, epmd_port, deadline);
  if (!connected.ok()) return Error{ErrorCode::kNotFound, "no " + epmd + ": " + connected.error().message};
  const int fd = connected->get();
  std::array<std::byte, 6> answer{};
  if (!write_all(fd, alive_request(name, port), deadline) || !read_all(fd, std::span(answer).first(2), deadline))
    return Error{ErrorCode::kNotFound, epmd + " does not answer: " + std::strerror(errno)};
  const bool extended = answer[0] == std::byte{118};
  if (!extended && answer[0] != std::byte{121}) return Error{ErrorCode::kInternal, epmd + " gave an unknown answer"};
  if (answer[1] != std::byte{0})
    return Error{ErrorCode::kInvalidArgument, "the name '" + name + "' is taken: " + epmd + " has a live node of it"};
  if (!read_all(fd, std::span(answer).first(extended ? 4 : 2), deadline))
    return Error{ErrorCode::kNotFound, epmd + " does not answer: " + std::strerror(errno)};
  return connected;
}

Result<std::unique_ptr<EpmdEntries>> EpmdEntries::create(std::vector<Entry> entries,
                                                         const std::string& listen_address) {
  std::unique_ptr<EpmdEntries> made(new EpmdEntries(std::move(entries)));
  const char* address = std::getenv("ERL_EPMD_ADDRESS");
  const char* port = std::getenv("ERL_EPMD_PORT");
  made->address_ = address == nullptr ? "127.0.0.1" : std::string(address, std::strcspn(address, ","));
  made->listen_address_ = listen_address;
  made->port_ = kDefaultPort;
  if (port != nullptr) {
    const char* const end = port + std::strlen(port);
    const auto parsed = std::from_chars(port, end, made->port_);
    if (parsed.ec != std::errc() || parsed.ptr != end || made->port_ <= 0 || made->port_ > 65535)
      return Error{ErrorCode::kInvalidArgument, "ERL_EPMD_PORT is '" + std::string(port) + "', not a port"};
  }
  GPU_TRY(made->register_first());
  GPU_ASSIGN(made->wake_, WakePipe::create());
  auto thread = start_thread("epmd", [self = made.get()] { self->watch(); });
  if (!thread) return Error{ErrorCode::kInternal, "cannot start a thread that watches epmd"};
  made->thread_ = std::move(*thread);
  return made;
}

EpmdEntries::~EpmdEntries() {
  stopping_ = true;
  if (!thread_.joinable()) return;
  wake_.wake();
  thread_.join();
}

Result<void> EpmdEntries::register_missing() {
  for (Entry& entry : entries_) {
    if (entry.connection.valid()) continue;
    GPU_ASSIGN(entry.connection,
               register_with_epmd(address_, port_, entry.name, entry.port, Deadline::after_ms(kRequestMs)));
  }
  return {};
}

Result<void> EpmdEntries::register_first() {
  const Deadline deadline = Deadline::after_ms(kStartMs);
  const Deadline taken_deadline = Deadline::after_ms(kNameTakenMs);
  bool started = false;
  for (;;) {
    Result<void> registered = register_missing();
    if (registered.ok()) return {};
    const bool no_epmd = registered.error().code == ErrorCode::kNotFound;
    if (no_epmd && !started) {
      started = true;
      if (auto start = start_epmd(listen_address_); !start.ok())
        return with_context(registered.error(),
                            start.error().message + "; start epmd or run without it on a fixed port");
    }
    if (no_epmd ? deadline.expired() : taken_deadline.expired()) return registered;
    ::poll(nullptr, 0, 50);
  }
}

// The thread: waits for an entry's connection to close, then registers again until it holds.
void EpmdEntries::watch() {
  int64_t lost_at_ms = 0;
  while (!stopping_) {
    std::vector<pollfd> waiting = {{wake_.fd(), POLLIN, 0}};
    for (const Entry& entry : entries_) waiting.push_back({entry.connection.get(), POLLIN, 0});  // -1 is skipped
    ::poll(waiting.data(), static_cast<nfds_t>(waiting.size()), lost_at_ms == 0 ? -1 : kRetryMs);
    if (stopping_) return;
    for (size_t i = 0; i < entries_.size(); ++i) {
      if (waiting[i + 1].revents == 0) continue;
      log_line(LogLevel::kWarning, "epmd_lost", "name=" + entries_[i].name);
      entries_[i].connection.reset();
      if (lost_at_ms == 0) lost_at_ms = monotonic_ms();
    }
    if (lost_at_ms == 0) continue;
    const Result<void> registered = register_missing();
    if (registered.ok()) {
      log_line(LogLevel::kInfo, "epmd_registered_again", {});
      lost_at_ms = 0;
    } else if (registered.error().code != ErrorCode::kNotFound) {
      log_line(LogLevel::kError, "epmd_refused", registered.error().message);
    } else if (monotonic_ms() - lost_at_ms > kPatienceMs) {
      if (const auto start = start_epmd(listen_address_); !start.ok())
        log_line(LogLevel::kError, "epmd_missing", start.error().message);
      lost_at_ms = monotonic_ms();
    }
  }
}

}  // namespace gpu_node::dist
