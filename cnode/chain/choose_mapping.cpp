// What a round is expected to take in each mapping: fitted to chain_bench on lavapipe and on a large GPU. A wrong guess
// costs time, never bits.
#include <algorithm>
#include <limits>

#include "chain/launch.h"

namespace gpu_node::chain {
namespace {

struct Expected {
  double us = 0;       // of a round of few chains
  double at_once = 1;  // chains that take no longer than one
  double dispatch_us = 0;
};

// Threads of a GPU wait for memory in every iteration, which registers spare them; lanes meet after every stage.
Expected on_gpu(const Rounds& rounds, double settles, Mapping mapping, bool at_home, Dtype dtype) {
  const bool wide = dtype == Dtype::f64;
  const auto all = static_cast<double>(rounds.iterations);
  const double places = all - static_cast<double>(rounds.adding);
  switch (mapping) {
    case Mapping::kThread:
      return at_home ? Expected{0.3 + 0.02 * all, 50'000, 3} : Expected{0.1 * all, 15'000, 3};
    case Mapping::kSubgroup:
      return {0.023 * settles + (at_home ? 0.09 : 0.23) * places, wide ? 2'150.0 : 2'400.0, 3};
    case Mapping::kWorkgroup:
      return {0.06 * settles + (at_home ? 0.075 : 0.26) * places, wide ? 1'000.0 : 1'350.0, 3};
  }
  return {};
}

// A software driver runs a subgroup at a time on each core, whose lanes may be eight chains, and pays for each barrier
// of a workgroup with a switch of stacks for each of its subgroups. A transcendental function counts as ten sums.
Expected in_software(const Rounds& rounds, const Launch& launch, double settles, Mapping mapping, bool at_home) {
  constexpr double kIteration = 0.01, kCores = 2, kLanes = 8;
  const double all = static_cast<double>(rounds.iterations) * launch.weight;
  switch (mapping) {
    case Mapping::kThread:
      return at_home ? Expected{0.03 + kIteration / 8 * all, kCores * kLanes, 30}
                     : Expected{kIteration * all, kCores * kLanes, 30};
    case Mapping::kSubgroup:
      return {kIteration * (all + 5 * settles), kCores, 30};
    case Mapping::kWorkgroup:
      return {kIteration * (all + 20 * settles) * launch.lanes / kLanes, kCores, 30};
  }
  return {};
}

Expected expected(const Schedule& schedule, const Launch& launch, const Rounds& rounds, Mapping mapping, Dtype dtype,
                  const vulkan::DeviceInfo& device) {
  const auto settles = static_cast<double>(schedule.stages.size() + 2);
  const bool at_home = kernel_shape(schedule, launch, mapping, dtype, device).home != Home::kBuffer;
  return device.software ? in_software(rounds, launch, settles, mapping, at_home)
                         : on_gpu(rounds, settles, mapping, at_home, dtype);
}

}  // namespace

RoundCost round_cost(const Schedule& schedule, const Launch& launch, Mapping mapping, Dtype dtype,
                     const vulkan::DeviceInfo& device) {
  const auto rounds = plan_rounds(schedule, launch, mapping);
  if (!rounds.ok()) return {};
  const double at_once = expected(schedule, launch, *rounds, mapping, dtype, device).at_once;
  return {std::max(1.0, static_cast<double>(rounds->iterations) * launch.weight), at_once,
          (device.software ? 256 : 4) * at_once};
}

Mapping choose_mapping(const Schedule& schedule, const Launch& launch, uint64_t chains, Dtype dtype,
                       const vulkan::DeviceInfo& device) {
  Mapping best = Mapping::kWorkgroup;
  double least = std::numeric_limits<double>::infinity();
  for (const Mapping mapping : {Mapping::kThread, Mapping::kSubgroup, Mapping::kWorkgroup}) {
    const auto rounds = plan_rounds(schedule, launch, mapping);
    if (!rounds.ok()) continue;
    const Expected guess = expected(schedule, launch, *rounds, mapping, dtype, device);
    const double us = guess.us * std::max(1.0, static_cast<double>(chains) / guess.at_once) +
                      guess.dispatch_us * static_cast<double>(rounds->pieces.size() - 1);
    if (us < least) best = mapping;
    least = std::min(least, us);
  }
  return best;
}

}  // namespace gpu_node::chain
