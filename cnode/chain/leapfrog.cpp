#include "chain/leapfrog.h"

#include "base/concat.h"

namespace gpu_node::chain {

Result<Trajectory> leapfrog(Evaluator& density, std::span<const double> position, std::span<const double> momentum,
                            std::span<const double> inverse_mass, double step_size, int64_t steps) {
  const size_t d = density.coordinates();
  if (position.size() != d || momentum.size() != d || inverse_mass.size() != d)
    return Error{ErrorCode::kInvalidArgument,
                 concat("position, momentum and inverse mass must have ", d, " numbers each, one for each coordinate")};
  if (steps < 1) return Error{ErrorCode::kInvalidArgument, concat("at least one step, not ", steps)};
  std::vector<double> q(position.begin(), position.end());
  std::vector<double> p(momentum.begin(), momentum.end());
  Trajectory trajectory;
  std::vector<double> g = density.evaluate(q).gradient;
  for (int64_t k = 0; k < steps; ++k) {
    for (size_t i = 0; i < d; ++i) {
      p[i] += 0.5 * step_size * g[i];
      q[i] += step_size * inverse_mass[i] * p[i];
    }
    Density next = density.evaluate(q);
    g = std::move(next.gradient);
    for (size_t i = 0; i < d; ++i) p[i] += 0.5 * step_size * g[i];
    trajectory.positions.insert(trajectory.positions.end(), q.begin(), q.end());
    trajectory.momenta.insert(trajectory.momenta.end(), p.begin(), p.end());
    trajectory.gradients.insert(trajectory.gradients.end(), g.begin(), g.end());
    trajectory.logp.push_back(next.logp);
  }
  return trajectory;
}

}  // namespace gpu_node::chain
