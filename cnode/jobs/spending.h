// How much a slice has in it while it is recorded, by the recorder's estimates (vulkan/cost_model.h), so that it takes
// about what it aims at however large the work is. Of a kernel whose cost nobody knows there is little in a slice, and
// nothing comes behind it.
#pragma once

#include <algorithm>

#include "vulkan/device.h"
#include "vulkan/recorder.h"

namespace gpu_node::jobs {

class Spending {
 public:
  Spending(vulkan::Device& device, double aim_ms)
      : costs_(device.recorder().costs()),
        aim_ms_(aim_ms),
        dispatch_ms_(device.info().software ? 0.03 : 0.003),
        began_ms_(costs_.recorded_ms()) {}

  // What each of the dispatches costs, however small, is not among the estimates.
  bool over(uint64_t dispatches) const {
    const auto count = static_cast<double>(dispatches);
    return probed_ || dispatches >= kMostDispatches || left_ms() <= count * dispatch_ms_;
  }

  // The units of |kernel|'s work that the next dispatch is to have, where |all| are left to do: as many as the rest of
  // the slice has time for, but no crumbs.
  double units(const vulkan::Kernel& kernel, double all) {
    const double unit_ms = costs_.estimate_ms(kernel, 1);
    if (!vulkan::CostModel::knows(kernel) && all * unit_ms > kProbe * aim_ms_) {
      probed_ = true;
      return kProbe * aim_ms_ / unit_ms;
    }
    return std::max(left_ms(), kCrumb * aim_ms_) / unit_ms;
  }

 private:
  static constexpr uint64_t kMostDispatches = 4096;
  static constexpr double kProbe = 0.25, kCrumb = 0.25;

  double left_ms() const { return aim_ms_ - (costs_.recorded_ms() - began_ms_); }

  const vulkan::CostModel& costs_;
  const double aim_ms_, dispatch_ms_, began_ms_;
  bool probed_ = false;
};

}  // namespace gpu_node::jobs
