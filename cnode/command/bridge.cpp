#include "command/bridge.h"

namespace gpu_node {

struct Bridge::BulkConnections {
  Mutex mutex;
  std::map<std::string, dist::ConnectionRef> by_peer GPU_NODE_GUARDED_BY(mutex);

  dist::ConnectionRef find(const std::string& peer) {
    const MutexLock lock(mutex);
    const auto found = by_peer.find(peer);
    return found == by_peer.end() ? nullptr : found->second;
  }
  void up(const dist::ConnectionRef& connection) {
    const MutexLock lock(mutex);
    by_peer[connection->peer()] = connection;
  }
  void down(const dist::ConnectionRef& connection) {
    const MutexLock lock(mutex);
    const auto found = by_peer.find(connection->peer());
    if (found != by_peer.end() && found->second->id() == connection->id()) by_peer.erase(found);
  }
};

class Bridge::ConnectionLink : public service::Link {
 public:
  ConnectionLink(dist::ConnectionRef connection, std::shared_ptr<BulkConnections> bulk)
      : connection_(std::move(connection)), bulk_(std::move(bulk)) {}

  const std::string& peer() const override { return connection_->peer(); }
  uint64_t id() const override { return connection_->id(); }
  bool send(const service::TermBytes& pid, std::vector<std::byte> term) override {
    return connection_->send(pid, std::move(term));
  }
  bool send_bulk(const service::TermBytes& pid, std::vector<std::byte> head, std::span<const std::byte> bytes,
                 std::vector<std::byte> trailer, std::shared_ptr<void> keep_alive) override {
    const dist::ConnectionRef bulk = bulk_->find(connection_->peer());
    dist::Connection& connection = bulk ? *bulk : *connection_;
    return connection.send_bulk(pid, std::move(head), bytes, std::move(trailer), std::move(keep_alive));
  }
  bool monitor(const service::TermBytes& pid) override { return connection_->monitor(pid); }

 private:
  const dist::ConnectionRef connection_;
  const std::shared_ptr<BulkConnections> bulk_;
};

Bridge::Bridge(service::Service& service) : service_(service), bulk_(std::make_shared<BulkConnections>()) {}

service::LinkRef Bridge::link_of(const dist::ConnectionRef& connection) const {
  const MutexLock lock(mutex_);
  const auto found = links_.find(connection->id());
  return found == links_.end() ? nullptr : found->second;
}

void Bridge::on_up(const dist::ConnectionRef& connection) {
  if (connection->channel() == dist::Channel::kBulk) bulk_->up(connection);
  const MutexLock lock(mutex_);
  links_[connection->id()] = std::make_shared<ConnectionLink>(connection, bulk_);
}

void Bridge::on_message(const dist::ConnectionRef& connection, dist::Message&& message) {
  if (const service::LinkRef link = link_of(connection))
    service_.on_message(link, std::move(message.frame), message.payload);
}

void Bridge::on_too_large(const dist::ConnectionRef& connection, std::span<const std::byte> payload_head,
                          size_t payload_bytes) {
  if (const service::LinkRef link = link_of(connection)) service_.on_too_large(link, payload_head, payload_bytes);
}

std::optional<dist::Claim> Bridge::claim(const dist::ConnectionRef& connection, std::span<const std::byte> payload_head,
                                         size_t payload_bytes) {
  const service::LinkRef link = link_of(connection);
  if (!link) return std::nullopt;
  std::optional<service::Landing> landing = service_.claim(link, payload_head, payload_bytes);
  if (!landing) return std::nullopt;
  return dist::Claim{landing->destination, landing->size_bytes, std::move(landing->arrival)};
}

void Bridge::on_claimed(const dist::ConnectionRef&, dist::Claim&& claim) {
  service_.on_landed(std::move(*std::static_pointer_cast<service::Arrival>(std::move(claim.keep_alive))));
}

void Bridge::on_process_down(const dist::ConnectionRef& connection, const dist::TermBytes& pid) {
  if (const service::LinkRef link = link_of(connection)) service_.on_process_down(link, pid);
}

void Bridge::on_down(const dist::ConnectionRef& connection) {
  bulk_->down(connection);
  const service::LinkRef link = link_of(connection);
  if (!link) return;
  service_.on_link_down(link);
  const MutexLock lock(mutex_);
  links_.erase(connection->id());
}

}  // namespace gpu_node
