// A job: work on a device that takes many submissions. It is recorded slice by slice, so that the work of others gets
// its turn in between, and cancelled by dropping it. Device thread only.
#pragma once

#include <cstdint>

#include "base/deadline.h"
#include "base/result.h"
#include "vulkan/device.h"

namespace gpu_node::jobs {

inline constexpr double kSliceMs = 40;        // that a slice is meant to take
inline constexpr double kSharedSliceMs = 10;  // where others wait for theirs

struct Slice {
  double took_ms = 0;        // the one before; 0: nothing was submitted for it
  double aim_ms = kSliceMs;  // what the one to be recorded is meant to take
};

enum class Next : uint8_t {
  kSubmit,  // commands were recorded: submit them
  kWait,    // nothing was recorded, a kernel is still being compiled: come again soon
  kDone,    // nothing was recorded, nothing is left
};

class Job {
 public:
  virtual ~Job() = default;

  // Records the next slice. Called when all that was recorded before is complete. The job is over with an error.
  virtual Result<Next> record(const Slice& slice) = 0;
};

// Runs |job| to its end, waiting for every slice, which is meant to take |aim_ms|. Errors: its own, kDeadline,
// kDeviceLost.
Result<void> run_to_end(vulkan::Device& device, Job& job, Deadline deadline, double aim_ms = kSliceMs);

}  // namespace gpu_node::jobs
