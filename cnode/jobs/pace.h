// How much work fits a slice, learned from the slices before. Work is counted in units that a job chooses, such that
// each takes about as long as the others; who keeps the pace starts the next job of the kind with it.
#pragma once

#include <algorithm>

namespace gpu_node::jobs {

class Pace {
 public:
  // |units| took |ms|.
  void measured(double units, double ms) {
    if (units <= 0) return;
    // A slice shared with the work of others seems slower than it is.
    unit_ms_ = unit_ms_ > 0 ? std::min(ms / units, 2 * unit_ms_) : ms / units;
  }

  // The units that are expected to take |aim_ms|; |unmeasured| where nothing is known.
  double units_in(double aim_ms, double unmeasured) const { return unit_ms_ > 0 ? aim_ms / unit_ms_ : unmeasured; }

 private:
  double unit_ms_ = 0;  // 0: not known
};

}  // namespace gpu_node::jobs
