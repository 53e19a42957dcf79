#include "dist/client.h"

#include <arpa/inet.h>
#include <ei.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace gpu_node::dist {
namespace {

struct Socket {
  int fd = -1;
  Socket() = default;
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() {
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

Error failure(const std::string& node) {
  switch (erl_errno) {
    case ETIMEDOUT:
      return {ErrorCode::kDeadline, node + " did not answer in time"};
    case EACCES:
    case EPERM:
      return {ErrorCode::kInvalidArgument, node + " refused the connection: is the cookie right?"};
    case EHOSTUNREACH:
      return {ErrorCode::kNotFound, "no node " + node + " is known to epmd, or its host cannot be reached"};
    default:
      return {ErrorCode::kNotFound,
              "cannot connect to " + node + ": " + std::strerror(erl_errno) + " (is it running? is the cookie right?)"};
  }
}

Result<void> open(ei_cnode& self, Socket& socket, const ClientOptions& options) {
  const size_t at = options.node.find('@');
  if (at == std::string::npos)
    return Error{ErrorCode::kInvalidArgument, "name=" + options.node + ": expected NAME@HOST"};
  const std::string alive = "gpu_node_status_" + std::to_string(::getpid());
  const std::string host = options.node.substr(at + 1);
  const std::string name = alive + "@" + host;
  if (name.size() >= MAXNODELEN) return Error{ErrorCode::kInvalidArgument, "the name " + options.node + " is too long"};
  ei_init();
  in_addr loopback{htonl(INADDR_LOOPBACK)};
  if (ei_connect_xinit(&self, host.c_str(), alive.c_str(), name.c_str(), &loopback, options.cookie.c_str(), 1) < 0)
    return Error{ErrorCode::kInternal, "erl_interface does not take the name " + name};
  std::string target = options.node;
  std::string target_host = host;
  const auto timeout = static_cast<unsigned>(options.deadline.remaining_ms());
  socket.fd = options.port == 0 ? ei_connect_tmo(&self, target.data(), timeout)
                                : ei_connect_host_port_tmo(&self, target_host.data(), options.port, timeout);
  if (socket.fd < 0) return failure(options.node);
  return {};
}

Result<std::vector<std::byte>> call(ei_cnode& self, int fd, const ClientOptions& options, const std::string& name,
                                    std::span<const std::byte> request) {
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
    return failure(options.node);
  TermBuffer reply(false);
  while (!options.deadline.expired()) {
    erlang_msg header{};
    reply.x.index = 0;
    const int got = ei_xreceive_msg_tmo(fd, &header, &reply.x, static_cast<unsigned>(options.deadline.remaining_ms()));
    if (got == ERL_TICK) continue;
    if (got == ERL_ERROR) return failure(options.node);
    const auto* bytes = reinterpret_cast<const std::byte*>(reply.x.buff);
    return std::vector<std::byte>(bytes, bytes + reply.x.index);
  }
  return Error{ErrorCode::kDeadline, options.node + " did not answer in time"};
}

}  // namespace

Result<std::vector<std::vector<std::byte>>> call_node(const ClientOptions& options, const std::string& name,
                                                      std::span<const std::vector<std::byte>> requests) {
  ei_cnode self{};
  Socket socket;
  GPU_TRY(open(self, socket, options));
  std::vector<std::vector<std::byte>> replies;
  for (const std::vector<std::byte>& request : requests) {
    GPU_ASSIGN(std::vector<std::byte> reply, call(self, socket.fd, options, name, request));
    replies.push_back(std::move(reply));
  }
  return replies;
}

}  // namespace gpu_node::dist
