// The accepting side of the distribution handshake, done by erl_interface over sockets that stay ours.
//
// libei sees the socket only through callbacks: every packet is read whole by a deadline and checked before libei
// parses it, and our flags are completed on their way out. When accept() returns, libei has forgotten the descriptor.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/deadline.h"
#include "base/result.h"

namespace gpu_node::dist {

struct Peer {
  std::string name;
  uint64_t flags = 0;
  uint32_t creation = 0;
};

class Handshaker {
 public:
  // |listener| is the listening socket's descriptor, which must outlive the handshaker.
  static Result<std::unique_ptr<Handshaker>> create(const std::string& alive, const std::string& host,
                                                    const std::string& cookie, uint32_t creation, int listener);
  virtual ~Handshaker() = default;

  // Makes the peer behind the connected socket |fd| prove that it has the cookie. Any number of threads at once.
  virtual Result<Peer> accept(int fd, const Deadline& deadline) const = 0;

  // What the peer was told; libei moves the smallest numbers out of the range of old releases.
  virtual uint32_t creation() const = 0;
};

}  // namespace gpu_node::dist
