// What a scheduled program becomes for given sizes: the words of its kernel, how a chain's numbers lie, which mapping
// runs it, and the pieces of a round. Pure planning, no device call.
#pragma once

#include <array>
#include <vector>

#include "chain/binding.h"
#include "chain/emit_program.h"

namespace gpu_node::chain {

// Of one invocation, on a device that ends loops after 65,535 iterations, all of them taken together: an old lavapipe
// (vulkan/driver_quirks.h). The skeleton has some of its own.
inline constexpr uint64_t kMaxIterations = 60'000;

// A part of a round, or a whole one (then rounds may be run in one dispatch).
struct Piece {
  uint32_t stage_first = 0, stage_end = 0;
  uint32_t begin = 0, end = ~0u;
  uint32_t inner_begin = 0, inner_end = ~0u;
};

struct Rounds {
  std::vector<Piece> pieces;  // of one round, in order
  uint64_t iterations = 0;    // of one invocation, in one round
  uint64_t adding = 0;        // of those, the ones that add up parts of sums
  uint64_t most_in_one = 1;   // rounds that a dispatch may run
};

struct Launch {
  uint32_t coordinates = 0;
  uint32_t lanes = 64;
  uint32_t subgroup = 0;   // invocations of one; 0: the device has none that can run chains
  uint32_t subgroups = 0;  // of a workgroup, a chain in each
  // Iterations of one invocation: in one dispatch, and in a piece of a round, which is bounded in time too.
  uint64_t most_iterations = kMaxIterations;
  std::array<uint64_t, kMappings> most_of_piece = {kMaxIterations, kMaxIterations, kMaxIterations};
  double weight = 1;         // of an iteration, beside one that only adds and multiplies
  uint32_t chain_slots = 0;  // numbers of a chain in the state
  std::vector<uint32_t> words;
  std::vector<uint64_t> known_counts;  // numbers of each known value

  uint32_t chains_per_group(Mapping mapping) const {
    if (mapping == Mapping::kWorkgroup) return 1;
    return mapping == Mapping::kThread ? 32 : subgroups;
  }
};

// What the kernel of |mapping| depends on.
KernelShape kernel_shape(const Schedule& schedule, const Launch& launch, Mapping mapping, Dtype dtype,
                         const vulkan::DeviceInfo& device);

// kUnsupported where a chain's numbers, or the known ones, cannot be counted in 32 bits. |most_iterations|, where it is
// not 0, is instead of what device and time allow.
Result<Launch> plan_launch(const Program& program, const Schedule& schedule, const Binding& binding,
                           const vulkan::DeviceInfo& device, uint64_t most_iterations = 0);

// How |mapping| runs a round. kUnsupported where one thread would loop too often over a sum, or the device has no such
// mapping.
Result<Rounds> plan_rounds(const Schedule& schedule, const Launch& launch, Mapping mapping);

// What a round costs, in the units that the recorder's cost model counts: an iteration that only adds and multiplies,
// of one chain. Up to |at_once| chains take no longer than one.
struct RoundCost {
  double units = 1;  // of one chain
  double at_once = 1;
  double enough = 1;  // chains that keep the device busy, dispatch after dispatch
};
RoundCost round_cost(const Schedule& schedule, const Launch& launch, Mapping mapping, Dtype dtype,
                     const vulkan::DeviceInfo& device);

// The mapping that is expected to be fastest. All give the same bits.
Mapping choose_mapping(const Schedule& schedule, const Launch& launch, uint64_t chains, Dtype dtype,
                       const vulkan::DeviceInfo& device);

}  // namespace gpu_node::chain
