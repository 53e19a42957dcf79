// Between the connections of dist and the service, which do not know each other: connections become links, frames
// become messages, chunks become claims.
#pragma once

#include <map>
#include <memory>
#include <unordered_map>

#include "base/mutex.h"
#include "dist/node.h"
#include "service/service.h"

namespace gpu_node {

class Bridge : public dist::Handler {
 public:
  // |service| must outlive every connection.
  explicit Bridge(service::Service& service);

  void on_up(const dist::ConnectionRef& connection) override;
  void on_message(const dist::ConnectionRef& connection, dist::Message&& message) override;
  void on_too_large(const dist::ConnectionRef& connection, std::span<const std::byte> payload_head,
                    size_t payload_bytes) override;
  std::optional<dist::Claim> claim(const dist::ConnectionRef& connection, std::span<const std::byte> payload_head,
                                   size_t payload_bytes) override;
  void on_claimed(const dist::ConnectionRef& connection, dist::Claim&& claim) override;
  void on_process_down(const dist::ConnectionRef& connection, const dist::TermBytes& pid) override;
  void on_down(const dist::ConnectionRef& connection) override;

 private:
  // The newest bulk connection of each peer: large answers go there. Shared with the links.
  struct BulkConnections;
  class ConnectionLink;

  service::LinkRef link_of(const dist::ConnectionRef& connection) const;

  service::Service& service_;
  const std::shared_ptr<BulkConnections> bulk_;
  mutable Mutex mutex_;
  std::unordered_map<uint64_t, service::LinkRef> links_ GPU_NODE_GUARDED_BY(mutex_);  // by connection
};

}  // namespace gpu_node
