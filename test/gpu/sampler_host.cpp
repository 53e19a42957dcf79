#include "gpu/sampler_host.h"

#include <doctest/doctest.h>

#include <cmath>

#include "chain/leapfrog.h"
#include "chain/threefry.h"

namespace gpu_node::test {
namespace {

struct HostChain {
  std::vector<double> position;
  double logp = 0, energy = 0;
  double acceptance = 0;  // sum
  uint32_t divergences = 0;
  bool diverged = false;  // since the last draw
  bool moved = false;
};

double kinetic(const std::vector<double>& momentum, const std::vector<double>& inverse_mass) {
  double sum = 0;
  for (size_t i = 0; i < momentum.size(); ++i) sum += 0.5 * inverse_mass[i] * momentum[i] * momentum[i];
  return sum;
}

int64_t steps_of(const chain::SamplerOptions& options, uint64_t iteration) {
  const double share = 1 - options.jitter * (1 - chain::van_der_corput(iteration + 1));
  const double count = std::ceil(*options.path_length * share / *options.step_size);
  return static_cast<int64_t>(std::fmin(std::fmax(count, 1), static_cast<double>(options.max_steps)));
}

void iterate(HostChain& chain, chain::Evaluator& density, const chain::SamplerOptions& options,
             const std::vector<double>& inverse_mass, chain::Word2 key, uint32_t iteration, int64_t steps) {
  const size_t d = chain.position.size();
  std::vector<double> momentum(d);
  for (size_t i = 0; i < d; ++i) {
    const auto pair = chain::normals(chain::threefry(key, {iteration, static_cast<uint32_t>(i / 2)}));
    momentum[i] = pair[i % 2] / std::sqrt(inverse_mass[i]);
  }
  auto path = chain::leapfrog(density, chain.position, momentum, inverse_mass, *options.step_size, steps);
  REQUIRE(path.ok());
  const auto tail = [&](const std::vector<double>& list) {
    return std::vector<double>(list.end() - static_cast<ptrdiff_t>(d), list.end());
  };
  const double energy =
      kinetic(tail(path->momenta), inverse_mass) - kinetic(momentum, inverse_mass) - (path->logp.back() - chain.logp);
  const bool diverged = !(energy <= 1000) || std::isinf(path->logp.back());
  const double chance = diverged ? 0 : std::exp(std::fmin(0, -energy));
  chain.acceptance += chance;
  chain.divergences += diverged ? 1 : 0;
  chain.diverged = chain.diverged || diverged;
  chain.energy = kinetic(momentum, inverse_mass) - chain.logp;
  if (chain::uniform(chain::threefry(key, {iteration, chain::kAcceptPair})[0]) >= chance) return;
  chain.moved = chain.moved || chain.position != tail(path->positions);
  chain.position = tail(path->positions);
  chain.logp = path->logp.back();
  chain.energy = kinetic(tail(path->momenta), inverse_mass) - chain.logp;
}

void keep(Samples& samples, const ChainCase& chains, const HostChain& chain, bool constrained) {
  const auto& variables = chains.family.program.symbols.variables;
  const auto offsets = chain::coordinate_offsets(chains.family.program, chains.binding);
  for (size_t v = 0; v < variables.size(); ++v)
    for (auto i = static_cast<size_t>(offsets[v]); i < static_cast<size_t>(offsets[v + 1]); ++i) {
      const double u = chain.position[i];
      samples.draws[v].push_back(constrained ? chain::constrain(variables[v].transform, u) : u);
    }
  samples.logp.push_back(chain.logp);
  samples.energy.push_back(chain.energy);
  samples.draw_diverged.push_back(chain.diverged ? 1 : 0);
}

}  // namespace

Samples sample_on_host(const ChainCase& chains, const chain::SamplerOptions& options,
                       const std::vector<double>& position) {
  auto density = chain::Evaluator::make(chains.family.program, chains.binding);
  REQUIRE(density.ok());
  const size_t d = chains.coordinates();
  const std::vector<double> inverse_mass =
      options.inverse_mass.empty() ? std::vector<double>(d, 1) : options.inverse_mass;
  Samples samples;
  samples.draws.resize(chains.family.program.symbols.variables.size());
  for (uint32_t c = 0; c < options.chains; ++c) {
    const chain::Word2 key = chain::chain_key(options.seed, c);
    HostChain chain;
    chain.position.resize(d);
    for (uint32_t attempt = 0; attempt < 100; ++attempt) {
      for (size_t i = 0; i < d; ++i) {
        const auto bits = chain::threefry(key, {chain::kStartIteration - attempt, static_cast<uint32_t>(i / 2)});
        chain.position[i] = position.empty() ? 4 * chain::uniform(bits[i % 2]) - 2 : position[c * d + i];
      }
      chain.logp = density->evaluate(chain.position).logp;
      if (std::isfinite(chain.logp)) break;
    }
    uint32_t iteration = 0;
    for (int64_t k = 0; k < options.warmup; ++k, ++iteration)
      iterate(chain, *density, options, inverse_mass, key, iteration, steps_of(options, static_cast<uint64_t>(k)));
    chain.acceptance = 0;
    chain.divergences = 0;
    chain.moved = false;
    for (int64_t k = 0; k < options.draws * options.thin; ++k, ++iteration) {
      iterate(chain, *density, options, inverse_mass, key, iteration, steps_of(options, static_cast<uint64_t>(k)));
      if ((k + 1) % options.thin != 0) continue;
      keep(samples, chains, chain, options.constrained);
      chain.diverged = false;
    }
    samples.never_moved.push_back(chain.moved ? 0 : 1);
    samples.unmoved += chain.moved ? 0 : 1;
    samples.acceptance.push_back(chain.acceptance / static_cast<double>(options.draws * options.thin));
    samples.divergences.push_back(chain.divergences);
    samples.position.insert(samples.position.end(), chain.position.begin(), chain.position.end());
  }
  return samples;
}

}  // namespace gpu_node::test
