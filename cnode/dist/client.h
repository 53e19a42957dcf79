// One call to a running node, as `gpu_node status` makes it: connects as a hidden node of its own, asks, and leaves.
//
// Not used by the serving process, which never dials. Blocks at most for the deadline.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "base/deadline.h"
#include "base/result.h"

namespace gpu_node::dist {

struct ClientOptions {
  std::string node;  // "gpu0@host"
  std::string cookie;
  int port = 0;  // 0: ask epmd
  Deadline deadline = Deadline::after_ms(5000);
};

// The replies of GenServer.call({name, node}, request) for each of |requests| (external terms without their version
// byte), in order, as terms starting with 131. Errors: kNotFound when nobody answers by that name, kInvalidArgument
// when the cookie is refused, kDeadline.
Result<std::vector<std::vector<std::byte>>> call_node(const ClientOptions& options, const std::string& name,
                                                      std::span<const std::vector<std::byte>> requests);

}  // namespace gpu_node::dist
