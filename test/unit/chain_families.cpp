// Every file of specs/families: its example, its gradient against differences, its density against one.
#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <random>

#include "base/file.h"
#include "chain/evaluator.h"
#include "chain/family.h"
#include "source_folder.h"

namespace gpu_node::chain {
namespace {

std::vector<Family> all_families() {
  std::vector<Family> families;
  for (const auto& entry : std::filesystem::directory_iterator(test::source_folder() + "/specs/families")) {
    auto family = load_family(entry.path().string());
    REQUIRE_MESSAGE(family.ok(), (family.ok() ? "" : family.error().message));
    CHECK(family->name == entry.path().stem().string());
    families.push_back(std::move(family).value());
  }
  CHECK(families.size() >= 15);
  return families;
}

// The fourth-order central difference of the log density in coordinate |i|.
double difference(Evaluator& evaluator, std::vector<double> at, size_t i) {
  constexpr double kStep = 2e-4;
  const double middle = at[i];
  const auto value = [&](double offset) {
    at[i] = middle + offset;
    return evaluator.evaluate(at).logp;
  };
  return (8 * (value(kStep) - value(-kStep)) - (value(2 * kStep) - value(-2 * kStep))) / (12 * kStep);
}

}  // namespace

TEST_CASE("families: each file has an example; that it holds is checked when the file is read") {
  for (const Family& family : all_families()) CHECK(family.example.has_value());
}

TEST_CASE("families: none but the eight schools has data of its own" * doctest::test_suite("truth")) {
  for (const Family& family : all_families()) {
    CAPTURE(family.name);
    const bool published = family.name.starts_with("eight_schools_");
    CHECK(family.defaults.data.size() == (published ? 2 : 0));
    const auto binding = bind(family, {.dimensions = family.example->inputs.dimensions});
    CHECK(binding.ok() == (published || family.program.symbols.data.empty()));
  }
  const auto family = load_family(test::source_folder() + "/specs/families/linear_regression.json");
  REQUIRE(family.ok());
  CHECK(bind(*family, {}).error().message == "data 'X' of shape {n, k} is missing; data 'y' of shape {n} is missing");
  CHECK(bind(*family, {.data = {{"X", {{1, 2}, {1, 2}}}}}).error().message == "data 'y' of shape {n} is missing");
}

TEST_CASE("families: the example of the page on families holds") {
  const auto page = read_file(test::source_folder() + "/specs/README.md", 1 << 20);
  REQUIRE(page.ok());
  const size_t begin = page->find("```json\n") + 8;
  const auto family = parse_family(page->substr(begin, page->find("```", begin) - begin), "README.md");
  REQUIRE_MESSAGE(family.ok(), (family.ok() ? "" : family.error().message));
  CHECK(family->example.has_value());
}

TEST_CASE("families: gradients are central differences, at random points and parameters") {
  std::mt19937_64 random(7);
  std::normal_distribution<double> normal;
  for (const Family& family : all_families()) {
    CAPTURE(family.name);
    for (int round = 0; round < 40; ++round) {
      Inputs inputs = family.example->inputs;
      for (auto& [name, value] : inputs.parameters)
        value = name == "mu" || name == "location" ? normal(random) : std::exp(0.5 * normal(random));
      const auto binding = bind(family, inputs);
      REQUIRE(binding.ok());
      auto evaluator = Evaluator::make(family.program, *binding);
      REQUIRE(evaluator.ok());
      std::vector<double> at(evaluator->coordinates());
      for (double& u : at) u = normal(random);
      const Density density = evaluator->evaluate(at);
      REQUIRE(std::isfinite(density.logp));
      // What the difference loses to cancellation grows with the log density.
      const double scale = 1 + std::fabs(density.logp);
      for (size_t i = 0; i < at.size(); ++i) {
        const double expected = difference(*evaluator, at, i);
        CHECK(std::fabs(density.gradient[i] - expected) <= 2e-8 * std::fmax(std::fabs(expected), scale));
      }
    }
  }
}

TEST_CASE("families: densities of one coordinate integrate to one") {
  // x = sinh(sinh(t)) spreads the points doubly exponentially, which the tails of a Cauchy density need.
  for (const Family& family : all_families()) {
    if (!family.program.symbols.data.empty()) continue;
    CAPTURE(family.name);
    Inputs inputs = family.example->inputs;
    inputs.dimensions["d"] = 1;
    const auto binding = bind(family, inputs);
    REQUIRE(binding.ok());
    auto evaluator = Evaluator::make(family.program, *binding);
    REQUIRE(evaluator.ok());
    double total = 0;
    constexpr double kStep = 1.0 / 512;
    for (double t = -4.2; t < 4.2; t += kStep) {
      const std::vector<double> at = {std::sinh(std::sinh(t))};
      const double logp = evaluator->evaluate(at).logp;
      if (std::isfinite(logp)) total += std::exp(logp) * std::cosh(std::sinh(t)) * std::cosh(t) * kStep;
    }
    CHECK(total == doctest::Approx(1).epsilon(1e-9));
  }
}

TEST_CASE("families: nothing overflows where the mathematics does not") {
  struct Tail {
    const char* family;
    double u;
    double slope;  // of the log density there
  };
  for (const Tail& tail : {Tail{"beta", 900, -1},
                           {"beta", -900, 1},
                           {"half_cauchy", 900, -1},
                           {"half_cauchy", -900, 1},
                           {"gamma", -900, 1},
                           {"half_normal", -900, 1},
                           {"weibull", -900, 1},
                           {"cauchy", 1e200, 0},
                           {"student_t", 1e200, 0},
                           {"exponential", -900, 1}}) {
    CAPTURE(tail.family);
    const auto family = load_family(test::source_folder() + "/specs/families/" + std::string(tail.family) + ".json");
    REQUIRE(family.ok());
    Inputs inputs{.dimensions = {{"d", 1}}};
    for (const Parameter& parameter : family->program.symbols.parameters)
      inputs.parameters[parameter.name] = *parameter.default_value;
    const auto binding = bind(*family, inputs);
    REQUIRE(binding.ok());
    auto evaluator = Evaluator::make(family->program, *binding);
    REQUIRE(evaluator.ok());
    const Density density = evaluator->evaluate(std::vector<double>{tail.u});
    CHECK(std::isfinite(density.gradient[0]));
    CHECK(density.gradient[0] == doctest::Approx(tail.slope).epsilon(1e-12));
    if (tail.u < 1e100) CHECK(std::isfinite(density.logp));
  }
}

}  // namespace gpu_node::chain
