// Work that takes many submissions, for callers who wait for it. Each pass over the jobs records a slice of every one
// whose last slice is complete; what other work is recorded in between shares the submissions. Where several jobs take
// turns, their slices are shorter. Device thread only.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/thread_owner.h"
#include "chain/job.h"
#include "service/reply.h"
#include "service/session.h"

namespace gpu_node::service {

class WaitedJob {
 public:
  WaitedJob(SessionRef session, PendingCallRef call) : session_(std::move(session)), call_(std::move(call)) {}
  virtual ~WaitedJob() = default;

  // As chain::Job::record.
  virtual Result<chain::Job::Next> record(double ms) = 0;
  // As chain::Job::aim; for jobs that have slices to cut.
  virtual void aim(double /*slice_ms*/) {}
  // Answers the call; nothing is left to do. An error becomes the answer.
  virtual Result<void> finish() = 0;

  Session& session() const { return *session_; }
  const PendingCallRef& call() const { return call_; }
  // Nobody waits any more: answered by another (deadline, cancel), or the session has ended.
  bool abandoned() const { return call_->answered() || session_->closed.load(std::memory_order_acquire); }

 private:
  const SessionRef session_;
  const PendingCallRef call_;
};

class Jobs {
 public:
  void add(std::unique_ptr<WaitedJob> job) {
    thread_.check("the jobs");
    entries_.push_back({std::move(job)});
  }

  // Records what comes next, |completed| being the timeline value that the device has reached. True when something was
  // recorded, which must then be submitted. Error: kDeviceLost; all other errors go to the callers.
  Result<bool> record(uint64_t completed);
  // The submission of what record() recorded completes at |value|.
  void submitted(uint64_t value);

  bool empty() const { return entries_.empty(); }
  // Whether a job waits for something that no submission tells: a kernel.
  bool waiting() const;
  bool in_flight() const;

 private:
  struct Entry {
    std::unique_ptr<WaitedJob> job;
    bool recorded = false;      // since the last submission
    bool submitted = false;     // and waits for |value|
    bool waits = false;         // for a kernel
    uint64_t value = 0;         // 0 where nothing was ever submitted: what was recorded had nothing to do
    Clock::time_point since{};  // when that was made
  };

  // False when the entry is done with.
  Result<bool> advance(Entry& entry, uint64_t completed);

  [[no_unique_address]] ThreadOwner thread_;
  std::vector<Entry> entries_;
};

}  // namespace gpu_node::service
