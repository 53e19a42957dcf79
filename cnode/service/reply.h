// Answers to calls: the terms, and the table of the calls that still wait for theirs.
//
// A waiting call is answered exactly once, by whoever comes first: the device thread with its result, the table when
// its deadline passes or it is cancelled, the watchdog when the device is lost. Thread-safe.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "etf/encoder.h"
#include "service/request.h"

namespace gpu_node::service {

// Who asked, and how he recognises the answer.
struct Caller {
  LinkRef link;
  TermBytes pid;
  TermBytes tag;
};

// "{Tag, " of the answer to |caller|: write the reply into it, then send_reply.
etf::Writer begin_reply(const Caller& caller);
void send_reply(const Caller& caller, etf::Writer&& writer);

void reply_ok(const Caller& caller);
void reply_error(const Caller& caller, const Error& error);

// {error, {Code, Message}}, or {error, {Code, Message, Details}} of a compilation.
void write_error(etf::Writer& writer, const Error& error);

class PendingCall {
 public:
  PendingCall(Caller caller, uint64_t session, RequestOptions options);

  const Caller& caller() const { return caller_; }
  uint64_t session() const { return session_; }
  const TermBytes& ref() const { return ref_; }
  Clock::time_point arrived() const { return arrived_; }
  Clock::time_point deadline() const { return deadline_; }

  bool answered() const { return answered_.load(std::memory_order_acquire); }
  // True for the first who asks: he sends the answer.
  bool claim() { return !answered_.exchange(true, std::memory_order_acq_rel); }
  // Answers {error, ...} unless somebody has answered.
  void fail(const Error& error);

 private:
  const Caller caller_;
  const uint64_t session_;
  const TermBytes ref_;
  const Clock::time_point arrived_;
  const Clock::time_point deadline_;
  std::atomic<bool> answered_{false};
};

using PendingCallRef = std::shared_ptr<PendingCall>;

class PendingCalls {
 public:
  explicit PendingCalls(size_t limit) : limit_(limit) {}

  // Registers a call; nothing when |limit| calls wait.
  std::optional<PendingCallRef> add(Caller caller, uint64_t session, RequestOptions options);

  // Answers `deadline` to the calls whose time has passed, and forgets those that are answered.
  void expire(Clock::time_point now);

  // Answers `deadline` to |session|'s call that was made with |ref|; false when there is none.
  bool cancel(uint64_t session, const TermBytes& ref);

  // Answers |error| to the calls of |session|, or to all.
  void fail_session(uint64_t session, const Error& error);
  void fail_all(const Error& error);

  size_t size() const;

 private:
  template <typename Wanted>
  void fail_where(Wanted wanted, const Error& error);

  const size_t limit_;
  mutable Mutex mutex_;
  std::multimap<Clock::time_point, PendingCallRef> by_deadline_ GPU_NODE_GUARDED_BY(mutex_);
};

}  // namespace gpu_node::service
