#include "jobs/turns.h"

#include <algorithm>
#include <optional>

namespace gpu_node::jobs {

Result<bool> Turns::record(uint64_t completed, bool shared) {
  thread_.check("the jobs");
  std::optional<Error> lost;
  const double aim_ms = shared || entries_.size() > 1 ? kSharedSliceMs : kSliceMs;
  std::erase_if(entries_, [&](Entry& entry) {
    const Result<bool> kept = advance(entry, completed, aim_ms);
    if (!kept.ok()) lost = kept.error();
    return !kept.ok() || !*kept;
  });
  if (lost) return *std::move(lost);
  return std::any_of(entries_.begin(), entries_.end(), [](const Entry& entry) { return entry.recorded; });
}

Result<bool> Turns::advance(Entry& entry, uint64_t completed, double aim_ms) {
  Task& task = *entry.task;
  if (!task.wanted()) return false;
  if (entry.recorded || (entry.submitted && entry.value > completed)) return true;
  const Clock::time_point now = Clock::now();
  Slice slice{.aim_ms = aim_ms};
  if (entry.submitted) slice.took_ms = std::chrono::duration<double, std::milli>(now - entry.since).count();
  entry.submitted = false;
  Result<Next> next = task.record(slice);
  if (next.ok()) {
    const auto every = task.report_every();
    if (*next != Next::kDone && every.count() > 0 && now - entry.reported >= every) {
      entry.reported = now;
      task.report();
    }
    entry.recorded = *next == Next::kSubmit;
    entry.waits = *next == Next::kWait;
    if (entry.recorded || entry.waits) return true;
    const Result<void> finished = task.finish();
    if (finished.ok()) return false;
    next = finished.error();
  }
  task.fail(next.error());
  if (next.error().code == ErrorCode::kDeviceLost) return next.error();
  return false;
}

void Turns::submitted(uint64_t value) {
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

bool Turns::waiting() const {
  return std::any_of(entries_.begin(), entries_.end(), [](const Entry& entry) { return entry.waits; });
}

bool Turns::in_flight() const {
  return std::any_of(entries_.begin(), entries_.end(), [](const Entry& entry) { return entry.submitted; });
}

}  // namespace gpu_node::jobs
