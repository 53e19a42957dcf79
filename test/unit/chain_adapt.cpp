// What warm-up learns from, each part by itself, on curves and numbers whose answer is known.
#include <doctest/doctest.h>

#include <cmath>
#include <numbers>
#include <random>

#include "chain/adaptation.h"
#include "chain/threefry.h"

namespace gpu_node::chain {

TEST_CASE("threefry: the published vectors of 20 rounds") {
  CHECK(threefry({0, 0}, {0, 0}) == Word2{0x6b200159u, 0x99ba4efeu});
  CHECK(threefry({~0u, ~0u}, {~0u, ~0u}) == Word2{0x1cb996fcu, 0xbb002be7u});
  CHECK(threefry({0x13198a2eu, 0x03707344u}, {0x243f6a88u, 0x85a308d3u}) == Word2{0xc4923a9cu, 0x483df7a0u});
}

TEST_CASE("threefry: normal numbers have the moments of normal numbers, and no two are related") {
  constexpr int kPairs = 200'000;
  double sums[4] = {}, product = 0;
  for (uint32_t i = 0; i < kPairs; ++i) {
    const auto [x, y] = normals(threefry(chain_key(11, 3), {5, i}));
    for (const double z : {x, y})
      for (int k = 0; k < 4; ++k) sums[k] += std::pow(z, k + 1) / (2 * kPairs);
    product += static_cast<double>(x) * y / kPairs;
  }
  const double error = 1 / std::sqrt(2.0 * kPairs);
  CHECK(std::fabs(sums[0]) < 4 * error);
  CHECK(std::fabs(sums[1] - 1) < 4 * std::sqrt(2.0) * error);
  CHECK(std::fabs(sums[2]) < 4 * std::sqrt(15.0) * error);
  CHECK(std::fabs(sums[3] - 3) < 4 * std::sqrt(96.0) * error);
  CHECK(std::fabs(product) < 4 * std::sqrt(2.0) * error);
}

TEST_CASE("threefry: normal numbers are those of the formula, to the edges of the bits") {
  std::mt19937 generator(3);
  double most = 0;
  for (int i = 0; i < 100'000; ++i) {
    Word2 bits = {static_cast<uint32_t>(generator()), static_cast<uint32_t>(generator())};
    if (i % 4 == 0) bits[0] >>= i % 32;
    if (i % 5 == 0) bits[0] = ~(bits[0] >> (i % 32));
    const double u = std::fmax(bits[0], 1) * 0x1p-32;
    const double radius = std::sqrt(-2 * std::log(u));
    const double angle = (((bits[1] & 0x3fffffffu) + 0.5) * 0x1p-30 - 0.5 + (bits[1] >> 30)) * std::numbers::pi / 2;
    const auto [x, y] = normals(bits);
    // The last of 32 bits are dropped; they count where u is near 1.
    const double tolerance = 1e-6 * radius + 2e-7 / std::fmax(radius, 1e-4);
    most = std::fmax(most, std::fabs(x - radius * std::cos(angle)) / tolerance);
    most = std::fmax(most, std::fabs(y - radius * std::sin(angle)) / tolerance);
  }
  CHECK(most < 1);
  CHECK(std::isfinite(normals({0, 0})[0]));
  CHECK(std::isfinite(normals({~0u, ~0u})[1]));
}

TEST_CASE("adapt: the sequence of van der Corput") {
  const double wanted[] = {0.5, 0.25, 0.75, 0.125, 0.625, 0.375, 0.875, 0.0625};
  for (uint64_t n = 1; n <= 8; ++n) CHECK(van_der_corput(n) == wanted[n - 1]);
}

TEST_CASE("adapt: dual averaging finds the step size of a known acceptance, through noise") {
  std::mt19937 generator(1);
  std::normal_distribution<double> noise(0, 0.1);
  for (const double target : {0.6, 0.8, 0.95})
    for (const double start : {1e-4, 1.0, 1e3}) {
      // Acceptance exp(-step): its target is met by -log(target).
      DualAveraging steps(target, start);
      CHECK(steps.averaged() == doctest::Approx(start));
      for (int i = 0; i < 3000; ++i) steps.update(std::exp(-steps.step()) + noise(generator));
      CHECK(steps.averaged() == doctest::Approx(-std::log(target)).epsilon(0.15));
    }
}

TEST_CASE("adapt: paths grow to the top of the criterion and stay within their bounds") {
  PathLength path(0.1);
  for (int i = 0; i < 1000; ++i) path.update(2.5 - path.length(), 0.01, 100);
  CHECK(path.averaged() == doctest::Approx(2.5).epsilon(0.05));
  path.restart(1.25);
  CHECK(path.length() == doctest::Approx(1.25).epsilon(0.05));
  for (int i = 0; i < 1000; ++i) path.update(1, 0.01, 2);
  CHECK(path.length() == doctest::Approx(2));
  for (int i = 0; i < 1000; ++i) path.update(-1, 0.5, 2);
  CHECK(path.length() == doctest::Approx(0.5));
  path.update(NAN, 0.5, 2);
  CHECK(path.length() == doctest::Approx(0.5));
}

TEST_CASE("adapt: pooled moments are those of all draws together") {
  // Draws 0 to 99 in batches of 10, shifted far away.
  PooledMoments moments(1);
  for (int batch = 0; batch < 10; ++batch) {
    const double mean = 1e6 + batch * 10 + 4.5, m2 = 82.5;
    moments.add(10, {&mean, 1}, {&m2, 1});
  }
  CHECK(moments.count() == 100);
  CHECK(moments.mean()[0] == doctest::Approx(1e6 + 49.5).epsilon(1e-14));
  const double variance = 99990.0 / 12 * 100 / 99 / 10;  // of 0 to 99
  CHECK(moments.regularised_variance()[0] == doctest::Approx(100.0 / 105 * variance + 5.0 / 105 * 1e-3).epsilon(1e-9));
  moments.clear();
  CHECK(moments.count() == 0);
}

TEST_CASE("adapt: windows double between a beginning and an end without") {
  const auto ends = [](int64_t warmup) {
    const Windows windows(warmup);
    std::vector<int64_t> list;
    for (int64_t i = 0; i < warmup; ++i)
      if (windows.ends_with(i)) list.push_back(i);
    return list;
  };
  CHECK(ends(1000) == std::vector<int64_t>{99, 149, 249, 449, 949});
  CHECK(ends(150) == std::vector<int64_t>{99});
  CHECK(ends(100) == std::vector<int64_t>{89});
  CHECK(ends(19).empty());
  const Windows windows(1000);
  CHECK_FALSE(windows.learns(74));
  CHECK(windows.learns(75));
  CHECK(windows.learns(949));
  CHECK_FALSE(windows.learns(950));
}

TEST_CASE("adaptation: a warm-up of normal coordinates learns their scales and a step that is accepted") {
  // Acceptance is a function of the step beside the scale; chains are drawn from the target.
  const double sd[] = {0.01, 1, 30};
  Adaptation adaptation({.chains = 100, .coordinates = 3, .warmup = 300, .target_accept = 0.8});
  CHECK(adaptation.phase() == Adaptation::Phase::kSearch);
  std::mt19937 generator(2);
  std::normal_distribution<double> normal;
  int changes = 0, searched = 0;
  while (adaptation.phase() != Adaptation::Phase::kDraw) {
    if (adaptation.phase() == Adaptation::Phase::kSearch) {
      ++searched;
      CHECK(adaptation.steps() == 1);
    }
    CHECK(adaptation.learns());
    double relative = 0;
    for (size_t i = 0; i < 3; ++i)
      relative = std::fmax(relative, adaptation.step_size() * std::sqrt(adaptation.inverse_mass()[i]) / sd[i]);
    const double acceptance = std::exp(-relative / 4);
    Observation seen{.acceptance = 100 * acceptance,
                     .inverse_acceptance = 100 / std::fmax(acceptance, 0.01),
                     .above = acceptance > 0.8 ? 100.0 : 0.0,
                     .awake = 100,
                     .counting = 100,
                     .path_weight = 100 * acceptance};
    // The best path: a quarter turn of the slowest coordinate.
    double slowest = 0;
    for (size_t i = 0; i < 3; ++i) slowest = std::fmax(slowest, sd[i] / std::sqrt(adaptation.inverse_mass()[i]));
    seen.path_gradient = 100 * (1.5 * slowest - adaptation.path_length());
    for (const double scale : sd) {
      double sum = 0, squares = 0;
      for (int c = 0; c < 100; ++c) {
        const double x = 5 + scale * normal(generator);
        sum += x;
        squares += x * x;
      }
      seen.mean.push_back(sum / 100);
      seen.m2.push_back(squares - sum * sum / 100);
    }
    if (adaptation.advance(seen)) ++changes;
  }
  CHECK(searched > 2);
  CHECK(changes == 3);
  for (size_t i = 0; i < 3; ++i) {
    CHECK(std::sqrt(adaptation.inverse_mass()[i]) == doctest::Approx(sd[i]).epsilon(0.05));
    CHECK(adaptation.centre()[i] == doctest::Approx(5).epsilon(sd[i]));
  }
  CHECK(adaptation.step_size() == doctest::Approx(-4 * std::log(0.8)).epsilon(0.1));
  CHECK(adaptation.path_length() == doctest::Approx(1.5).epsilon(0.4));
  CHECK_FALSE(adaptation.learns());
}

// The step that a warm-up of four chains of one normal coordinate learns, of which the last cannot move any more from
// iteration |dead_from| on (of the search and the warm-up together).
double step_with_a_dead_chain(int dead_from) {
  Adaptation adaptation({.chains = 4, .coordinates = 1, .warmup = 500});
  for (int n = 0; adaptation.phase() != Adaptation::Phase::kDraw; ++n) {
    const bool dead = n >= dead_from;
    const bool awake = !dead || n < dead_from + static_cast<int>(rest_limit(500));
    const bool counts = awake && dead_from > 0;
    const double chance = std::exp(-adaptation.step_size() * std::sqrt(adaptation.inverse_mass()[0]) / 4);
    Observation seen;
    seen.acceptance = 3 * chance + (dead ? 0 : chance);
    seen.above = chance > 0.8 ? (dead ? 3 : 4) : 0;
    seen.counting = counts ? 4 : 3;
    const double sound = 1 / std::fmax(chance, kLeastAcceptance);
    seen.inverse_acceptance = 3 * sound + (dead ? 1 / kLeastAcceptance : sound);
    seen.awake = awake ? 4 : 3;
    seen.awake_inverse = awake ? seen.inverse_acceptance : 3 * sound;
    seen.path_weight = seen.acceptance;
    seen.mean = {0};
    seen.m2 = {seen.counting};
    adaptation.advance(seen);
  }
  return adaptation.step_size();
}

TEST_CASE("one chain of four that cannot move, from the start or later, leaves the others their step size" *
          doctest::test_suite("truth")) {
  const double sound = step_with_a_dead_chain(1 << 20);
  CHECK(sound == doctest::Approx(-4 * std::log(0.8)).epsilon(0.1));
  for (const int from : {0, 30, 150}) CHECK(step_with_a_dead_chain(from) == doctest::Approx(sound).epsilon(0.2));
}

TEST_CASE("adaptation: what is given stays, and paths have the lengths that the sequence says") {
  Adaptation adaptation({.chains = 4,
                         .coordinates = 1,
                         .warmup = 10,
                         .step_size = 0.25,
                         .path_length = 4,
                         .inverse_mass = {2},
                         .jitter = 0.5,
                         .max_steps = 14});
  CHECK(adaptation.phase() == Adaptation::Phase::kWarmup);
  CHECK_FALSE(adaptation.learns());
  const uint32_t wanted[] = {12, 10, 14, 9};  // 16 less half of what is left of 1/2, 1/4, 3/4, 1/8
  for (const uint32_t steps : wanted) {
    CHECK(adaptation.steps() == steps);
    CHECK_FALSE(adaptation.advance({}));
  }
  for (int i = 0; i < 6; ++i) adaptation.advance({});
  CHECK(adaptation.phase() == Adaptation::Phase::kDraw);
  CHECK(adaptation.steps() == 12);
  CHECK(adaptation.step_size() == 0.25);
  CHECK(adaptation.inverse_mass() == std::vector<double>{2});
}

}  // namespace gpu_node::chain
