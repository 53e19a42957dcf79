#include "chain/job.h"

#include <chrono>
#include <thread>

#include "base/clock.h"
#include "vulkan/recorder.h"

namespace gpu_node::chain {

Result<void> run_to_end(vulkan::Device& device, Job& job, Deadline deadline) {
  double ms = 0;
  for (;;) {
    GPU_ASSIGN(const Job::Next next, job.record(device, ms));
    if (next == Job::Next::kDone) return {};
    if (next == Job::Next::kWait) {
      if (deadline.expired()) return Error{ErrorCode::kDeadline, "the kernel did not compile in time"};
      std::this_thread::sleep_for(std::chrono::microseconds(200));
      ms = 0;
      continue;
    }
    const Clock::time_point start = Clock::now();
    GPU_ASSIGN(const uint64_t value, device.recorder().submit());
    GPU_TRY(device.recorder().wait(value, deadline));
    ms = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
    device.recorder().collect();
  }
}

}  // namespace gpu_node::chain
