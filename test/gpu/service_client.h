// A peer without sockets: speaks terms to a Service, as a process of a connected BEAM node would, and keeps what comes
// back.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "etf/encoder.h"
#include "service/service.h"

namespace gpu_node::test {

using Bytes = std::vector<std::byte>;

// A connected node. Thread-safe.
class Peer : public service::Link {
 public:
  explicit Peer(std::string name);

  const std::string& peer() const override { return name_; }
  uint64_t id() const override { return id_; }
  bool send(const Bytes& pid, Bytes term) override;
  bool send_bulk(const Bytes& pid, Bytes head, std::span<const std::byte> bytes, Bytes trailer,
                 std::shared_ptr<void> keep_alive) override;
  bool monitor(const Bytes& pid) override;

  // A process of this node.
  Bytes pid(uint32_t number) const;
  // The next message to |pid| that |wanted| takes, within |timeout_ms|; empty when none comes.
  template <typename Wanted>
  Bytes receive(const Bytes& pid, int64_t timeout_ms, Wanted wanted);
  size_t monitored() const;
  uint64_t bulk_replies() const { return bulk_replies_; }

 private:
  const std::string name_;
  const uint64_t id_;
  mutable std::mutex mutex_;
  std::condition_variable came_;
  std::deque<std::pair<Bytes, Bytes>> inbox_;  // to whom, what
  size_t monitored_ = 0;
  std::atomic<uint64_t> bulk_replies_{0};
};

// What a call was answered with.
struct Reply {
  bool answered = false;
  std::string code;                        // of an error; empty: ok
  std::string message;                     // of an error
  Bytes bytes;                             // of a download
  std::map<std::string, int64_t> numbers;  // of a map, by path: "memory.live_bytes"; booleans as 0 and 1
  bool ok() const { return answered && code.empty(); }
};

// The answer that |pid| gets to the call with |tag|, within |timeout_ms|.
Reply await_reply(Peer& peer, const Bytes& pid, uint64_t tag, int64_t timeout_ms = 60'000);
// Whether |pid| is told that the messages of |session| up to |seq| are done: in a message of its own.
bool await_ack(Peer& peer, const Bytes& pid, uint64_t session, int64_t seq, int64_t timeout_ms = 60'000);
// The |seq| of the next acknowledgement that |pid| gets; -1: none comes.
int64_t next_ack(Peer& peer, const Bytes& pid, uint64_t session, int64_t timeout_ms = 60'000);
// For a call; every one is another.
uint64_t new_tag();

using Dimensions = std::initializer_list<int64_t>;

void write_shape(etf::Writer& writer, Dimensions dims);

// The commands of one run message.
class Commands {
 public:
  Commands& alloc(int64_t id, std::string_view type, Dimensions dims);
  Commands& alloc(int64_t id, std::string_view type, Dimensions dims, std::span<const std::byte> bytes);
  Commands& op(std::string_view name, int64_t id, std::string_view type, Dimensions dims,
               std::initializer_list<int64_t> operands);
  Commands& free(std::initializer_list<int64_t> ids) { return gone("free", ids); }
  Commands& release(std::initializer_list<int64_t> ids) { return gone("release", ids); }
  Commands& raw(const etf::Writer& command);
  uint32_t count() const { return count_; }
  const Bytes& bytes() const { return writer_.bytes(); }

 private:
  Commands& gone(std::string_view how, std::initializer_list<int64_t> ids);
  etf::Writer writer_;
  uint32_t count_ = 0;
};

// The message that has them carried out.
etf::Writer run_message(uint64_t session, int64_t seq, const Commands& commands);

// A process of a peer, with a session once open() was called.
class Client {
 public:
  Client(service::Service& service, std::shared_ptr<Peer> peer, uint32_t number = 1);

  Reply open(int64_t lease_ms = 30'000, int64_t quota_bytes = -1, int64_t grace_ms = -1);
  uint64_t session = 0;

  Reply call(const etf::Writer& request, int64_t timeout_ms = 60'000);
  // The same in two halves, so that several calls can wait.
  uint64_t send_call(const etf::Writer& request);
  Reply await(uint64_t tag, int64_t timeout_ms = 60'000);

  etf::Writer download_request(int64_t id, uint64_t offset, int64_t size, int64_t deadline_ms = -1, int64_t ref = -1);
  Reply download(int64_t id, uint64_t offset = 0, int64_t size = -1);
  std::vector<float> floats(int64_t id);
  Reply sync(std::initializer_list<int64_t> ids = {});
  Reply stats();
  int64_t live_bytes() { return stats().numbers["memory.live_bytes"]; }

  void run(const Commands& commands, int64_t seq = 0);
  bool acked(int64_t seq, int64_t timeout_ms = 60'000);
  // Makes |id| another name of tensor |from_id| of |maker|.
  Reply attach(int64_t id, const Client& maker, int64_t from_id);
  Reply upload_open(int64_t id, std::string_view type, Dimensions dims);
  // Sends a chunk as a reader would: by claim where the service takes it, else whole.
  uint64_t send_chunk(int64_t id, uint64_t offset, std::span<const std::byte> bytes, bool claim = true);
  Reply chunk(int64_t id, uint64_t offset, std::span<const std::byte> bytes, bool claim = true);

  const Bytes& pid() const { return pid_; }
  const std::shared_ptr<Peer>& peer() const { return peer_; }
  service::Service& service() { return service_; }
  void send(const etf::Writer& message);

 private:
  service::Service& service_;
  const std::shared_ptr<Peer> peer_;
  const Bytes pid_;
};

// Waits until |true_now| holds, a minute at most.
template <typename Condition>
bool eventually(Condition true_now, int64_t timeout_ms = 60'000) {
  const Deadline deadline = Deadline::after_ms(timeout_ms);
  while (!true_now()) {
    if (deadline.expired()) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

// A service on a device of its own.
std::unique_ptr<service::Service> make_service(service::ServiceOptions options = {},
                                               const vulkan::DeviceOptions* device = nullptr);

// A service with one session.
struct Connected {
  std::unique_ptr<service::Service> service = make_service();
  std::shared_ptr<Peer> peer = std::make_shared<Peer>("a@test");
  Client client{*service, peer};

  Connected();
};

}  // namespace gpu_node::test
