#include "dist/client.h"

#include <arpa/inet.h>
#include <ei.h>
#include <netdb.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <system_error>

#include "base/concat.h"
#include "dist/socket.h"

namespace gpu_node::dist {
namespace {

struct Conversation {
  ei_cnode self{};
  int fd = -1;
  Conversation() = default;
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;
  ~Conversation() {
    if (fd >= 0) ei_close_connection(fd);
  }
};

struct TermBuffer {
  ei_x_buff x{};
  explicit TermBuffer(bool with_version) {
    if (with_version) {
      ei_x_new_with_version(&x);
    } else {
      ei_x_new(&x);
    }
  }
  TermBuffer(const TermBuffer&) = delete;
  TermBuffer& operator=(const TermBuffer&) = delete;
  ~TermBuffer() { ei_x_free(&x); }
};

Error failure(const std::string& node, const Deadline& deadline) {
  if (erl_errno == ETIMEDOUT || deadline.expired()) return {ErrorCode::kDeadline, node + " did not answer in time"};
  return {ErrorCode::kInternal, node + " closed the connection: " + std::generic_category().message(erl_errno)};
}

Result<std::string> resolve(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int code = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (code != 0) return Error{ErrorCode::kNotFound, "host " + host + ": " + ::gai_strerror(code)};
  char text[NI_MAXHOST] = "";
  ::getnameinfo(found->ai_addr, found->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST);
  ::freeaddrinfo(found);
  return std::string(text);
}

// The port of |alive| according to the epmd at |address|.
Result<int> ask_epmd(const std::string& address, const std::string& alive, const Deadline& deadline) {
  constexpr std::byte kPortPlease{122};
  const char* variable = std::getenv("ERL_EPMD_PORT");
  const int epmd_port = variable != nullptr ? static_cast<int>(std::strtol(variable, nullptr, 10)) : 4369;
  const Result<Socket> socket = connect_to(address, epmd_port, deadline);
  if (!socket.ok()) return Error{ErrorCode::kNotFound, concat("no epmd answers at ", address, ":", epmd_port)};
  const size_t size = alive.size() + 1;
  std::vector<std::byte> request = {static_cast<std::byte>(size >> 8), static_cast<std::byte>(size), kPortPlease};
  for (const char c : alive) request.push_back(static_cast<std::byte>(c));
  std::array<std::byte, 4> answer{};
  const bool asked = write_all(socket->get(), request, deadline);
  const bool known = asked && read_all(socket->get(), std::span(answer).first(2), deadline) &&
                     answer[1] == std::byte{0} && read_all(socket->get(), std::span(answer).subspan(2), deadline);
  if (!known) return Error{ErrorCode::kNotFound, "no node " + alive + " is registered with the epmd at " + address};
  return std::to_integer<int>(answer[2]) << 8 | std::to_integer<int>(answer[3]);
}

Result<void> open(Conversation& conversation, const ClientOptions& options) {
  const size_t at = options.node.find('@');
  if (at == std::string::npos)
    return Error{ErrorCode::kInvalidArgument, "name=" + options.node + ": expected NAME@HOST"};
  std::string host = options.node.substr(at + 1);
  const std::string alive = concat("gpu_node_status_", ::getpid());
  const std::string name = alive + "@" + host;
  if (name.size() >= MAXNODELEN) return Error{ErrorCode::kInvalidArgument, "the name " + options.node + " is too long"};
  GPU_ASSIGN(const std::string address, resolve(host));
  int port = options.port;
  if (port == 0) {
    GPU_ASSIGN(port, ask_epmd(address, options.node.substr(0, at), options.deadline));
  }
  ei_init();
  in_addr loopback{htonl(INADDR_LOOPBACK)};
  if (ei_connect_xinit(&conversation.self, host.c_str(), alive.c_str(), name.c_str(), &loopback, options.cookie.c_str(),
                       1) < 0)
    return Error{ErrorCode::kInternal, "erl_interface does not take the name " + name};
  conversation.fd = ei_connect_host_port_tmo(&conversation.self, host.data(), port,
                                             static_cast<unsigned>(options.deadline.remaining_ms()));
  if (conversation.fd >= 0) return {};
  if (options.deadline.expired()) return failure(options.node, options.deadline);
  // erl_interface says the same of a closed port and of a refused cookie.
  const Result<Socket> listening = connect_to(address, port, options.deadline);
  if (!listening.ok()) return Error{ErrorCode::kNotFound, "no node answers: " + listening.error().message};
  return Error{ErrorCode::kInvalidArgument, options.node + " refused the handshake: the cookie is not its cookie"};
}

Result<std::vector<std::byte>> call(Conversation& conversation, const ClientOptions& options, const std::string& name,
                                    std::span<const std::byte> request) {
  ei_cnode& self = conversation.self;
  const int fd = conversation.fd;
  erlang_ref tag{};
  ei_make_ref(&self, &tag);
  TermBuffer message(true);
  ei_x_encode_tuple_header(&message.x, 3);
  ei_x_encode_atom(&message.x, "$gen_call");
  ei_x_encode_tuple_header(&message.x, 2);
  ei_x_encode_pid(&message.x, ei_self(&self));
  ei_x_encode_ref(&message.x, &tag);
  ei_x_append_buf(&message.x, reinterpret_cast<const char*>(request.data()), static_cast<int>(request.size()));
  std::string to = name;
  if (ei_reg_send_tmo(&self, fd, to.data(), message.x.buff, message.x.index,
                      static_cast<unsigned>(options.deadline.remaining_ms())) < 0)
    return failure(options.node, options.deadline);
  TermBuffer reply(false);
  while (!options.deadline.expired()) {
    erlang_msg header{};
    reply.x.index = 0;
    const int got = ei_xreceive_msg_tmo(fd, &header, &reply.x, static_cast<unsigned>(options.deadline.remaining_ms()));
    if (got == ERL_TICK) continue;
    if (got == ERL_ERROR) return failure(options.node, options.deadline);
    const auto* bytes = reinterpret_cast<const std::byte*>(reply.x.buff);
    return std::vector<std::byte>(bytes, bytes + reply.x.index);
  }
  return Error{ErrorCode::kDeadline, options.node + " did not answer in time"};
}

}  // namespace

Result<std::vector<std::vector<std::byte>>> call_node(const ClientOptions& options, const std::string& name,
                                                      std::span<const std::vector<std::byte>> requests) {
  Conversation conversation;
  GPU_TRY(open(conversation, options));
  std::vector<std::vector<std::byte>> replies;
  for (const std::vector<std::byte>& request : requests) {
    GPU_ASSIGN(std::vector<std::byte> reply, call(conversation, options, name, request));
    replies.push_back(std::move(reply));
  }
  return replies;
}

}  // namespace gpu_node::dist
