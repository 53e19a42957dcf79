// The service's view of a connected peer: whom it can answer and watch. What carries the bytes is somebody else's
// business (cnode/command/bridge.cpp has Erlang distribution; the tests have a peer without sockets).
//
// All calls are thread-safe and never block.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace gpu_node::service {

// A pid, reference or tag as raw external-term bytes: echoed, compared, never taken apart.
using TermBytes = std::vector<std::byte>;

class Link {
 public:
  virtual ~Link() = default;

  virtual const std::string& peer() const = 0;  // node name
  virtual uint64_t id() const = 0;              // unique in this process

  // Sends the external term |term| (starting with 131) to |pid|. False when the peer is gone.
  virtual bool send(const TermBytes& pid, std::vector<std::byte> term) = 0;

  // Sends the external term made of |head|, |bytes| and |trailer| without copying |bytes|, over the peer's bulk
  // connection when there is one. |keep_alive| is dropped when the bytes have left or failed.
  virtual bool send_bulk(const TermBytes& pid, std::vector<std::byte> head, std::span<const std::byte> bytes,
                         std::vector<std::byte> trailer, std::shared_ptr<void> keep_alive) = 0;

  // Asks to be told (Service::on_process_down) when |pid| dies.
  virtual bool monitor(const TermBytes& pid) = 0;
};

using LinkRef = std::shared_ptr<Link>;

}  // namespace gpu_node::service
