// Reads (downloads and syncs) that wait for the device, so that the device thread need not. Device thread only.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/thread_owner.h"
#include "program/transfer.h"
#include "service/reply.h"

namespace gpu_node::service {

class Reads {
 public:
  // |downloaded_bytes| counts what is answered, before it is sent: who has an answer finds it counted.
  explicit Reads(std::atomic<uint64_t>& downloaded_bytes) : downloaded_bytes_(downloaded_bytes) {}

  // A read whose commands are recorded. |readback|: nothing for a sync.
  void add(PendingCallRef call, std::optional<program::Readback> readback);

  // True when a read waits that no submission covers.
  bool want_submit() const { return unsubmitted_ > 0; }
  // A submission that completes at timeline |value| covers all reads so far.
  void submitted(uint64_t value);

  // Answers the reads that |completed| has reached, and forgets those answered by others (deadline, cancel).
  void complete(uint64_t completed);

  bool empty() const { return reads_.empty(); }

 private:
  struct Read {
    PendingCallRef call;
    std::optional<program::Readback> readback;
    Clock::time_point started;
    uint64_t value = 0;  // 0: not submitted
  };

  void answer(const Read& read);

  [[no_unique_address]] ThreadOwner thread_;
  std::vector<Read> reads_;  // in the order of their values, the unsubmitted at the end
  size_t unsubmitted_ = 0;
  std::atomic<uint64_t>& downloaded_bytes_;
};

}  // namespace gpu_node::service
