// What work costs on this device: estimates, corrected by what submissions took.
//
// A dispatch costs a time for each unit of its work. What a unit is says who plans it (an element, a product of two
// numbers); how long one takes is remembered by kernel. A submission that took longer or shorter than estimated
// corrects what it was made of. What a dispatch costs however small it is is not counted: of small ones many are
// submitted at once, which is bounded by their number.
//
// Time stamps would be more precise, but on lavapipe asking for them waits until the device is idle; so what is
// measured is what somebody waited for, or looked after often, which is when it matters. Device thread only.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "vulkan/kernel_cache.h"

namespace gpu_node::vulkan {

class CostModel {
 public:
  explicit CostModel(bool software);

  // Of a dispatch of |units| by |kernel|.
  double estimate_ms(const Kernel& kernel, double units) const { return to_ms(units * unit_ns(kernel)); }

  // Whether that is more than a first guess.
  static bool knows(const Kernel& kernel) { return kernel.unit_cost().ns > 0; }

  // It was recorded. What is recorded from one submission to the next is finished as a whole.
  void add(const Kernel& kernel, double units) {
    pending_.ns += units * unit_ns(kernel);
    ++pending_.commands;
    UnitCost& cost = kernel.unit_cost();
    if (cost.batch == batch_) {
      pending_.shares[cost.share].units += units;
      return;
    }
    cost.batch = batch_;
    cost.share = static_cast<uint32_t>(pending_.shares.size());
    pending_.shares.push_back({&kernel, units});
  }
  void add_copy(uint64_t bytes);
  // Some of what is pending may not be carried out: what it takes says nothing of its kernels.
  void is_unsure() { pending_.unsure = true; }
  double pending_ms() const { return to_ms(pending_.ns); }
  // Of all that was ever added.
  double recorded_ms() const { return to_ms(submitted_ns_ + pending_.ns); }

  // What is pending is submission |value|, or is never submitted.
  void submitted(uint64_t value);
  void drop() {
    pending_.clear();
    ++batch_;
  }
  // Submission |value|, and those before it, are over; it took |took_ms|, where that is known.
  void finished(uint64_t value, std::optional<double> took_ms);
  // Of what is submitted and not finished, and its commands.
  double in_flight_ms() const { return to_ms(in_flight_ns_); }
  uint64_t commands_in_flight() const { return commands_in_flight_; }

 private:
  struct Share {
    const Kernel* kernel;
    double units;
  };
  struct Batch {
    uint64_t value = 0;
    double ns = 0;  // estimated when it was recorded
    uint64_t commands = 0;
    double copied_ns = 0;  // of that
    bool unsure = false;
    std::vector<Share> shares;

    void clear();
  };

  static double to_ms(double ns) { return ns / 1e6; }
  double unit_ns(const Kernel& kernel) const {
    const UnitCost& cost = kernel.unit_cost();
    return cost.ns > 0 ? cost.ns : first_unit_ns_;
  }
  void learn(const Batch& batch, double took_ns);

  const double first_unit_ns_, byte_ns_;
  Batch pending_;
  uint64_t batch_ = 1;  // its number
  std::deque<Batch> in_flight_;
  std::vector<Batch> spare_;  // for their memory
  double in_flight_ns_ = 0, submitted_ns_ = 0;
  uint64_t commands_in_flight_ = 0;
};

}  // namespace gpu_node::vulkan
