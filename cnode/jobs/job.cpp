#include "jobs/job.h"

#include <chrono>
#include <thread>

#include "base/clock.h"
#include "vulkan/recorder.h"

namespace gpu_node::jobs {

Result<void> run_to_end(vulkan::Device& device, Job& job, Deadline deadline, double aim_ms) {
  Slice slice{.aim_ms = aim_ms};
  for (;;) {
    GPU_ASSIGN(const Next next, job.record(slice));
    if (next == Next::kDone) return {};
    slice.took_ms = 0;
    if (next == Next::kWait) {
      if (deadline.expired()) return Error{ErrorCode::kDeadline, "the kernel did not compile in time"};
      std::this_thread::sleep_for(std::chrono::microseconds(200));
      continue;
    }
    const Clock::time_point start = Clock::now();
    GPU_ASSIGN(const uint64_t value, device.recorder().submit());
    GPU_TRY(device.recorder().wait(value, deadline));
    slice.took_ms = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
    device.recorder().collect();
  }
}

}  // namespace gpu_node::jobs
