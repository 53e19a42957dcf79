// Posteriors that are known otherwise: in closed form, by quadrature, or from a long run of another sampler. Step size,
// scales and path length are learned; means must be within four of their errors, and chains must agree.
#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <sstream>

#include "gpu/sampler_case.h"

namespace gpu_node::test {
namespace {

using chain::SamplerOptions;

struct Known {
  double mean = 0, sd = 0;
  double error = 0;  // of the mean
};

// |sd_tolerance|: relative.
void check_known(const Samples& samples, const SamplerOptions& options, const std::vector<Known>& known,
                 double sd_tolerance) {
  for (size_t i = 0; i < known.size(); ++i) {
    const Estimate found = estimate(samples, options, i);
    CAPTURE(i);
    CAPTURE(found.mean);
    CAPTURE(found.sd);
    CAPTURE(found.effective);
    CHECK(std::fabs(found.mean - known[i].mean) < 4 * std::hypot(found.error, known[i].error));
    CHECK(std::fabs(found.sd / known[i].sd - 1) < sd_tolerance);
    CHECK(found.r_hat < 1.01);
    CHECK(found.effective > 0.05 * static_cast<double>(options.chains * options.draws));
  }
}

ChainCase family(const std::string& name, std::map<std::string, double> parameters, int64_t d) {
  return {name, {.parameters = std::move(parameters), .dimensions = {{"d", d}}}};
}

const SamplerOptions kMany{.chains = 256, .warmup = 300, .draws = 600, .seed = 20};

// 2,000 trapezoids over the logarithm of tau: given tau, the effects of schools integrate out of normal densities, and
// so does their mean.
std::vector<Known> eight_schools() {
  constexpr double y[] = {28, 8, -3, 7, -1, 1, 18, 12}, sigma[] = {15, 10, 16, 11, 9, 11, 10, 18};
  constexpr size_t kEta = 8, kMu = 8, kTau = 9;
  double total = 0, first[10] = {}, second[10] = {};
  for (int k = 0; k <= 4000; ++k) {
    const double log_tau = -20 + 0.0075 * k, tau = std::exp(log_tau);
    double precision = 1 / 25.0, weighted = 0, log_weight = log_tau - std::log1p(tau * tau / 25);
    double squares = 0;
    for (size_t j = 0; j < 8; ++j) {
      const double variance = sigma[j] * sigma[j] + tau * tau;
      precision += 1 / variance;
      weighted += y[j] / variance;
      squares += y[j] * y[j] / variance;
      log_weight -= 0.5 * std::log(variance);
    }
    const double mu = weighted / precision, mu_variance = 1 / precision;
    log_weight += 0.5 * std::log(mu_variance) - 0.5 * (squares - weighted * mu);
    const double weight = std::exp(log_weight + 20);
    total += weight;
    const auto add = [&](size_t i, double mean, double variance) {
      first[i] += weight * mean;
      second[i] += weight * (mean * mean + variance);
    };
    for (size_t j = 0; j < kEta; ++j) {
      const double own = 1 + tau * tau / (sigma[j] * sigma[j]), slope = tau / (sigma[j] * sigma[j]) / own;
      add(j, slope * (y[j] - mu), 1 / own + slope * slope * mu_variance);
    }
    add(kMu, mu, mu_variance);
    add(kTau, tau, 0);
  }
  std::vector<Known> known;
  for (size_t i = 0; i < 10; ++i) {
    const double mean = first[i] / total;
    known.push_back({mean, std::sqrt(second[i] / total - mean * mean)});
  }
  return known;
}

// Normal in |d| dimensions, given by mean and precision.
constexpr const char* kCorrelated = R"json({
  "name": "correlated_normal",
  "description": "A normal density by its mean and precision matrix.",
  "dimensions": [{"name": "d", "description": "coordinates"}],
  "variables": [{"name": "x", "description": "position", "shape": ["d"], "support": "real"}],
  "data": [
    {"name": "m", "description": "mean", "shape": ["d"], "values": MEAN},
    {"name": "P", "description": "precision", "shape": ["d", "d"], "values": PRECISION}
  ],
  "terms": [
    {"index": "i", "over": "d", "expression": "-0.5 * (x[i] - m[i]) * sum(j, P[i, j] * (x[j] - m[j]))",
     "description": "the exponent"}
  ],
  "example": {"unconstrained": {"x": ZERO}, "logp": LOGP, "gradient": {"x": GRADIENT}}
})json";

std::string list_of(const std::vector<double>& numbers) {
  std::ostringstream text;
  text.precision(17);
  for (size_t i = 0; i < numbers.size(); ++i) text << (i == 0 ? "[" : ", ") << numbers[i];
  return text.str() + "]";
}

void put(std::string& text, const std::string& word, const std::string& value) {
  text.replace(text.find(word), word.size(), value);
}

// Neighbours are correlated by 0.9, coordinate i has standard deviation i + 1 and mean i: a first-order process, whose
// precision has three diagonals.
chain::Family correlated_normal(size_t d) {
  constexpr double kRho = 0.9;
  std::vector<double> mean, gradient(d), zero(d);
  std::string rows;
  for (size_t i = 0; i < d; ++i) mean.push_back(static_cast<double>(i));
  double logp = 0;
  for (size_t i = 0; i < d; ++i) {
    std::vector<double> row(d);
    for (size_t j = 0; j < d; ++j) {
      const double near = i == j ? (i == 0 || i + 1 == d ? 1 : 1 + kRho * kRho) : i + 1 == j || j + 1 == i ? -kRho : 0;
      row[j] = near / (1 - kRho * kRho) / static_cast<double>((i + 1) * (j + 1));
      gradient[i] += row[j] * mean[j];
      logp -= 0.5 * mean[i] * row[j] * mean[j];
    }
    rows += (i == 0 ? "[" : ", ") + list_of(row);
  }
  std::string text = kCorrelated;
  put(text, "MEAN", list_of(mean));
  put(text, "PRECISION", rows + "]");
  put(text, "ZERO", list_of(zero));
  put(text, "LOGP", list_of({logp}).substr(1, list_of({logp}).size() - 2));
  put(text, "GRADIENT", list_of(gradient));
  auto parsed = chain::parse_family(text, "correlated_normal.json");
  if (!parsed.ok()) FAIL(parsed.error().message);
  return std::move(parsed).value();
}

constexpr size_t kObservations = 500, kPredictors = 20;

struct Regression {
  std::vector<double> x, y;  // [n][k], [n]

  Regression() {
    std::mt19937_64 generator(500);
    std::normal_distribution<double> normal;
    std::uniform_real_distribution<double> uniform;
    std::vector<double> slopes;
    for (size_t j = 0; j < kPredictors; ++j) slopes.push_back(0.6 * normal(generator));
    for (size_t i = 0; i < kObservations; ++i) {
      double eta = 0.4;
      for (size_t j = 0; j < kPredictors; ++j) {
        x.push_back(normal(generator));
        eta += slopes[j] * x.back();
      }
      y.push_back(uniform(generator) < 1 / (1 + std::exp(-eta)) ? 1 : 0);
    }
  }

  // Of normal(0, 2.5) priors; position: intercept, slopes.
  double density(const std::vector<double>& q, std::vector<double>& gradient) const {
    double logp = 0;
    for (size_t j = 0; j < q.size(); ++j) {
      logp -= 0.5 * q[j] * q[j] / 6.25;
      gradient[j] = -q[j] / 6.25;
    }
    for (size_t i = 0; i < kObservations; ++i) {
      const double* row = x.data() + i * kPredictors;
      double eta = q[0];
      for (size_t j = 0; j < kPredictors; ++j) eta += row[j] * q[j + 1];
      const double chance = 1 / (1 + std::exp(-eta));
      logp += y[i] * eta - (eta > 0 ? eta + std::log1p(std::exp(-eta)) : std::log1p(std::exp(eta)));
      gradient[0] += y[i] - chance;
      for (size_t j = 0; j < kPredictors; ++j) gradient[j + 1] += row[j] * (y[i] - chance);
    }
    return logp;
  }
};

// Hamiltonian Monte Carlo in its plainest form, one chain; errors from the means of 50 stretches.
std::vector<Known> long_run(const Regression& model) {
  constexpr size_t d = kPredictors + 1, kStretches = 50, kLength = 240, kSkipped = 500;
  std::mt19937_64 generator(7);
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> uniform;
  std::vector<double> q(d), g(d), stretch(d), sum(d), squares(d), between(d);
  double logp = model.density(q, g);
  for (size_t n = 0; n < kSkipped + kStretches * kLength; ++n) {
    std::vector<double> p(d), q1 = q, g1 = g;
    double energy = 0;
    for (double& number : p) energy += 0.5 * std::pow(number = normal(generator), 2);
    const double step = 0.07 * (0.8 + 0.4 * uniform(generator));
    double logp1 = logp;
    for (int k = 0; k < 4; ++k) {
      for (size_t i = 0; i < d; ++i) q1[i] += step * (p[i] += 0.5 * step * g1[i]);
      logp1 = model.density(q1, g1);
      for (size_t i = 0; i < d; ++i) p[i] += 0.5 * step * g1[i];
    }
    for (const double number : p) energy -= 0.5 * number * number;
    if (uniform(generator) < std::exp(energy + logp1 - logp)) {
      q = q1;
      g = g1;
      logp = logp1;
    }
    if (n < kSkipped) continue;
    const bool ends = (n - kSkipped + 1) % kLength == 0;
    for (size_t i = 0; i < d; ++i) {
      stretch[i] += q[i] / kLength;
      squares[i] += q[i] * q[i] / (kStretches * kLength);
      if (!ends) continue;
      sum[i] += stretch[i] / kStretches;
      between[i] += stretch[i] * stretch[i] / kStretches;
      stretch[i] = 0;
    }
  }
  std::vector<Known> known;
  for (size_t i = 0; i < d; ++i)
    known.push_back({sum[i], std::sqrt(squares[i] - sum[i] * sum[i]),
                     std::sqrt((between[i] - sum[i] * sum[i]) / (kStretches - 1))});
  return known;
}

}  // namespace

TEST_CASE("posteriors: normal, gamma and student-t in closed form") {
  for (const Dtype dtype : {Dtype::f32, Dtype::f64}) {
    const Samples normal = sample(model_of(family("normal", {{"mu", 0.3}, {"sigma", 1.7}}, 2), dtype), kMany);
    check_known(normal, kMany, {{0.3, 1.7}, {0.3, 1.7}}, 0.02);
    const Samples gamma = sample(model_of(family("gamma", {{"alpha", 3}, {"beta", 2}}, 2), dtype), kMany);
    check_known(gamma, kMany, {{1.5, std::sqrt(3.0) / 2}, {1.5, std::sqrt(3.0) / 2}}, 0.02);
    const Samples t = sample(model_of(family("student_t", {{"mu", 0.2}, {"sigma", 0.9}, {"nu", 8}}, 2), dtype), kMany);
    check_known(t, kMany, {{0.2, 0.9 * std::sqrt(8.0 / 6)}, {0.2, 0.9 * std::sqrt(8.0 / 6)}}, 0.03);
    // Of eight degrees of freedom 0.65341 lie within one scale.
    double within = 0;
    for (const double x : t.draws[0]) within += std::fabs(x - 0.2) < 0.9 ? 1 : 0;
    CHECK(within / static_cast<double>(t.draws[0].size()) == doctest::Approx(0.65341).epsilon(0.01));
  }
}

TEST_CASE("posteriors: ten correlated normal coordinates of scales 1 to 10") {
  const ChainCase chains(correlated_normal(10), {});
  for (const Dtype dtype : {Dtype::f32, Dtype::f64}) {
    const Samples samples = sample(model_of(chains, dtype), kMany);
    std::vector<Known> known;
    for (int i = 0; i < 10; ++i) known.push_back({static_cast<double>(i), i + 1.0});
    check_known(samples, kMany, known, 0.03);
    double product = 0;
    for (size_t n = 0; n < samples.draws[0].size(); n += 10)
      product += (samples.draws[0][n + 4] - 4) * (samples.draws[0][n + 5] - 5);
    CHECK(product / static_cast<double>(samples.draws[0].size() / 10) / 30 == doctest::Approx(0.9).epsilon(0.03));
  }
}

TEST_CASE("posteriors: eight schools against quadrature") {
  const ChainCase chains("eight_schools_noncentered", {});
  const std::vector<Known> known = eight_schools();
  for (const Dtype dtype : {Dtype::f32, Dtype::f64}) {
    const Samples samples = sample(model_of(chains, dtype), kMany);
    check_known(samples, kMany, known, 0.05);
    CHECK(samples.diverged() < 20);
  }
}

TEST_CASE("posteriors: one chain learns from itself alone") {
  SamplerOptions one{.chains = 1, .warmup = 500, .draws = 4000, .seed = 3};
  const Samples samples = sample(model_of(family("normal", {{"mu", 0.3}, {"sigma", 1.7}}, 3), Dtype::f64), one);
  for (size_t i = 0; i < 3; ++i) {
    CHECK(std::sqrt(samples.inverse_mass[i]) == doctest::Approx(1.7).epsilon(0.3));
    CHECK((samples.mean[0][i] + samples.mean[1][i]) / 2 == doctest::Approx(0.3).epsilon(0.1));
    CHECK(std::sqrt((samples.m2[0][i] + samples.m2[1][i]) / 4000) == doctest::Approx(1.7).epsilon(0.1));
  }
  CHECK(samples.acceptance[0] > 0.6);
}

TEST_CASE("posteriors: logistic regression of 500 observations and 21 coordinates against a long run") {
  const Regression model;
  const chain::Inputs inputs{
      .data = {{"X", {{kObservations, kPredictors}, model.x}}, {"y", {{kObservations}, model.y}}}};
  const ChainCase chains("logistic_regression", inputs);
  const std::vector<Known> known = long_run(model);
  const SamplerOptions options{.chains = 64, .warmup = 150, .draws = 200, .seed = 21};
  const Samples samples = sample(model_of(chains, Dtype::f32), options);
  check_known(samples, options, known, 0.05);
  CHECK(samples.diverged() == 0);
}

}  // namespace gpu_node::test
