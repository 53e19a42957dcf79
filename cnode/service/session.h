// Sessions: what one process of a connected node owns here. A session ends when its owner dies, its connection closes,
// its lease runs out, or it is closed; its tensors are freed by the device thread soon after.
//
// The table and the atomics of a session may be used from any thread; `handles` belongs to the device thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "program/tensor.h"
#include "service/handle_table.h"
#include "service/reply.h"
#include "service/request.h"

namespace gpu_node::service {

inline constexpr size_t kMaxSessions = 4096;
inline constexpr size_t kMaxSessionsPerPeer = 256;  // of one node: a client in a loop leaves some to others
inline constexpr size_t kMaxTensorsPerSession = 1u << 20;
// Of the host's memory: names, whatever they stand for, the texts of errors, and programs.
inline constexpr uint64_t kMaxHostBytesPerSession = 256u << 20;
inline constexpr uint64_t kMaxHostBytes = 1u << 30;  // of all sessions

// The bytes of a session, or of all, and their limit. Outlives the session while what it paid for lives.
class Account : public program::Payer, public std::enable_shared_from_this<Account> {
 public:
  // |what|: the bytes' kind, for messages. |of_all|: where those of several are counted together.
  explicit Account(std::optional<uint64_t> quota_bytes, std::string_view what = "bytes",
                   std::shared_ptr<Account> of_all = nullptr, std::string_view whose = "the session holds")
      : quota_bytes_(quota_bytes), what_(what), whose_(whose), of_all_(std::move(of_all)) {}

  // Adds |bytes| until the returned payment is dropped. Error: kQuota.
  Result<program::Payment> charge(uint64_t bytes);
  // The same without asking for the quota: what the service itself needs for the session.
  program::Payment charge_anyway(uint64_t bytes);
  void give_back(uint64_t bytes) override;
  uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  Result<void> take(uint64_t bytes);

  const std::optional<uint64_t> quota_bytes_;
  const std::string_view what_, whose_;
  const std::shared_ptr<Account> of_all_;
  std::atomic<uint64_t> bytes_{0};
};

struct Session {
  // |all_host|: counts the host memory of all sessions.
  Session(uint64_t session_id, Open&& open, LinkRef owner_link, std::shared_ptr<Account> all_host = nullptr);

  const uint64_t id;
  const TermBytes owner;
  const LinkRef link;
  const int64_t lease_ms;
  const std::chrono::milliseconds grace;  // how long a released tensor can still be attached
  const std::shared_ptr<Account> account;
  const program::Charge charge;  // by the account
  const std::shared_ptr<Account> host_account;
  const program::Charge host_charge = [paying = host_account](uint64_t bytes) { return paying->charge(bytes); };

  std::atomic<Clock::rep> last_seen;
  std::atomic<bool> closed{false};
  std::atomic<uint32_t> queued_commands{0};
  std::atomic<uint32_t> tensors{0};
  std::atomic<uint64_t> attached_bytes{0};  // of tensors that other sessions made and pay for

  // Device thread only.
  HandleTable handles;
  std::optional<Error> names_lost;  // why some names are not there, though what they stood for was asked for
  uint64_t recorded_in = 0;         // the submission that its last commands are part of

  // Pays for one name more than there are. Error: kQuota.
  Result<void> pay_for_name();
  // Gets back what is paid for names that went.
  void settle_names();

  void touch() { last_seen.store(Clock::now().time_since_epoch().count(), std::memory_order_relaxed); }
  int64_t idle_ms(Clock::time_point now) const;
  // What it pays for, and what it keeps others paying for.
  uint64_t reach_bytes() const { return account->bytes() + attached_bytes.load(std::memory_order_relaxed); }

 private:
  std::vector<program::Payment> names_paid_;  // each of as many bytes; device thread
};

using SessionRef = std::shared_ptr<Session>;

class SessionTable {
 public:
  // |host_bytes|: of the host's memory, for all sessions together.
  explicit SessionTable(uint64_t host_bytes = kMaxHostBytes);

  // Errors: kInvalidArgument when the pid is not of the peer's node, kBusy above the limit of all, kQuota above that of
  // a peer.
  Result<SessionRef> open(Open&& open, const LinkRef& link);

  // The live session |id|, its lease renewed. Errors: kStale (made by another process), kNotFound (ended here).
  Result<SessionRef> find(uint64_t id);
  // The error of one that has ended, which says why while that is remembered.
  Error ended(uint64_t id) const;
  // The same without renewing its lease: what somebody else wants of it. nullptr when it does not live.
  SessionRef peek(uint64_t id) const;

  // True while processes of more than one BEAM node have sessions.
  bool several_nodes() const { return nodes_.load(std::memory_order_relaxed) > 1; }

  void close(uint64_t id);
  void close_owner(const LinkRef& link, const TermBytes& pid);
  void close_link(const LinkRef& link);
  void close_expired(Clock::time_point now);

  // The sessions that ended since the last call: the device thread frees what they hold.
  std::vector<SessionRef> take_closed();

  std::vector<SessionRef> live() const;
  // "who owns what", for out-of-memory messages.
  std::string owners_text() const;

 private:
  static constexpr size_t kMaxEnded = 1024;
  // A reason, for the log and for people.
  struct End {
    std::string_view word, text;
  };
  template <typename Ends>
  void close_where(End end, Ends ends);
  Error ended_error(uint64_t id) const GPU_NODE_REQUIRES(mutex_);
  uint64_t new_id() GPU_NODE_REQUIRES(mutex_);
  void count_nodes() GPU_NODE_REQUIRES(mutex_);

  mutable Mutex mutex_;
  std::unordered_map<uint64_t, SessionRef> sessions_ GPU_NODE_GUARDED_BY(mutex_);
  std::vector<SessionRef> closed_ GPU_NODE_GUARDED_BY(mutex_);
  std::deque<std::pair<uint64_t, std::string_view>> ended_
      GPU_NODE_GUARDED_BY(mutex_);  // the latest, with their reasons
  std::atomic<size_t> nodes_{0};
  std::random_device random_ GPU_NODE_GUARDED_BY(mutex_);
  const std::shared_ptr<Account> all_host_;
  const uint64_t process_tag_;  // the high 16 bits of every id of this process
};

// True when |pid| (raw external term) is of the node |node|.
bool pid_is_of(const TermBytes& pid, const std::string& node);

}  // namespace gpu_node::service
