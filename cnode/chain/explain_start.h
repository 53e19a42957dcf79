// Why a chain cannot start where it does: which coordinates it has there, and what of the log density is not finite. In
// double on the host, as the oracle computes it, so that a term has its name.
#pragma once

#include <vector>

#include "chain/device_model.h"

namespace gpu_node::chain {

inline constexpr uint32_t kStartAttempts = 100;  // for each chain, where starts are drawn

struct Start {
  std::vector<double> position;  // of the chain, unconstrained
  uint64_t chain = 0;
  uint64_t alike = 1;  // chains of which the same is true, with this one
  uint64_t chains = 1;
  bool given = false;  // by the caller, else drawn
  uint32_t attempts = 1;
};

// kInvalidArgument, which says all of it.
Error no_finite_density(const DeviceModel& model, const Start& start);

}  // namespace gpu_node::chain
