// One connection of one peer: its reader (the thread that calls run), its sender thread, its monitors.
//
// The descriptor belongs to run(); everybody else goes through the outbox or close().
#pragma once

#include <atomic>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/mutex.h"
#include "dist/control.h"
#include "dist/frame_reader.h"
#include "dist/handshake.h"
#include "dist/node.h"
#include "dist/outbox.h"
#include "dist/socket.h"

namespace gpu_node::dist {

// What all connections of a node share.
struct NodeState {
  NodeState(const NodeOptions& node_options, Handler& node_handler) : options(node_options), handler(node_handler) {}

  bool is_registered(std::string_view name) const {
    const ReaderLock lock(names_mutex);
    return registered.contains(name);
  }

  const NodeOptions options;
  Handler& handler;
  std::string names[2];  // by channel
  uint32_t creations[2] = {};
  std::atomic<bool> silent{false};
  std::atomic<uint64_t> connections{0}, handshakes_failed{0}, messages_in{0}, messages_out{0}, bytes_in{0},
      bytes_out{0};
  mutable SharedMutex names_mutex;
  std::set<std::string, std::less<>> registered GPU_NODE_GUARDED_BY(names_mutex);
};

inline std::string key_of(Bytes term) { return {reinterpret_cast<const char*>(term.data()), term.size()}; }

class PeerConnection final : public Connection, public std::enable_shared_from_this<PeerConnection> {
 public:
  PeerConnection(NodeState& node, Channel channel, const Peer& peer, uint64_t id, Socket socket);

  const std::string& peer() const override { return peer_.name; }
  Channel channel() const override { return channel_; }
  uint64_t id() const override { return id_; }
  bool send(const TermBytes& pid, std::vector<std::byte> term) override;
  bool send_bulk(const TermBytes& pid, std::vector<std::byte> head, std::span<const std::byte> tail,
                 std::vector<std::byte> trailer, std::shared_ptr<void> keep_alive) override;
  bool monitor(const TermBytes& pid) override;
  void close() override;

  // The connection's life, from on_up to on_down.
  void run();

  // The timer's visit: sends a tick after a pause, ends the connection of a peer that has been silent for too long.
  void look_after();

  // Tells those who monitor our names that they are going, and waits until that has left.
  void say_goodbye(const Deadline& deadline);

 private:
  // signals.cpp: what the peer's frames do. False: the connection is to end, for the reason in the log.
  bool handle_frame();
  bool refuse_frame();
  bool receive_claimed(Bytes head, const Control& control, bool& claimed);
  bool handle_message(const Control& control, std::vector<std::byte>&& frame);
  void answer_unregistered(const Control& control, Bytes payload);
  void handle_signal(const Control& control);
  void handle_monitor(const Control& control);
  void handle_monitored_exit(const Control& control);

  bool push(std::vector<std::byte> frame);
  bool pushed(Pushed result);
  bool refuse_large(const Packet& packet) const;
  void tick();
  void log(LogLevel level, std::string_view event, std::string_view details) const;

  NodeState& node_;
  const Channel channel_;
  const Peer peer_;
  const uint64_t id_;

  Mutex socket_mutex_;  // guards socket_ against close() after its end
  Socket socket_ GPU_NODE_GUARDED_BY(socket_mutex_);
  FrameReader reader_;
  Outbox outbox_;

  struct Monitor {
    TermBytes from, to;
  };
  Mutex monitors_mutex_;
  std::map<std::string, Monitor> monitors_of_us_ GPU_NODE_GUARDED_BY(monitors_mutex_);  // by the bytes of the reference
  std::map<uint64_t, TermBytes> monitored_ GPU_NODE_GUARDED_BY(monitors_mutex_);  // by the number of our reference
  std::set<std::string> monitored_pids_ GPU_NODE_GUARDED_BY(monitors_mutex_);     // by their bytes
  uint64_t next_reference_ GPU_NODE_GUARDED_BY(monitors_mutex_) = 1;
};

}  // namespace gpu_node::dist
