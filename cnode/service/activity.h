// What the node has been doing of late: how much of the time its device was busy, and what went through it. Looks are
// taken by the timer; the share of those that found the device at work is the share of time. Any thread.
#pragma once

#include <cstdint>
#include <deque>

#include "base/clock.h"
#include "base/mutex.h"
#include "service/session.h"

namespace gpu_node::service {

// What has been counted since the start; every field only grows.
struct Totals {
  uint64_t instructions = 0, bytes_in = 0, bytes_out = 0;
};

// The same over |window_ms|, and how much of that the device was busy.
struct Rates {
  int64_t window_ms = 0, busy_ms = 0;
  Totals done;
};

class Activity {
 public:
  static constexpr std::chrono::milliseconds kPeriod{500};
  static constexpr size_t kPeriods = 10;

  // Notes whether the device is at work |now|, and what had been done.
  void look(Clock::time_point now, bool busy, const Totals& totals);
  // Of the last five seconds, or of as long as there is.
  Rates rates() const;

 private:
  struct Period {
    Clock::time_point ends;
    uint64_t looks = 0, busy = 0;
    Totals totals;  // at its end
  };

  mutable Mutex mutex_;
  std::deque<Period> periods_ GPU_NODE_GUARDED_BY(mutex_);  // the first one only says where the window begins
};

}  // namespace gpu_node::service
