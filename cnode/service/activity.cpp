#include "service/activity.h"

namespace gpu_node::service {

void Activity::look(Clock::time_point now, bool busy, const Totals& totals) {
  const MutexLock lock(mutex_);
  if (periods_.empty()) periods_.push_back({now, 0, 0, totals});
  if (periods_.size() == 1 || now - periods_[periods_.size() - 2].ends >= kPeriod)
    periods_.push_back({now, 0, 0, totals});
  if (periods_.size() > kPeriods + 1) periods_.pop_front();
  Period& last = periods_.back();
  ++last.looks;
  last.busy += busy ? 1 : 0;
  last.ends = now;
  last.totals = totals;
}

Rates Activity::rates() const {
  const MutexLock lock(mutex_);
  Rates rates;
  if (periods_.size() < 2) return rates;
  uint64_t looks = 0, busy = 0;
  for (size_t i = 1; i < periods_.size(); ++i) {
    looks += periods_[i].looks;
    busy += periods_[i].busy;
  }
  const Totals& first = periods_.front().totals;
  const Totals& last = periods_.back().totals;
  rates.window_ms = in_milliseconds(periods_.back().ends - periods_.front().ends);
  rates.busy_ms = looks == 0 ? 0 : rates.window_ms * static_cast<int64_t>(busy) / static_cast<int64_t>(looks);
  rates.done = {last.instructions - first.instructions, last.bytes_in - first.bytes_in,
                last.bytes_out - first.bytes_out};
  return rates;
}

}  // namespace gpu_node::service
