// The node itself: it puts acceptor, epmd entries and timer together and knows which connections live.
#include "dist/node.h"

#include <algorithm>
#include <csignal>
#include <map>
#include <utility>

#include "base/concat.h"
#include "base/log.h"
#include "base/mutex.h"
#include "dist/acceptor.h"
#include "dist/connection.h"
#include "dist/epmd.h"

namespace gpu_node::dist {
namespace {

constexpr int kGoodbyeMs = 1000;

class NodeImpl final : public Node {
 public:
  NodeImpl(const NodeOptions& options, Handler& handler) : state_(options, handler) {}
  ~NodeImpl() override;

  Result<void> open();

  const std::string& name() const override { return state_.names[0]; }
  const std::string& bulk_name() const override { return state_.names[1]; }
  int port(Channel channel) const override { return acceptor_->port(channel); }
  void register_name(const std::string& name) override;
  ConnectionRef find(const std::string& peer, Channel channel) override;
  void set_silent(bool silent) override { state_.silent = silent; }
  Counters counters() const override;
  void stop_accepting() override;

 private:
  using Key = std::pair<std::string, Channel>;

  void serve(Channel channel, const Peer& peer, Socket socket);
  bool enlist(const Key& key, const std::shared_ptr<PeerConnection>& connection);
  void strike_off(const Key& key, const std::shared_ptr<PeerConnection>& connection);
  std::vector<std::shared_ptr<PeerConnection>> living();
  void timer_loop();

  NodeState state_;
  std::unique_ptr<Acceptor> acceptor_;
  std::unique_ptr<EpmdEntries> epmd_;
  std::atomic<uint64_t> next_id_{1};

  Mutex mutex_;
  std::map<Key, std::shared_ptr<PeerConnection>> newest_ GPU_NODE_GUARDED_BY(mutex_);
  // Those that were replaced but have not ended among them.
  std::vector<std::shared_ptr<PeerConnection>> living_ GPU_NODE_GUARDED_BY(mutex_);
  bool closing_ GPU_NODE_GUARDED_BY(mutex_) = false;

  Mutex timer_mutex_;
  Condition timer_wake_;
  bool timer_stopping_ GPU_NODE_GUARDED_BY(timer_mutex_) = false;
  std::thread timer_;
};

Result<void> check(const NodeOptions& options) {
  const auto refuse = [](const std::string& what) { return Error{ErrorCode::kInvalidArgument, what}; };
  if (options.alive.empty() || options.alive.find('@') != std::string::npos)
    return refuse("the node's name '" + options.alive + "' must be the part before the @");
  if (options.host.empty() || options.host.find('@') != std::string::npos)
    return refuse("the node's host '" + options.host + "' must be the part after the @");
  if (options.alive.size() + options.host.size() + 6 > 255) return refuse("the node's name is longer than 255 bytes");
  if (options.cookie.empty()) return refuse("the cookie is empty");
  if (options.port < 0 || options.port > 65534)
    return refuse(concat("port ", options.port, " is outside 0 ... 65534 (the next one is for bulk)"));
  return {};
}

Result<void> NodeImpl::open() {
  GPU_TRY(check(state_.options));
  std::signal(SIGPIPE, SIG_IGN);
  const NodeOptions& options = state_.options;
  state_.names[0] = options.alive + "@" + options.host;
  state_.names[1] = options.alive + "_bulk@" + options.host;
  GPU_ASSIGN(acceptor_, Acceptor::create(options, state_.handshakes_failed));
  for (const Channel channel : {Channel::kControl, Channel::kBulk})
    state_.creations[static_cast<size_t>(channel)] = acceptor_->creation(channel);
  if (options.use_epmd) {
    std::vector<EpmdEntries::Entry> entries(2);
    entries[0].name = options.alive;
    entries[0].port = port(Channel::kControl);
    entries[1].name = options.alive + "_bulk";
    entries[1].port = port(Channel::kBulk);
    GPU_ASSIGN(epmd_, EpmdEntries::create(std::move(entries), options.listen_address));
  }
  auto timer = start_thread("timer", [this] { timer_loop(); });
  if (!timer) return Error{ErrorCode::kInternal, "cannot start the timer thread"};
  timer_ = std::move(*timer);
  return acceptor_->start(
      [this](Channel channel, const Peer& peer, Socket socket) { serve(channel, peer, std::move(socket)); });
}

NodeImpl::~NodeImpl() {
  epmd_.reset();
  if (acceptor_) acceptor_->stop();
  {
    const MutexLock lock(timer_mutex_);
    timer_stopping_ = true;
  }
  timer_wake_.notify_all();
  if (timer_.joinable()) timer_.join();
  {
    const MutexLock lock(mutex_);
    closing_ = true;
  }
  const Deadline deadline = Deadline::after_ms(kGoodbyeMs);
  for (const auto& connection : living()) connection->say_goodbye(deadline);
  for (const auto& connection : living()) connection->close();
  acceptor_.reset();  // waits for the threads of the connections
}

void NodeImpl::stop_accepting() {
  epmd_.reset();
  acceptor_->stop();
}

void NodeImpl::register_name(const std::string& name) {
  const WriterLock lock(state_.names_mutex);
  state_.registered.insert(name);
}

ConnectionRef NodeImpl::find(const std::string& peer, Channel channel) {
  const MutexLock lock(mutex_);
  const auto found = newest_.find({peer, channel});
  return found == newest_.end() ? nullptr : found->second;
}

Node::Counters NodeImpl::counters() const {
  return {state_.connections,  state_.handshakes_failed, state_.messages_in,
          state_.messages_out, state_.bytes_in,          state_.bytes_out};
}

void NodeImpl::serve(Channel channel, const Peer& peer, Socket socket) {
  const Key key(peer.name, channel);
  const auto connection = std::make_shared<PeerConnection>(state_, channel, peer, next_id_++, std::move(socket));
  if (!enlist(key, connection)) {
    log_line(LogLevel::kWarning, "connection_refused",
             concat("peer=", peer.name, " limit=", state_.options.max_connections));
    return;
  }
  connection->run();
  strike_off(key, connection);
}

// Makes |connection| the newest of its peer and channel; the one before it is closed.
bool NodeImpl::enlist(const Key& key, const std::shared_ptr<PeerConnection>& connection) {
  std::shared_ptr<PeerConnection> replaced;
  {
    const MutexLock lock(mutex_);
    const auto found = newest_.find(key);
    const bool full = newest_.size() >= static_cast<size_t>(state_.options.max_connections);
    if (closing_ || (full && found == newest_.end())) return false;
    if (found != newest_.end()) replaced = std::exchange(found->second, connection);
    if (!replaced) newest_.emplace(key, connection);
    living_.push_back(connection);
  }
  if (replaced) {
    log_line(LogLevel::kInfo, "connection_replaced", "peer=" + key.first);
    replaced->close();
  }
  return true;
}

void NodeImpl::strike_off(const Key& key, const std::shared_ptr<PeerConnection>& connection) {
  const MutexLock lock(mutex_);
  const auto found = newest_.find(key);
  if (found != newest_.end() && found->second == connection) newest_.erase(found);
  std::erase(living_, connection);
}

std::vector<std::shared_ptr<PeerConnection>> NodeImpl::living() {
  const MutexLock lock(mutex_);
  return living_;
}

void NodeImpl::timer_loop() {
  const int shortest_ms = std::min(state_.options.tick_ms, state_.options.silence_ms);
  const std::chrono::milliseconds period(std::clamp(shortest_ms / 4, 5, 1000));
  const auto stopping = [this]() GPU_NODE_REQUIRES(timer_mutex_) { return timer_stopping_; };
  MutexLock lock(timer_mutex_);
  while (!timer_wake_.wait_for(timer_mutex_, period, stopping)) {
    lock.unlock();
    for (const auto& connection : living()) connection->look_after();
    lock.lock();
  }
}

}  // namespace

Result<std::unique_ptr<Node>> Node::start(const NodeOptions& options, Handler& handler) {
  auto node = std::make_unique<NodeImpl>(options, handler);
  GPU_TRY(node->open());
  return std::unique_ptr<Node>(std::move(node));
}

}  // namespace gpu_node::dist
