// The oracle of the leapfrog skeleton: K steps of Hamiltonian dynamics in double.
#pragma once

#include <span>
#include <vector>

#include "chain/evaluator.h"

namespace gpu_node::chain {

// The state after each step, |steps| x d numbers each, |logp| one per step. Entry k is the state after step k.
struct Trajectory {
  std::vector<double> positions;
  std::vector<double> momenta;
  std::vector<double> gradients;
  std::vector<double> logp;
};

// p += step/2 * gradient(q); q += step * inverse_mass * p; p += step/2 * gradient(q). The force is the gradient of the
// log density, so the sign is plus; a negative |step_size| goes backwards in time. The gradient at the end of a step is
// that at the beginning of the next.
Result<Trajectory> leapfrog(Evaluator& density, std::span<const double> position, std::span<const double> momentum,
                            std::span<const double> inverse_mass, double step_size, int64_t steps);

}  // namespace gpu_node::chain
