// Who may come in: the two listening sockets, one thread that accepts, a short thread for each handshake.
//
// Pending handshakes are bounded. When they are as many as may be, the oldest makes room for the newcomer once it has
// had kFairMs, so that peers who drip or stay silent delay nobody for longer than that.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <thread>

#include "base/mutex.h"
#include "base/result.h"
#include "dist/handshake.h"
#include "dist/node.h"
#include "dist/socket.h"

namespace gpu_node::dist {

class Acceptor {
 public:
  // Lives the life of a connection whose handshake is done, on the thread of that handshake.
  using Serve = std::function<void(Channel, const Peer&, Socket)>;

  static Result<std::unique_ptr<Acceptor>> create(const NodeOptions& options, std::atomic<uint64_t>& handshakes_failed);
  // Waits for every thread that serves: their connections must have been closed.
  ~Acceptor();

  int port(Channel channel) const { return doors_[static_cast<size_t>(channel)].port; }
  uint32_t creation(Channel channel) const { return doors_[static_cast<size_t>(channel)].handshaker->creation(); }

  Result<void> start(Serve serve);
  // Closes the listening sockets and ends pending handshakes.
  void stop();

 private:
  static constexpr int64_t kFairMs = 100;

  struct Door {
    Socket listener;
    std::unique_ptr<Handshaker> handshaker;
    int port = 0;
  };

  // A peer from accept to the end of its connection. |fd| is valid while |pending|; they and |evicted|
  // are guarded by mutex_, which the analysis cannot be told, for it is not the guest's.
  struct Guest {
    int fd = -1;
    bool pending = true, evicted = false;
    int64_t since_ms = 0;
    std::atomic<bool> gone{false};
    std::thread thread;
  };

  Acceptor(const NodeOptions& options, std::atomic<uint64_t>& handshakes_failed)
      : options_(options), handshakes_failed_(handshakes_failed) {}
  Result<void> open(Channel channel, int port);
  Result<void> open_doors();
  void accept_loop();
  bool make_room();
  void admit(Channel channel);
  void refuse(const Door& door);
  void receive(Guest& guest, Channel channel, Socket socket, const std::string& from);
  void reap(bool wait);

  const NodeOptions options_;
  std::atomic<uint64_t>& handshakes_failed_;
  Serve serve_;
  Door doors_[2];
  WakePipe wake_;
  Socket reserve_;  // a descriptor to give up when there is none left to accept with
  std::thread thread_;
  std::atomic<bool> stopping_{false};
  Mutex mutex_;
  Condition handshake_done_;
  std::list<std::unique_ptr<Guest>> guests_ GPU_NODE_GUARDED_BY(mutex_);
};

}  // namespace gpu_node::dist
