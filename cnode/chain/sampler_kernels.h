// The kernels between paths, shaders/sampler_*.glsl: which buffers and push constants they have. They serve every
// model; beside the type only the layout of the leapfrog skeleton's state makes another kernel.
#pragma once

#include "chain/emit_program.h"

namespace gpu_node::chain {

inline constexpr uint32_t kVariablesAtOnce = 4;  // whose draws one dispatch keeps
inline constexpr uint32_t kElementLanes = 64;    // of a workgroup of the kernels with an invocation for each number
inline constexpr uint32_t kThreadLanes = 32;     // of one that runs a chain in each
inline constexpr uint32_t kNumberArrays = 7;     // of |numbers|: see sampler_turn.glsl
inline constexpr uint32_t kCountArrays = 4;      // of |counts|, likewise
inline constexpr uint32_t kMeanAcceptanceArray = 2;
// Of |moments|: mean and sum of squares around it of the first half of the draws, then of the second, means as
// distances from the first draw; and that.
inline constexpr uint32_t kMomentArrays = 5;

// Buffers: state, current, numbers, counts, inverse mass, its root's inverse, centre.
struct TurnPush {
  uint32_t batch = 0;        // chains of the state
  uint32_t batch_first = 0;  // the first of them among all
  uint32_t coordinates = 0;
  uint32_t chain_slots = 0;
  uint32_t logp_slot = 0;
  uint32_t iteration = 0;  // the one that ends
  uint32_t beginning = 0;  // nothing ends: only the momentum is drawn
  uint32_t counted = 0;    // iterations of the phase with this one; 0 at the very beginning
  uint32_t learning = 0;
  uint32_t shortening = 0;   // chains that stay where they are go on with shorter steps
  uint32_t draw_begins = 0;  // the iteration is the first since a draw was kept
  uint32_t rest_limit = 0;   // iterations
  uint32_t seed_low = 0, seed_high = 0;
};
Result<vulkan::KernelSource> emit_turn(const KernelShape& shape, const vulkan::DeviceInfo& device);
// Loop iterations of one invocation.
uint64_t turn_iterations(uint32_t coordinates, const KernelShape& shape);

// Buffers: current, numbers, counts, centre, partials.
struct ReducePush {
  uint32_t batch = 0;
  uint32_t coordinates = 0;
  uint32_t chain_stride = 0, place_stride = 0;  // in |current|
  uint32_t column_first = 0, columns = 0;       // coordinates, then those of chains
  uint32_t blocks = 0;                          // that the batch's chains are dealt to in turn
  uint32_t block_first = 0, all_blocks = 0;     // the first of them among those of all batches
  uint32_t target = 0;                          // of the acceptance: the bits of a float
  uint32_t rest_limit = 0;
};
inline constexpr uint32_t kChainColumns = 7;
Result<vulkan::KernelSource> emit_reduce(Dtype dtype, const vulkan::DeviceInfo& device);

// Buffers: source, numbers, counts, moments, log densities, energies, whether paths diverged, which chains never moved,
// draws of four variables.
inline constexpr uint32_t kKeepBuffers = 8 + kVariablesAtOnce;
struct KeepPush {
  uint32_t batch = 0;
  uint32_t coordinates = 0;
  uint32_t chain_stride = 0, place_stride = 0, source = 0;
  uint32_t first = 0;                    // coordinate of the first variable
  uint32_t ends[kVariablesAtOnce] = {};  // of the coordinates of each
  uint32_t transforms = 0;               // a byte for each
  uint32_t kept = 0;                     // the draws are
  uint32_t draws = 1, draw = 0;
  uint32_t of_chains = 0;    // with what is of the chain, not of a variable
  uint32_t last = 0;         // the last draw
  uint32_t half = 0;         // which moments
  uint32_t count = 0;        // their numbers with this one; 0: none are kept
  uint32_t moment_size = 0;  // numbers of one array of moments
  uint32_t from_first = 0;   // the source is moments, and what is read counts from the first draw
  // The bits of 1 / count: of a double, or of a float in the first.
  uint32_t share[2] = {};
};
// |transforms|: a bit for each Transform that a variable has.
Result<vulkan::KernelSource> emit_keep(Dtype dtype, uint32_t transforms, const vulkan::DeviceInfo& device);

// Buffers: positions, counts.
struct StartPush {
  uint32_t batch = 0;
  uint32_t batch_first = 0;
  uint32_t coordinates = 0;
  uint32_t seed_low = 0, seed_high = 0;
  uint32_t attempt = 0;  // not the first: of chains that are marked with its number
};
Result<vulkan::KernelSource> emit_start(Dtype dtype, const vulkan::DeviceInfo& device);

// Buffers: state, counts, found.
struct CheckPush {
  uint32_t batch = 0;
  uint32_t batch_first = 0;
  uint32_t coordinates = 0;
  uint32_t chain_stride = 0, place_stride = 0;  // in |state|
  uint32_t logp_slot = 0;
  uint32_t attempt = 0;
};
Result<vulkan::KernelSource> emit_check(Dtype dtype, const vulkan::DeviceInfo& device);

// Buffers: counts, the step of all, steps of each chain.
struct StepsPush {
  uint32_t batch = 0;
};
Result<vulkan::KernelSource> emit_steps(Dtype dtype, const vulkan::DeviceInfo& device);

}  // namespace gpu_node::chain
