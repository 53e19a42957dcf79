// Submissions in order, each the next value of one timeline semaphore; every wait has an end.
//
// submit() belongs to the device thread; everything else may be asked from any thread.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>

#include "base/deadline.h"
#include "vulkan/context.h"

namespace gpu_node::vulkan {

inline constexpr uint64_t kMaxInFlight = 32;  // submissions that may be unfinished at once

class Timeline {
 public:
  static Result<std::unique_ptr<Timeline>> create(Context& context);

  uint64_t submitted() const { return submitted_.load(std::memory_order_acquire); }
  uint64_t completed() const;

  // Submits |commands| as value submitted() + 1. REQUIRES: fewer than kMaxInFlight are unfinished. Errors: kDeviceLost.
  Result<void> submit(VkCommandBuffer commands);

  // Errors: kDeadline, kDeviceLost, kInternal for a value that was never submitted.
  Result<void> wait(uint64_t value, Deadline deadline);

  std::optional<std::chrono::steady_clock::time_point> in_flight_since() const;
  // When |value|, one of the last kMaxInFlight, was submitted.
  std::chrono::steady_clock::time_point submitted_at(uint64_t value) const {
    using Clock = std::chrono::steady_clock;
    const int64_t ns = submitted_at_ns_[value % kMaxInFlight].load(std::memory_order_relaxed);
    return Clock::time_point(Clock::duration(ns));
  }

  // Waits until the device itself has finished, whatever faults pretend. False when it has not by |deadline|.
  bool quiesce(Deadline deadline);

 private:
  explicit Timeline(Context& context) : context_(context) {}
  Error lost(std::string_view what) const;
  Error late(uint64_t value) const;
  VkResult wait_for_semaphore(uint64_t value, Deadline deadline) const;

  Context& context_;
  Handle<VkSemaphore> semaphore_;
  std::atomic<uint64_t> submitted_{0};
  mutable std::atomic<uint64_t> completed_{0};
  mutable std::atomic<bool> lost_{false};
  std::array<std::atomic<int64_t>, kMaxInFlight> submitted_at_ns_{};  // by value, modulo
};

}  // namespace gpu_node::vulkan
