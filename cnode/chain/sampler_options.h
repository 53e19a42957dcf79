// What is asked of a sampler, and what it gives.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "base/result.h"
#include "chain/mapping.h"
#include "vulkan/buffer_pool.h"

namespace gpu_node::chain {

struct SamplerOptions {
  int64_t chains = 1;
  int64_t warmup = 1000;  // iterations before the draws
  int64_t draws = 1000;   // kept of each chain
  int64_t thin = 1;       // iterations for each draw
  uint64_t seed = 0;

  // A path has as many leapfrog steps as its length takes, at most |max_steps|; a length is in coordinates divided by
  // the root of their inverse mass. Iteration n's path has the share 1 - jitter * (1 - v) of the length, v being the
  // n-th number of a sequence that fills (0, 1) evenly.
  std::optional<double> path_length;  // else learned in the warm-up, by the ChEES criterion
  double jitter = 1;
  int64_t max_steps = 1000;
  std::optional<double> step_size;  // else learned, so that acceptance is |target_accept|
  double target_accept = 0.8;
  std::vector<double> inverse_mass;  // [d]; else learned where the step size is, else all 1

  vulkan::BufferRef position;  // [chains][d], unconstrained; else uniform in [-2, 2)
  bool constrained = true;     // draws and moments are of the variables, not of the unconstrained coordinates
  bool keep_draws = true;      // else only moments

  std::optional<Mapping> mapping;
  int64_t most_chains = 0;  // of a batch; 0: as many as fit the device's buffers
};

// Tensors are row-major, of the model's type but where it is said.
struct SamplerResult {
  std::vector<vulkan::BufferRef> draws;  // by variable: [chains][draws], or [chains][draws][size]
  // [chains][draws]; missing, as the draws, where they are not kept: the log density; the energy of the state that the
  // draw's iteration ended with, the path's end where that was taken, else its beginning; and, of u8, whether a path
  // diverged since the draw before.
  vulkan::BufferRef logp, energy, diverged;
  // Mean and sum of squares around it of the first half of each chain's draws, then of the second: [chains][d] each.
  // Of an odd number the middle one is in neither.
  vulkan::BufferRef mean[2], m2[2];
  int64_t half = 0;               // draws in each
  vulkan::BufferRef acceptance;   // [chains], mean probability over the draws' iterations
  vulkan::BufferRef divergences;  // [chains] of u32, in the draws' iterations
  vulkan::BufferRef never_moved;  // [chains] of u8: the chain stayed in one place in all of these
  uint64_t unmoved = 0;           // chains of which that is so
  vulkan::BufferRef position;     // [chains][d], unconstrained: where the chains are now
  double step_size = 0;
  double path_length = 0;
  std::vector<double> inverse_mass;
};

struct SamplerProgress {
  enum class Phase : uint8_t { kSearch, kWarmup, kDraw, kDone };
  Phase phase = Phase::kWarmup;
  int64_t iteration = 0;   // that are over, of the phase: of the search, attempts
  int64_t iterations = 0;  // that it has; of the search nobody knows
  double step_size = 0;
  double path_length = 0;
  double acceptance = 0;        // mean over chains: of the draws' iterations, before them of the last iteration
  uint64_t divergences = 0;     // of all chains in the phase
  uint64_t leapfrog_steps = 0;  // of each chain since the start
};

}  // namespace gpu_node::chain
