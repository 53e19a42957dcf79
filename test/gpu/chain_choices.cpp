// Densities that choose between branches, on the device: gradients beside the oracle, and what is sampled.
#include <doctest/doctest.h>

#include <cmath>

#include "base/concat.h"
#include "gpu/sampler_case.h"

namespace gpu_node::test {
namespace {

ChainCase case_of(const std::string& text, const chain::Inputs& inputs) {
  auto family = chain::parse_family(text, "choices");
  REQUIRE_MESSAGE(family.ok(), (family.ok() ? "" : family.error().message));
  return {std::move(family).value(), inputs};
}

// Of branches that are singular, no number or overflow where they are not taken: at some places, at all, nested,
// shared.
constexpr const char* kEach[] = {
    "select(shift > 0, -sqrt(shift) * t[i], shift * v[i]) - v[i]^2",
    "select(v[i] > 0, log(v[i]) * scale, -exp(v[i]) * shift)",
    "select(t[i] > 2, exp(800 * scale), select(t[i] > 1, log(shift), scale * t[i]))",
    "min(v[i], exp(2000 * scale)) + max(t[i] * shift, -exp(2000 * scale))",
};
constexpr const char* kOnce[] = {
    "clip(exp(1e5 * (shift + 1)), -1, 2)",
    "clip(sqrt(shift - 1), 0.5, 1) * scale",
};

ChainCase choices(const std::string& terms, const chain::Inputs& inputs) {
  return case_of(R"json({"name": "choices", "dimensions": [{"name": "n"}],
    "variables": [{"name": "shift"}, {"name": "scale", "support": "positive"}, {"name": "v", "shape": ["n"]}],
    "data": [{"name": "t", "shape": ["n"]}],
    "terms": [)json" +
                     terms + R"json({"index": "i", "over": "n", "expression": "t[i] * v[i] - shift^2 - scale"}]})json",
                 inputs);
}

// All of them in one density, then each by itself, which tells whose the fault is.
std::vector<std::string> term_lists() {
  std::vector<std::string> lists(1);
  const auto add = [&](const std::string& term) {
    lists.front() += term;
    lists.push_back(term);
  };
  for (const char* each : kEach) add(concat("{\"index\": \"i\", \"over\": \"n\", \"expression\": \"", each, "\"},"));
  for (const char* once : kOnce) add(concat("{\"expression\": \"", once, "\"},"));
  return lists;
}

}  // namespace

TEST_CASE("chain choices: gradients are the oracle's, and finite" * doctest::test_suite("truth")) {
  for (const std::string& terms : term_lists()) {
    CAPTURE(terms);
    for (const int64_t n : {1, 5, 300}) {
      CAPTURE(n);
      chain::Array t{.shape = {n}};
      for (int64_t i = 0; i < n; ++i) t.values.push_back(static_cast<double>(i % 7) / 8 - 0.25);
      const ChainCase chains = choices(terms, {.data = {{"t", t}}});
      ChainStart start = random_start(chains.coordinates(), 4, 3, 31);
      start.step_size = {0.001953125};
      const ChainRun wanted = run_on_host(chains, start);
      for (const double slope : wanted.gradients) REQUIRE(std::isfinite(slope));
      for (const auto mapping : mappings()) {
        start.mapping = mapping;
        check_close(run_on_device(chains, Dtype::f64, start), wanted, 1e-11);
        check_close(run_on_device(chains, Dtype::f32, start), wanted, 1e-4);
      }
    }
  }
}

TEST_CASE("chain choices: a density of two branches is sampled in both" * doctest::test_suite("truth")) {
  // Of exp(x) below 0 and exp(-sqrt(x)) above, which has twice its mass.
  const ChainCase chains = case_of(
      R"json({"name": "two", "variables": [{"name": "x"}], "terms": [{"expression": "select(x > 0, -sqrt(x), x)"}]})json",
      {});
  const chain::SamplerOptions options{.chains = 512, .warmup = 300, .draws = 400, .thin = 4, .seed = 5};
  for (const Dtype dtype : {Dtype::f32, Dtype::f64}) {
    const Samples samples = sample(model_of(chains, dtype), options);
    double below = 0;
    for (const double x : samples.draws[0]) below += x < 0 ? 1 : 0;
    CHECK(below / static_cast<double>(samples.draws[0].size()) == doctest::Approx(1.0 / 3).epsilon(0.06));
  }
}

}  // namespace gpu_node::test
