// Records dispatches and copies into one command buffer and submits it. Owned by the device thread.
//
// Hazards are found per buffer: a barrier stands only between commands of which one writes what the other touches.
// Recorded buffers are kept alive until the GPU has finished with them. Every submission signals the next value of one
// timeline; wait() is always bounded.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>

#include "base/deadline.h"
#include "base/result.h"
#include "vulkan/buffer_pool.h"
#include "vulkan/cost_model.h"
#include "vulkan/kernel_cache.h"

namespace gpu_node::vulkan {

// A part of a buffer as a kernel sees it. offset_bytes is a multiple of storage_alignment; the kernel cannot reach
// outside [offset_bytes, offset_bytes + size_bytes).
struct BufferRange {
  const BufferRef* buffer = nullptr;
  uint64_t offset_bytes = 0;
  uint64_t size_bytes = 0;
  bool written = false;
};

// The workgroups of a dispatch, or of a part of one: kernels see the numbers that they have in the whole
// (gl_WorkGroupID), but the counts of the part (gl_NumWorkGroups).
struct Grid {
  std::array<uint32_t, 3> groups = {1, 1, 1};
  double units = 0;  // of work, for estimates of its time; 0: one for each group
  std::array<uint32_t, 3> first = {0, 0, 0};

  double work() const { return units > 0 ? units : static_cast<double>(groups[0]) * groups[1] * groups[2]; }
};

class Recorder {
 public:
  virtual ~Recorder() = default;

  // REQUIRES: ranges.size() == kernel.buffers(), push.size() == kernel.push_bytes(), every group count in
  // [1, max_groups], those before a part's first included; size_bytes of a range within max_storage_range; the kernel
  // lives until the submission is complete. Violations give kInternal.
  virtual Result<void> dispatch(const Kernel& kernel, std::span<const BufferRange> ranges,
                                std::span<const std::byte> push, const Grid& grid) = 0;

  // Dispatches recorded from now on are carried out where the 32-bit word that |buffer| begins with is not 0 by then,
  // as commands before them left it; copies and fills always are. nullptr: all are. REQUIRES
  // DeviceInfo::has_conditions; a buffer of BufferUse::kDevice that none of those dispatches writes.
  virtual void gate(BufferRef buffer) = 0;

  virtual Result<void> copy(const BufferRef& from, uint64_t from_offset, const BufferRef& to, uint64_t to_offset,
                            uint64_t size_bytes) = 0;

  // Fills with a repeated 32-bit word. REQUIRES: offset and size are multiples of 4, within the buffer's capacity.
  virtual Result<void> fill(const BufferRef& buffer, uint64_t offset_bytes, uint64_t size_bytes, uint32_t word) = 0;

  // Makes device writes recorded so far visible to the host once the next submission completes.
  virtual Result<void> make_host_visible() = 0;

  // Commands recorded and not yet submitted.
  virtual uint32_t pending() const = 0;

  // How long the device is likely to take. What is in flight there was not known to be complete at the last collect().
  virtual const CostModel& costs() const = 0;

  // Submits what is pending (nothing: no submission) and returns the timeline value that covers everything recorded.
  virtual Result<uint64_t> submit() = 0;

  // The last completed timeline value. Any thread.
  virtual uint64_t completed() const = 0;
  virtual uint64_t submitted() const = 0;

  // Waits for |value|. Errors: kDeadline, kDeviceLost.
  virtual Result<void> wait(uint64_t value, Deadline deadline) = 0;

  // Returns finished buffers and command buffers to their pools. Cheap; called between work items.
  virtual void collect() = 0;

  // When the oldest unfinished submission was made; nothing when the GPU is idle. Any thread: the watchdog asks.
  virtual std::optional<std::chrono::steady_clock::time_point> in_flight_since() const = 0;
};

}  // namespace gpu_node::vulkan
