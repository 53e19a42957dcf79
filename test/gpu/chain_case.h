// Families and models on the device beside the oracle: how the chain tests set up a run and read it.
#pragma once

#include <doctest/doctest.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "chain/chain_run.h"
#include "chain/family.h"
#include "chain/leapfrog.h"

namespace gpu_node::test {

// The value of |result|; the test ends without one.
template <typename T>
T must(Result<T> result) {
  if (!result.ok()) FAIL(result.error().message);
  return std::move(result).value();
}

chain::Family load_family(const std::string& name);

// A family with its numbers.
struct ChainCase {
  chain::Family family;
  chain::Binding binding;

  ChainCase(const std::string& name, const chain::Inputs& inputs);
  ChainCase(chain::Family family, const chain::Inputs& inputs);
  size_t coordinates() const { return static_cast<size_t>(chain::coordinate_count(family.program, binding)); }
};

// With the numbers of its example.
ChainCase example_case(const std::string& name);

struct ChainStart {
  std::vector<double> position, momentum;  // [chains][d]
  std::vector<double> inverse_mass;        // [d], or [chains][d]
  std::vector<double> step_size;           // one, or [chains]
  int64_t chains = 1;
  int64_t steps = 1;
  bool last_only = false;
  std::optional<chain::Mapping> mapping;
  int64_t most_chains = 0;
};

// Numbers as of a generator with |seed|: positions within |spread|, momenta within 1, inverse masses around 1.
ChainStart random_start(size_t coordinates, int64_t chains, int64_t steps, uint32_t seed, double spread = 0.5);

// As doubles, whatever the type.
struct ChainRun {
  std::vector<double> positions, momenta, gradients, logp;
  uint64_t dispatches = 0;
  bool operator==(const ChainRun& other) const {
    return positions == other.positions && momenta == other.momenta && gradients == other.gradients &&
           logp == other.logp;
  }
};

// Those that the device has.
std::vector<chain::Mapping> mappings();

// |aim_ms| is what each slice is meant to take.
ChainRun run_on_device(const std::shared_ptr<chain::DeviceModel>& model, const ChainStart& start,
                       double aim_ms = jobs::kSliceMs);
ChainRun run_on_device(const ChainCase& chains, Dtype dtype, const ChainStart& start);

// The same with the oracle, chain after chain.
ChainRun run_on_host(const ChainCase& chains, const ChainStart& start);

// |tolerance| relative to the greater of 1 and the wanted number.
void check_close(const ChainRun& found, const ChainRun& wanted, double tolerance);

}  // namespace gpu_node::test
