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

// Places that data says, a matrix, two sums in each other, a scalar that many places read, and a gradient that no
// place changes.
constexpr const char* kGroups = R"json({
  "name": "groups",
  "description": "observations in groups",
  "dimensions": [{"name": "n"}, {"name": "k"}],
  "variables": [
    {"name": "theta", "shape": ["k"], "support": "real"},
    {"name": "slope", "shape": ["k"], "support": "real"},
    {"name": "free", "shape": ["k"], "support": "real"},
    {"name": "scale", "support": "positive"}
  ],
  "data": [
    {"name": "group", "shape": ["n"], "indexes_into": "k"},
    {"name": "X", "shape": ["n", "k"]},
    {"name": "y", "shape": ["n"]}
  ],
  "terms": [
    {"index": "j", "over": "k", "expression": "-0.5 * (theta[j] / scale)^2 - log(scale) - 0.5 * slope[j]^2"},
    {"index": "j", "over": "k", "expression": "0.25 * free[j]"},
    {"index": "i", "over": "n",
     "expression": "-0.5 * (y[i] - theta[group[i]] - sum(j, X[i, j] * slope[j] * exp(-scale)))^2"},
    {"expression": "-scale"}
  ],
  "example": {
    "dimensions": {"n": 1, "k": 1},
    "data": {"group": [0], "X": [[1]], "y": [0]},
    "unconstrained": {"theta": [0], "slope": [0], "free": [0], "scale": 0},
    "logp": -1,
    "gradient": {"theta": [0], "slope": [0], "free": [0.25], "scale": -1}
  }
})json";

ChainCase groups(int64_t n, int64_t k) {
  auto family = chain::parse_family(kGroups, "groups.json");
  REQUIRE_MESSAGE(family.ok(), (family.ok() ? "" : family.error().message));
  chain::Inputs inputs;
  chain::Array group{.shape = {n}}, x{.shape = {n, k}}, y{.shape = {n}};
  for (int64_t i = 0; i < n; ++i) {
    group.values.push_back(static_cast<double>(i * 7 % k));
    y.values.push_back(static_cast<double>(i % 13) / 8 - 0.5);
    for (int64_t j = 0; j < k; ++j) x.values.push_back(static_cast<double>((i * 5 + j * 3) % 17) / 16 - 0.5);
  }
  inputs.data = {{"group", group}, {"X", x}, {"y", y}};
  return {std::move(family).value(), inputs};
}

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
    for (const Mapping mapping : mappings()) {
      start.mapping = mapping;
      check_close(run_on_device(chains, Dtype::f64, start), wanted, 1e-12);
      check_close(run_on_device(chains, Dtype::f32, start), wanted, 5e-6);
    }
  }
}

TEST_CASE("chain: models are the oracle's at random points") {
  for (const char* name : kModels) {
    CAPTURE(name);
    const ChainCase chains = example_case(name);
    ChainStart start = random_start(chains.coordinates(), 3, 4, 7);
    start.step_size = {0.0078125, -0.015625, 0.03125};
    const ChainRun wanted = run_on_host(chains, start);
    for (const Mapping mapping : mappings()) {
      start.mapping = mapping;
      check_close(run_on_device(chains, Dtype::f64, start), wanted, 1e-11);
    }
  }
}

TEST_CASE("chain: places that data says, matrices, and sums in sums, at any size") {
  for (const auto& [n, k] : {std::pair<int64_t, int64_t>{1, 1}, {5, 3}, {40, 70}, {300, 5}}) {
    CAPTURE(n);
    const ChainCase chains = groups(n, k);
    ChainStart start = random_start(chains.coordinates(), 2, 3, 9);
    start.step_size = {0.00390625};
    const ChainRun wanted = run_on_host(chains, start);
    start.mapping = Mapping::kThread;
    const ChainRun found = run_on_device(chains, Dtype::f64, start);
    check_close(found, wanted, 1e-11);
    for (const Mapping mapping : mappings()) {
      start.mapping = mapping;
      CHECK(run_on_device(chains, Dtype::f64, start) == found);
    }
  }
}

TEST_CASE("chain: a family that is not among the vectors, and models in f32") {
  const ChainCase half_cauchy("half_cauchy", {.dimensions = {{"d", 3}}});
  ChainStart start = random_start(3, 2, 5, 21);
  check_close(run_on_device(half_cauchy, Dtype::f64, start), run_on_host(half_cauchy, start), 1e-12);
  for (const char* name : {"eight_schools_noncentered", "logistic_regression"}) {
    CAPTURE(name);
    const ChainCase model = example_case(name);
    start = random_start(model.coordinates(), 2, 3, 22);
    start.step_size = {0.0078125};
    check_close(run_on_device(model, Dtype::f32, start), run_on_host(model, start), 2e-5);
  }
}

}  // namespace gpu_node::test
