// The one clock of the process, and its durations as the whole numbers that counters and replies have.
#pragma once

#include <chrono>
#include <cstdint>

namespace gpu_node {

using Clock = std::chrono::steady_clock;

inline int64_t in_microseconds(Clock::duration duration) {
  return std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
}

inline int64_t in_milliseconds(Clock::duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

inline uint64_t nanoseconds_between(Clock::time_point from, Clock::time_point to) {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(to - from).count());
}

}  // namespace gpu_node
