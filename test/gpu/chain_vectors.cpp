// Families and models on the device against the oracle: the nine checked vectors' starting point, and random ones.
#include <doctest/doctest.h>

#include "gpu/chain_case.h"

namespace gpu_node::test {
namespace {

using chain::Mapping;

struct NamedFamily {
  const char* name;
  std::map<std::string, double> parameters;
};

const NamedFamily kFamilies[] = {
    {"normal", {{"mu", 0.3}, {"sigma", 1.7}}},
    {"beta", {{"alpha", 2}, {"beta", 5}}},
    {"gamma", {{"alpha", 3}, {"beta", 2}}},
    {"lognormal", {{"mu", 0.2}, {"sigma", 0.7}}},
    {"exponential", {{"lambda", 1.5}}},
    {"half_normal", {{"sigma", 1.3}}},
    {"student_t", {{"mu", 0.2}, {"sigma", 0.9}, {"nu", 4}}},
    {"cauchy", {{"location", 0.1}, {"scale", 2}}},
    {"weibull", {{"k", 1.8}, {"lambda", 1.2}}},
};

const char* const kModels[] = {"eight_schools_centered", "eight_schools_noncentered", "linear_regression",
                               "logistic_regression", "regime_mixture"};

}  // namespace

TEST_CASE("chain: three steps of nine families are the oracle's") {
  for (const NamedFamily& row : kFamilies) {
    CAPTURE(row.name);
    const ChainCase chains(row.name, {.parameters = row.parameters, .dimensions = {{"d", 4}}});
    ChainStart start{.position = {.35, -.2, .55, .1},
                     .momentum = {.2, -.1, .05, -.3},
                     .inverse_mass = {1, .5, 2, 1},
                     .step_size = {0.05},
                     .steps = 3};
    const ChainRun wanted = run_on_host(chains, start);
    for (const Mapping mapping : {Mapping::kThread, Mapping::kWorkgroup}) {
      start.mapping = mapping;
      check_close(run_on_device(chains, Dtype::f64, start), wanted, 1e-12);
      check_close(run_on_device(chains, Dtype::f32, start), wanted, 5e-6);
    }
  }
}

TEST_CASE("chain: models are the oracle's at random points") {
  for (const char* name : kModels) {
    CAPTURE(name);
    const ChainCase chains(name, {});
    ChainStart start = random_start(chains.coordinates(), 3, 4, 7);
    start.step_size = {0.0078125, -0.015625, 0.03125};
    const ChainRun wanted = run_on_host(chains, start);
    for (const Mapping mapping : {Mapping::kThread, Mapping::kWorkgroup}) {
      start.mapping = mapping;
      check_close(run_on_device(chains, Dtype::f64, start), wanted, 1e-11);
    }
  }
}

}  // namespace gpu_node::test
