// A job that allocates, or reads tensors: what a slice lacks is not waited for, the slice is tried again when it is
// there. Device thread only, but for the constructor.
#pragma once

#include <utility>

#include "service/interpreter.h"
#include "service/waited_job.h"

namespace gpu_node::service {

class TryingJob : public WaitedJob {
 public:
  TryingJob(SessionRef session, PendingCallRef call, Interpreter& interpreter)
      : WaitedJob(std::move(session), std::move(call)), interpreter_(interpreter) {}

  Result<jobs::Next> record(const jobs::Slice& slice) final {
    if (!lacking_.is_there()) return jobs::Next::kWait;
    lacking_ = {};
    reserved_ = {};
    auto next = interpreter_.attempt(session(), trial_, [&] { return record_slice(slice); });
    if (next.ok() || !trial_.lacks()) return next;
    lacking_ = trial_.lacking();
    reserved_ = session().account->charge_anyway(trial_.attempt.buffers.bytes());
    return jobs::Next::kWait;
  }

 protected:
  // As record(). What fails is called again, as long as it lacks something.
  virtual Result<jobs::Next> record_slice(const jobs::Slice& slice) = 0;

  Interpreter& interpreter_;

 private:
  Trial trial_;
  Lacking lacking_;
  program::Payment reserved_;  // for the buffers that are made for it
};

}  // namespace gpu_node::service
