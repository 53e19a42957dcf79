#include "vulkan/timeline.h"

#include <algorithm>
#include <string>
#include <thread>

#include "base/concat.h"

namespace gpu_node::vulkan {
namespace {

// A real GPU answers a poll sooner than it wakes a sleeper; a software driver needs the core that a poll would burn.
constexpr std::chrono::microseconds kSpin{40};

}  // namespace

Result<std::unique_ptr<Timeline>> Timeline::create(Context& context) {
  std::unique_ptr<Timeline> timeline(new Timeline(context));
  VkSemaphoreTypeCreateInfo type{VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO};
  type.semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE;
  VkSemaphoreCreateInfo info{VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO};
  info.pNext = &type;
  VkSemaphore raw = VK_NULL_HANDLE;
  GPU_TRY_VK(context.vk.vkCreateSemaphore(context.device.get(), &info, nullptr, &raw), "vkCreateSemaphore");
  timeline->semaphore_ = {context.device.get(), raw, context.vk.vkDestroySemaphore};
  return timeline;
}

uint64_t Timeline::completed() const {
  uint64_t known = completed_.load(std::memory_order_acquire);
  if (known == submitted() || lost_.load(std::memory_order_relaxed)) return known;
  uint64_t value = 0;
  const VkResult result = context_.vk.vkGetSemaphoreCounterValue(context_.device.get(), semaphore_.get(), &value);
  // Some drivers let a lost device's timelines jump to the largest value.
  if (result != VK_SUCCESS || value > submitted()) {
    if (result == VK_SUCCESS || result == VK_ERROR_DEVICE_LOST) lost_.store(true, std::memory_order_relaxed);
    return known;
  }
  value = std::min(value, context_.fault.hangs_at() - 1);
  while (known < value && !completed_.compare_exchange_weak(known, value, std::memory_order_acq_rel)) {
  }
  return std::max(known, value);
}

Result<void> Timeline::submit(VkCommandBuffer commands) {
  if (context_.fault.next_submission_loses_device()) lost_.store(true, std::memory_order_relaxed);
  if (lost_.load(std::memory_order_relaxed)) return lost("submitting");
  const uint64_t value = submitted() + 1;
  VkTimelineSemaphoreSubmitInfo values{VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO};
  values.signalSemaphoreValueCount = 1;
  values.pSignalSemaphoreValues = &value;
  const VkSemaphore semaphore = semaphore_.get();
  VkSubmitInfo info{VK_STRUCTURE_TYPE_SUBMIT_INFO};
  info.pNext = &values;
  info.commandBufferCount = 1;
  info.pCommandBuffers = &commands;
  info.signalSemaphoreCount = 1;
  info.pSignalSemaphores = &semaphore;
  // Announced before it is made: whoever sees the value completed must also see it submitted.
  submitted_at_ns_[value % kMaxInFlight].store(Clock::now().time_since_epoch().count(), std::memory_order_relaxed);
  submitted_.store(value, std::memory_order_release);
  const VkResult result = context_.vk.vkQueueSubmit(context_.queue, 1, &info, VK_NULL_HANDLE);
  if (result == VK_SUCCESS) {
    bump(context_.counters.submits);
    return {};
  }
  submitted_.store(value - 1, std::memory_order_release);
  if (result == VK_ERROR_DEVICE_LOST) {
    lost_.store(true, std::memory_order_relaxed);
    return lost("submitting");
  }
  return vk_error(result, "vkQueueSubmit");
}

VkResult Timeline::wait_for_semaphore(uint64_t value, Deadline deadline) const {
  const VkSemaphore semaphore = semaphore_.get();
  VkSemaphoreWaitInfo info{VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO};
  info.semaphoreCount = 1;
  info.pSemaphores = &semaphore;
  info.pValues = &value;
  const uint64_t timeout_ns = static_cast<uint64_t>(deadline.remaining_ms()) * 1'000'000;
  return context_.vk.vkWaitSemaphores(context_.device.get(), &info, timeout_ns);
}

Result<void> Timeline::wait(uint64_t value, Deadline deadline) {
  if (value > submitted())
    return Error{ErrorCode::kInternal,
                 concat("waiting for submission ", value, " of ", submitted(), " would never end")};
  if (!context_.info().software) {
    for (const auto until = std::min(Clock::now() + kSpin, deadline.at()); Clock::now() < until;)
      if (completed() >= value) return {};
  }
  for (;;) {
    if (completed() >= value) return {};
    if (lost_.load(std::memory_order_relaxed)) return lost(concat("waiting for submission ", value));
    if (deadline.expired()) return late(value);
    if (value >= context_.fault.hangs_at()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(std::min<int64_t>(deadline.remaining_ms(), 1000)));
      continue;
    }
    const VkResult result = wait_for_semaphore(value, deadline);
    if (result == VK_ERROR_DEVICE_LOST) lost_.store(true, std::memory_order_relaxed);
    if (result < 0 && result != VK_ERROR_DEVICE_LOST) return vk_error(result, "vkWaitSemaphores");
  }
}

std::optional<Clock::time_point> Timeline::in_flight_since() const {
  const uint64_t done = completed();
  if (done >= submitted()) return std::nullopt;
  return submitted_at(done + 1);
}

bool Timeline::quiesce(Deadline deadline) {
  return wait_for_semaphore(submitted(), deadline) != VK_TIMEOUT;  // a lost device has stopped too
}

Error Timeline::lost(std::string_view what) const {
  return {ErrorCode::kDeviceLost, "the device " + context_.info().name + " was lost (" + std::string(what) + ")"};
}

Error Timeline::late(uint64_t value) const {
  return {ErrorCode::kDeadline, concat("the device ", context_.info().name, " had finished submission ", completed(),
                                       " of ", submitted(), " when the time for submission ", value, " was over")};
}

}  // namespace gpu_node::vulkan
