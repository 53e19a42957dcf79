#include "service/jobs.h"

#include <algorithm>

namespace gpu_node::service {

Result<bool> Jobs::record(uint64_t completed) {
  thread_.check("the jobs");
  std::optional<Error> lost;
  const double slice_ms = entries_.size() > 1 ? chain::kSharedSliceMs : chain::kSliceMs;
  std::erase_if(entries_, [&](Entry& entry) {
    entry.job->aim(slice_ms);
    const Result<bool> kept = advance(entry, completed);
    if (!kept.ok()) lost = kept.error();
    return !kept.ok() || !*kept;
  });
  if (lost) return *std::move(lost);
  return std::any_of(entries_.begin(), entries_.end(), [](const Entry& entry) { return entry.recorded; });
}

Result<bool> Jobs::advance(Entry& entry, uint64_t completed) {
  if (entry.job->abandoned()) return false;
  if (entry.recorded || (entry.submitted && entry.value > completed)) return true;
  const auto took = Clock::now() - entry.since;
  const double ms = entry.submitted ? std::chrono::duration<double, std::milli>(took).count() : 0;
  entry.submitted = false;
  Result<chain::Job::Next> next = entry.job->record(ms);
  if (next.ok()) {
    entry.recorded = *next == chain::Job::Next::kSubmit;
    entry.waits = *next == chain::Job::Next::kWait;
    if (entry.recorded || entry.waits) return true;
    const Result<void> finished = entry.job->finish();
    if (finished.ok()) return false;
    next = finished.error();
  }
  entry.job->call()->fail(next.error());
  if (next.error().code == ErrorCode::kDeviceLost) return next.error();
  return false;
}

void Jobs::submitted(uint64_t value) {
  thread_.check("the jobs");
  const Clock::time_point now = Clock::now();
  for (Entry& entry : entries_) {
    if (!entry.recorded) continue;
    entry.recorded = false;
    entry.submitted = true;
    entry.value = value;
    entry.since = now;
  }
}

bool Jobs::waiting() const {
  return std::any_of(entries_.begin(), entries_.end(), [](const Entry& entry) { return entry.waits; });
}

bool Jobs::in_flight() const {
  return std::any_of(entries_.begin(), entries_.end(), [](const Entry& entry) { return entry.submitted; });
}

}  // namespace gpu_node::service
