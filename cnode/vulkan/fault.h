// Faults on demand, so that tests of every layer above can see a lost device, a full one or a hung one.
//
// GPU_NODE_FAULT=device_lost:N | out_of_memory:N | hang:N makes the Nth submission (allocation) of a device fail. Read
// once, when the device is opened; without the variable nothing here has an effect.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace gpu_node::vulkan {

struct Fault {
  enum class Kind : uint8_t { kNone, kDeviceLost, kOutOfMemory, kHang };
  Kind kind = Kind::kNone;
  uint64_t at = 0;  // counted from 1
};

// Parses the variable's value; empty is no fault. Errors: kInvalidArgument.
Result<Fault> parse_fault(std::string_view text);

// The fault that the environment asks for.
Result<Fault> fault_from_environment();

// Counts what a device does and says when it has to fail. Owned by the device thread.
class FaultPlan {
 public:
  explicit FaultPlan(Fault fault) : fault_(fault) {}

  // Counts a submission; true from the Nth on.
  bool next_submission_loses_device() { return fault_.kind == Fault::Kind::kDeviceLost && ++submissions_ >= fault_.at; }
  // Counts an allocation; true for the Nth only.
  bool next_allocation_fails() { return fault_.kind == Fault::Kind::kOutOfMemory && ++allocations_ == fault_.at; }
  // The first timeline value that seems never to complete.
  uint64_t hangs_at() const { return fault_.kind == Fault::Kind::kHang ? fault_.at : UINT64_MAX; }

 private:
  Fault fault_;
  uint64_t submissions_ = 0;
  uint64_t allocations_ = 0;
};

}  // namespace gpu_node::vulkan
