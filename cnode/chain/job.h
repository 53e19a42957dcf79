// Work on a device that takes many submissions: it is recorded slice by slice, so that the work of others gets its turn
// in between. Device thread only.
#pragma once

#include "base/deadline.h"
#include "base/result.h"
#include "vulkan/device.h"

namespace gpu_node::chain {

inline constexpr double kSliceMs = 40;        // that a slice is meant to take
inline constexpr double kSharedSliceMs = 10;  // where others wait for theirs

class Job {
 public:
  enum class Next : uint8_t {
    kSubmit,  // commands were recorded: submit them
    kWait,    // nothing was recorded, a kernel is still being compiled: come again soon
    kDone,    // nothing was recorded, nothing is left
  };
  virtual ~Job() = default;

  // Records the next slice. Called when all that was recorded before is complete; the last slice took |ms|.
  // Errors: kCompileFailed, kUnsupported, kOutOfMemory, kDeviceLost; the job is then over.
  virtual Result<Next> record(vulkan::Device& device, double ms) = 0;

  // How long the next slices are meant to take.
  void aim(double slice_ms) { slice_ms_ = slice_ms; }

 protected:
  double slice_ms() const { return slice_ms_; }

 private:
  double slice_ms_ = kSliceMs;
};

// Runs |job| to its end, waiting for every slice. Errors: its own, kDeadline, kDeviceLost.
Result<void> run_to_end(vulkan::Device& device, Job& job, Deadline deadline);

}  // namespace gpu_node::chain
