// Being a node of an Erlang cluster: two hidden names (control and bulk), each with its listening socket; accept and
// handshake with deadlines; one reader thread per connection; ticks; epmd. Knows nothing of what the messages mean,
// beyond answering {is_auth, Node} (Node.ping/1) and anything sent to a name that is not registered.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace gpu_node::dist {

enum class Channel : uint8_t { kControl, kBulk };

struct NodeOptions {
  std::string alive;  // "gpu0"
  std::string host;   // "host", "127.0.0.1", "host.example.org"; taken verbatim
  std::string cookie;
  std::string listen_address = "127.0.0.1";
  int port = 0;  // 0: any free port; else this one, and port + 1 for bulk
  bool use_epmd = true;
  uint32_t creation = 1;    // the incarnation, announced in the handshake and in pids
  int handshake_ms = 5000;  // from accept to the end of the handshake
  int max_handshakes = 64;  // pending at once; further connections wait in the listen backlog or are closed
  int max_connections = 256;
  uint32_t max_frame_bytes = 8u << 20;        // larger frames are dropped: see Handler::on_too_large
  int tick_ms = 10000;                        // of send idleness
  int silence_ms = 75000;                     // without a byte received: the peer is dead
  uint32_t max_send_queue_bytes = 64u << 20;  // of small messages per connection; a slower reader is disconnected
};

// A pid or reference as raw external-term bytes: echoed, compared, never taken apart.
using TermBytes = std::vector<std::byte>;

class Connection;
using ConnectionRef = std::shared_ptr<Connection>;

// One message that arrived, with its own buffer. |payload| is one external term without the version byte's frame:
// it starts with 131.
struct Message {
  std::string to_name;  // registered name; empty when sent to a pid
  TermBytes from;       // sender's pid; empty when unknown (SEND)
  std::vector<std::byte> frame;
  std::span<const std::byte> payload;
};

// Where the tail of a frame may be received directly (bulk uploads): see Handler::claim.
struct Claim {
  std::byte* destination = nullptr;  // gets the frame's last |size_bytes| bytes
  size_t size_bytes = 0;
  std::shared_ptr<void> keep_alive;  // holds the destination, and what the handler knows of it, until on_claimed
};

// What a node does with its messages. Calls for one connection come from its reader thread, one at a time; calls for
// different connections come at once. Implementations must not block on I/O.
class Handler {
 public:
  virtual ~Handler() = default;
  virtual void on_up(const ConnectionRef& connection) = 0;
  virtual void on_message(const ConnectionRef& connection, Message&& message) = 0;
  // A message of |payload_bytes|, more than the node takes, begins with |payload_head| and is being dropped.
  virtual void on_too_large(const ConnectionRef& connection, std::span<const std::byte> payload_head,
                            size_t payload_bytes) = 0;
  // Asked for every message on the bulk channel: its payload has |payload_bytes| and begins with |payload_head| (131
  // first, at most 512 bytes). May claim the payload's last bytes, from no later than the end of |payload_head|; the
  // message then arrives by on_claimed, without what precedes them. When the connection ends in between, the claim is
  // dropped and on_claimed never comes.
  virtual std::optional<Claim> claim(const ConnectionRef& connection, std::span<const std::byte> payload_head,
                                     size_t payload_bytes) = 0;
  virtual void on_claimed(const ConnectionRef& connection, Claim&& claim) = 0;
  // A process that monitor() named is gone.
  virtual void on_process_down(const ConnectionRef& connection, const TermBytes& pid) = 0;
  virtual void on_down(const ConnectionRef& connection) = 0;
};

class Connection {
 public:
  virtual ~Connection() = default;
  virtual const std::string& peer() const = 0;  // node name, the same on both channels
  virtual Channel channel() const = 0;
  virtual uint64_t id() const = 0;  // unique in this process

  // Queues the external term |term| (starting with 131) for |pid|. Never blocks. Returns false when the connection is
  // down or its queue is over its limit (which closes it).
  virtual bool send(const TermBytes& pid, std::vector<std::byte> term) = 0;

  // Sends one external term: |head| (which ends in a binary's header), |tail| (the binary's bytes, not copied) and
  // |trailer| (the rest of the term, may be empty), by one sendmsg as the socket takes it, after the small messages
  // that are queued. |keep_alive| is dropped when it has left or failed.
  virtual bool send_bulk(const TermBytes& pid, std::vector<std::byte> head, std::span<const std::byte> tail,
                         std::vector<std::byte> trailer, std::shared_ptr<void> keep_alive) = 0;

  // Asks the peer to say when |pid| dies (on_process_down); when the connection goes, on_down says it for all.
  virtual bool monitor(const TermBytes& pid) = 0;

  virtual void close() = 0;
};

class Node {
 public:
  // Listens on both ports, starts epmd when it is missing, publishes both names. Errors name what is wrong: the name is
  // taken, the address cannot be bound, epmd cannot be started.
  static Result<std::unique_ptr<Node>> start(const NodeOptions& options, Handler& handler);
  virtual ~Node() = default;

  virtual const std::string& name() const = 0;       // "gpu0@host"
  virtual const std::string& bulk_name() const = 0;  // "gpu0_bulk@host"
  virtual int port(Channel channel) const = 0;

  // Registers a name that messages are handed over for; other names are answered {error, {not_found, ...}} when called.
  virtual void register_name(const std::string& name) = 0;

  // The newest connection of |peer| on |channel|, or nullptr.
  virtual ConnectionRef find(const std::string& peer, Channel channel) = 0;

  // While true no ticks are sent, so that peers see the node as down: the watchdog has tripped.
  virtual void set_silent(bool silent) = 0;

  struct Counters {
    uint64_t connections = 0, handshakes_failed = 0, messages_in = 0, messages_out = 0, bytes_in = 0, bytes_out = 0;
  };
  virtual Counters counters() const = 0;

  // Stops accepting; connections stay until the destructor.
  virtual void stop_accepting() = 0;
};

}  // namespace gpu_node::dist
