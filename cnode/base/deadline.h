// A point on the monotonic clock by which something must have happened. Immune to changes of the wall clock.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/clock.h"

namespace gpu_node {

class Deadline {
 public:
  static Deadline after_ms(int64_t ms) { return Deadline(Clock::now() + std::chrono::milliseconds(ms)); }
  static Deadline never() { return Deadline(Clock::time_point::max()); }

  bool expired() const { return Clock::now() >= at_; }
  // Milliseconds left, rounded up; 0 when expired. A deadline that never comes has a day left.
  int64_t remaining_ms() const {
    if (at_ == Clock::time_point::max()) return 86'400'000;
    return std::max<int64_t>(0, std::chrono::ceil<std::chrono::milliseconds>(at_ - Clock::now()).count());
  }
  Clock::time_point at() const { return at_; }

 private:
  explicit Deadline(Clock::time_point at) : at_(at) {}
  Clock::time_point at_;
};

}  // namespace gpu_node
