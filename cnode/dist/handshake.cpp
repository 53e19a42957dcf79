// erl_interface's handshake behind our own socket callbacks. Handshake packets are two length bytes (big-endian) and
// the packet: 'N' name, 's' status, 'N' challenge, 'r' reply, 'a' acknowledgement, in this order.
#include "dist/handshake.h"

#include <ei.h>
#include <netinet/in.h>
#include <openssl/rand.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <mutex>
#include <vector>

#include "base/concat.h"
#include "dist/socket.h"

// libei hashes this into every challenge. libc's own asks the name server, which takes five seconds where none answers,
// and gives the same number each time; this one answers at once and cannot be guessed. libei is linked statically, so
// the definition here is the one it gets.
extern "C" long gethostid() {
  long random = 0;
  return RAND_bytes(reinterpret_cast<unsigned char*>(&random), sizeof random) == 1 ? random : 0;
}

namespace gpu_node::dist {
namespace {

constexpr size_t kMaxPacketBytes = 1024;
constexpr size_t kMaxNameBytes = 255;
constexpr size_t kNameHeaderBytes = 1 + 8 + 4 + 2;  // tag, flags, creation, length of the name
// libei announces DIST_MONITOR but not this one, without which the BEAM sends no monitor signal at all.
constexpr uint64_t kFlagMonitorName = 0x20;
constexpr uint64_t kFlagNameMe = uint64_t{1} << 33;

// What a callback's context points at: libei asks for the descriptor of the listener and of the connection alike.
struct Endpoint {
  int fd = -1;
};

struct Pending : Endpoint {
  const Deadline* deadline = nullptr;
  Peer peer;
  int packets_read = 0;
  bool acknowledged = false;
  const char* reason = "the peer sent nothing";
  std::vector<std::byte> packet;  // read from the socket, not yet taken by libei
  size_t taken = 0;
};

// ei_accept_tmo takes no argument that reaches its callbacks, but calls them on the calling thread.
thread_local Pending* t_pending = nullptr;

uint64_t big_endian(const std::byte* at, size_t width) {
  uint64_t value = 0;
  for (size_t i = 0; i < width; ++i) value = value << 8 | std::to_integer<uint64_t>(at[i]);
  return value;
}

bool name_is_sound(const std::string& name) {
  const size_t at = name.find('@');
  return at != std::string::npos && at > 0 && at + 1 < name.size() && name.find('@', at + 1) == std::string::npos &&
         std::none_of(name.begin(), name.end(), [](unsigned char c) { return c <= ' ' || c == 127; });
}

// Checks the peer's first packet and keeps what libei does not tell.
bool check_name(std::span<const std::byte> packet, Pending& pending) {
  pending.reason = "not a name packet of OTP 23 or newer";
  if (packet.size() < kNameHeaderBytes || packet[0] != std::byte{'N'}) return false;
  pending.peer.flags = big_endian(&packet[1], 8);
  pending.peer.creation = static_cast<uint32_t>(big_endian(&packet[9], 4));
  const uint64_t length = big_endian(&packet[13], 2);
  pending.reason = "the peer's name is malformed";
  if (length > kMaxNameBytes || length > packet.size() - kNameHeaderBytes) return false;
  pending.peer.name.assign(reinterpret_cast<const char*>(&packet[kNameHeaderBytes]), length);
  if (pending.peer.flags & kFlagNameMe) pending.reason = "the peer wants to be given a name, which this node cannot do";
  return name_is_sound(pending.peer.name);
}

int read_packet(Pending& pending) {
  std::array<std::byte, 2> header;
  if (!read_all(pending.fd, header, *pending.deadline)) return errno;
  const size_t length = big_endian(header.data(), 2);
  pending.reason = "a handshake packet is too large";
  if (length == 0 || length > kMaxPacketBytes) return EMSGSIZE;
  pending.packet.assign(header.begin(), header.end());
  pending.packet.resize(2 + length);
  pending.taken = 0;
  pending.reason = "the peer stopped in the middle of a packet";
  const std::span<std::byte> body = std::span(pending.packet).subspan(2);
  if (!read_all(pending.fd, body, *pending.deadline)) return errno;
  if (pending.packets_read == 0 && !check_name(body, pending)) return EPROTO;
  pending.reason =
      pending.packets_read == 0 ? "the peer cannot do what this node needs, or did not go on" : "wrong cookie";
  ++pending.packets_read;
  return 0;
}

int on_read(void* context, char* bytes, ssize_t* size, unsigned) {
  Pending& pending = *static_cast<Pending*>(static_cast<Endpoint*>(context));
  if (pending.taken == pending.packet.size()) {
    const int error = read_packet(pending);
    if (error != 0) return error;
  }
  const size_t n = std::min(static_cast<size_t>(*size), pending.packet.size() - pending.taken);
  std::memcpy(bytes, pending.packet.data() + pending.taken, n);
  pending.taken += n;
  *size = static_cast<ssize_t>(n);
  return 0;
}

int on_write(void* context, const char* bytes, ssize_t* size, unsigned) {
  Pending& pending = *static_cast<Pending*>(static_cast<Endpoint*>(context));
  std::vector<std::byte> packet(static_cast<size_t>(*size));
  std::memcpy(packet.data(), bytes, packet.size());
  if (packet.size() > 2 + 9 && packet[2] == std::byte{'N'}) packet[10] |= std::byte{kFlagMonitorName};
  if (packet.size() > 2 && packet[2] == std::byte{'a'}) pending.acknowledged = true;
  return write_all(pending.fd, packet, *pending.deadline) ? 0 : errno;
}

int on_socket(void** context, void* setup) {
  *context = setup;
  return 0;
}

int on_listen(void*, void*, int*, int) { return 0; }  // it listens already

int on_accept(void** context, void* address, int* size, unsigned) {
  *context = static_cast<Endpoint*>(t_pending);
  std::memset(address, 0, static_cast<size_t>(*size));
  *size = sizeof(sockaddr_in);
  return 0;
}

int on_connect(void*, void*, int, unsigned) { return ENOTSUP; }  // the node only accepts

int on_close(void*) { return 0; }  // the descriptor's owner closes it

int on_header_size(void*, int* size) {
  *size = 2;
  return 0;
}

int on_fd(void* context, int* fd) {
  *fd = static_cast<const Endpoint*>(context)->fd;
  return 0;
}

ei_socket_callbacks* callbacks() {
  static ei_socket_callbacks table = [] {
    ei_socket_callbacks made{};
    made.flags = EI_SCLBK_FLG_FULL_IMPL;
    made.socket = on_socket;
    made.close = on_close;
    made.listen = on_listen;
    made.EI_ACCEPT_NAME = on_accept;
    made.connect = on_connect;
    made.write = on_write;
    made.read = on_read;
    made.handshake_packet_header_size = on_header_size;
    made.get_fd = on_fd;
    return made;
  }();
  return &table;
}

class EiHandshaker final : public Handshaker {
 public:
  explicit EiHandshaker(int listener) { listener_.fd = listener; }

  ~EiHandshaker() override {
    if (listens_) ei_close_connection(listener_.fd);
  }

  Result<void> open(const std::string& alive, const std::string& host, const std::string& cookie, uint32_t creation) {
    static std::once_flag once;
    std::call_once(once, [] { ei_init(); });
    in_addr address{};
    const std::string name = alive + "@" + host;
    if (ei_connect_xinit_ussi(&node_, host.c_str(), alive.c_str(), name.c_str(), &address, cookie.c_str(), creation,
                              callbacks(), sizeof(ei_socket_callbacks), static_cast<Endpoint*>(&listener_)) != 0)
      return Error{ErrorCode::kInvalidArgument,
                   concat("the name ", name, " or the cookie (", cookie.size(), " bytes) is too long")};
    // Makes libei know the listening descriptor; on_listen does nothing.
    int port = 0;
    if (ei_xlisten(&node_, &address, &port, 0) != listener_.fd)
      return Error{ErrorCode::kInternal, concat("erl_interface refuses descriptor ", listener_.fd)};
    listens_ = true;
    return {};
  }

  Result<Peer> accept(int fd, const Deadline& deadline) const override {
    Pending pending;
    pending.fd = fd;
    pending.deadline = &deadline;
    t_pending = &pending;
    const auto start = Clock::now();
    const int accepted = ei_accept_tmo(const_cast<ei_cnode*>(&node_), listener_.fd, nullptr, 0);
    t_pending = nullptr;
    if (accepted == fd) {
      ei_close_connection(fd);
      return pending.peer;
    }
    if (pending.acknowledged) return Error{ErrorCode::kInternal, "erl_interface has no room for the connection"};
    std::string message = pending.reason;
    if (deadline.expired()) message = concat("not done after ", in_milliseconds(Clock::now() - start), " ms");
    if (!pending.peer.name.empty() && name_is_sound(pending.peer.name)) message += ", peer " + pending.peer.name;
    return Error{deadline.expired() ? ErrorCode::kDeadline : ErrorCode::kInvalidArgument, message};
  }

  uint32_t creation() const override { return node_.creation; }

 private:
  ei_cnode node_{};
  Endpoint listener_;
  bool listens_ = false;
};

}  // namespace

Result<std::unique_ptr<Handshaker>> Handshaker::create(const std::string& alive, const std::string& host,
                                                       const std::string& cookie, uint32_t creation, int listener) {
  auto handshaker = std::make_unique<EiHandshaker>(listener);
  GPU_TRY(handshaker->open(alive, host, cookie, creation));
  return std::unique_ptr<Handshaker>(std::move(handshaker));
}

}  // namespace gpu_node::dist
