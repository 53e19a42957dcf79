// What holds of every sampler, whatever the model: it does what the oracle does; seeds, slices, company, batches,
// mappings; what is counted, and what is refused.
#include <doctest/doctest.h>

#include <chrono>
#include <cmath>
#include <numeric>
#include <thread>

#include "gpu/device.h"
#include "gpu/sampler_host.h"

namespace gpu_node::test {
namespace {

using chain::SamplerOptions;

ChainCase normal(int64_t d) {
  return {"normal", {.parameters = {{"mu", 0.3}, {"sigma", 1.7}}, .dimensions = {{"d", d}}}};
}

bool same(const Samples& a, const Samples& b) {
  return a.draws == b.draws && a.logp == b.logp && a.energy == b.energy && a.draw_diverged == b.draw_diverged &&
         a.never_moved == b.never_moved && a.mean[0] == b.mean[0] && a.mean[1] == b.mean[1] && a.m2[0] == b.m2[0] &&
         a.m2[1] == b.m2[1] && a.acceptance == b.acceptance && a.position == b.position &&
         a.divergences == b.divergences;
}

void check_near(const std::vector<double>& found, const std::vector<double>& wanted, double tolerance) {
  REQUIRE(found.size() == wanted.size());
  double most = 0;
  for (size_t i = 0; i < found.size(); ++i) {
    const double off = std::fabs(found[i] - wanted[i]) / std::fmax(1, std::fabs(wanted[i]));
    most = std::isnan(off) ? INFINITY : std::fmax(most, off);
  }
  CHECK(most <= tolerance);
}

// Chain |c|'s part of a list that has the same for each.
std::vector<double> part(const std::vector<double>& list, int64_t chains, int64_t c) {
  const auto size = static_cast<ptrdiff_t>(list.size()) / chains;
  return {list.begin() + c * size, list.begin() + (c + 1) * size};
}

}  // namespace

TEST_CASE("sampler: it does what the oracle does, number by number") {
  std::vector<ChainCase> cases;
  cases.push_back(normal(1));
  cases.push_back(normal(65));
  cases.push_back(example_case("eight_schools_noncentered"));
  cases.push_back(example_case("regime_mixture"));
  for (const ChainCase& chains : cases)
    for (const auto mapping : mappings()) {
      CAPTURE(chains.family.name);
      SamplerOptions options{.chains = 5,
                             .warmup = 3,
                             .draws = 6,
                             .thin = 2,
                             .seed = 42,
                             .path_length = 0.6,
                             .step_size = 0.1,
                             .mapping = mapping};
      for (size_t i = 0; i < chains.coordinates(); ++i)
        options.inverse_mass.push_back(0.5 + static_cast<double>(i % 3) / 2);
      const Samples found = sample(model_of(chains, Dtype::f64), options);
      const Samples wanted = sample_on_host(chains, options);
      REQUIRE(found.draws.size() == wanted.draws.size());
      for (size_t v = 0; v < found.draws.size(); ++v) check_near(found.draws[v], wanted.draws[v], 1e-9);
      check_near(found.logp, wanted.logp, 1e-9);
      check_near(found.energy, wanted.energy, 1e-9);
      CHECK(found.draw_diverged == wanted.draw_diverged);
      CHECK(found.never_moved == wanted.never_moved);
      check_near(found.acceptance, wanted.acceptance, 1e-9);
      check_near(found.position, wanted.position, 1e-9);
      CHECK(found.divergences == wanted.divergences);
      CHECK(found.step_size == 0.1);
      CHECK(found.path_length == 0.6);
      CHECK(found.inverse_mass == options.inverse_mass);
    }
}

TEST_CASE("sampler: rejected and divergent paths are those of the oracle") {
  const ChainCase chains("eight_schools_centered", {});
  const SamplerOptions options{.chains = 40, .warmup = 0, .draws = 10, .seed = 3, .path_length = 4, .step_size = 1.4};
  const Samples found = sample(model_of(chains, Dtype::f64), options);
  const Samples wanted = sample_on_host(chains, options);
  CHECK(found.divergences == wanted.divergences);
  CHECK(found.diverged() > 20);
  CHECK(found.diverged() < 390);
  check_near(found.position, wanted.position, 1e-6);
  check_near(found.acceptance, wanted.acceptance, 1e-6);
}

TEST_CASE("sampler: when no path ends, each is counted and nobody moves") {
  const ChainCase chains = normal(2);
  const std::vector<double> start = {0.5, -1, 2, 0.25};
  for (const Dtype dtype : {Dtype::f32, Dtype::f64}) {
    SamplerOptions options{.chains = 2, .warmup = 0, .draws = 5, .path_length = 1e9, .max_steps = 40, .step_size = 1e6};
    options.position = dtype == Dtype::f64 ? upload(device(), start)
                                           : upload(device(), std::vector<float>(start.begin(), start.end()));
    const Samples found = sample(model_of(chains, dtype), options);
    CHECK(found.divergences == std::vector<uint32_t>{5, 5});
    CHECK(found.position == start);
    CHECK(found.acceptance == std::vector<double>{0, 0});
    CHECK(found.progress.divergences == 10);
    CHECK(found.never_moved == std::vector<uint8_t>{1, 1});
    CHECK(found.unmoved == 2);
    CHECK(found.draw_diverged == std::vector<uint8_t>(10, 1));
  }
}

TEST_CASE("sampler: with steps that are far from exact a normal target keeps its mean and variance") {
  for (const Dtype dtype : {Dtype::f32, Dtype::f64}) {
    const SamplerOptions options{
        .chains = 512, .warmup = 50, .draws = 400, .seed = 1, .path_length = 4, .step_size = 2.5};
    const Samples samples = sample(model_of(normal(3), dtype), options);
    CHECK(samples.acceptance[0] < 0.9);
    for (size_t i = 0; i < 3; ++i) {
      const Estimate found = estimate(samples, options, i);
      CHECK(std::fabs(found.mean - 0.3) < 4 * found.error);
      CHECK(std::fabs(found.sd / 1.7 - 1) < 4 * found.error);  // of the order of sd / sqrt(2 n)
      CHECK(found.r_hat < 1.01);
    }
  }
}

TEST_CASE("sampler: the seed decides, not the slices, the batches, the mapping or who else is there") {
  const ChainCase chains("eight_schools_noncentered", {});
  for (const Dtype dtype : {Dtype::f32, Dtype::f64}) {
    const auto model = model_of(chains, dtype);
    SamplerOptions options{.chains = 70, .warmup = 5, .draws = 12, .seed = 9, .path_length = 1, .step_size = 0.3};
    const Samples once = sample(model, options);
    CHECK(same(once, sample(model, options)));
    for (const double aim_ms : {1e-6, 1e6}) CHECK(same(once, sample(model, options, aim_ms)));
    options.most_chains = 16;
    CHECK(same(once, sample(model, options)));
    options.most_chains = 0;
    for (const auto mapping : mappings()) {
      options.mapping = mapping;
      CHECK(same(once, sample(model, options)));
    }
    options.mapping = {};
    for (const int64_t fewer : {1, 33}) {
      options.chains = fewer;
      const Samples few = sample(model, options);
      for (const int64_t c : {int64_t{0}, fewer - 1}) {
        for (size_t v = 0; v < few.draws.size(); ++v) CHECK(part(few.draws[v], fewer, c) == part(once.draws[v], 70, c));
        CHECK(part(few.mean[1], fewer, c) == part(once.mean[1], 70, c));
      }
    }
    options.chains = 70;
    options.seed = uint64_t{9} << 32;
    CHECK_FALSE(same(once, sample(model, options)));
  }
}

TEST_CASE("sampler: what the warm-up learns does not depend on slices") {
  const auto model = model_of(normal(5), Dtype::f64);
  SamplerOptions options{.chains = 40, .warmup = 60, .draws = 5, .seed = 4};
  const Samples once = sample(model, options);
  CHECK(once.progress.phase == chain::SamplerProgress::Phase::kDone);
  for (const double m : once.inverse_mass) CHECK(m == doctest::Approx(1.7 * 1.7).epsilon(0.25));
  const Samples again = sample(model, options, 1e6);
  CHECK(same(once, again));
  CHECK(once.step_size == again.step_size);
  CHECK(once.inverse_mass == again.inverse_mass);
}

TEST_CASE("sampler: a path longer than a dispatch can run is cut") {
  const ChainCase chains = normal(300);
  const auto whole = model_of(chains, Dtype::f64);
  auto made = chain::DeviceModel::make(device(), chains.family.program, chains.binding, Dtype::f64, 100);
  REQUIRE(made.ok());
  for (const double aim_ms : {jobs::kSliceMs, 1e-6}) {
    SamplerOptions options{.chains = 3,
                           .warmup = 0,
                           .draws = 4,
                           .path_length = 2,
                           .step_size = 0.1,
                           .mapping = chain::Mapping::kWorkgroup};
    CHECK(same(sample(whole, options), sample(*made, options, aim_ms)));
  }
}

TEST_CASE("sampler: a hundred thousand coordinates, and more chains than a workgroup has lanes") {
  const SamplerOptions one{.chains = 1, .warmup = 40, .draws = 3, .seed = 6, .path_length = 2};
  const Samples wide = sample(model_of(normal(100'000), Dtype::f32), one);
  CHECK(wide.acceptance[0] > 0.3);
  // All coordinates of a chain are draws of one number.
  double mean = 0, square = 0;
  for (const double x : wide.position) {
    mean += x / 1e5;
    square += x * x / 1e5;
  }
  CHECK(mean == doctest::Approx(0.3).epsilon(0.1));
  CHECK(std::sqrt(square - mean * mean) == doctest::Approx(1.7).epsilon(0.05));
  const SamplerOptions many{.chains = 20'000, .warmup = 40, .draws = 4, .seed = 7};
  const Samples broad = sample(model_of(normal(2), Dtype::f32), many);
  for (const double m : broad.inverse_mass) CHECK(m == doctest::Approx(1.7 * 1.7).epsilon(0.02));
  CHECK(broad.diverged() == 0);
}

TEST_CASE("sampler: moments are those of the draws, which need not be kept") {
  const ChainCase chains("gamma", {.parameters = {{"alpha", 3}, {"beta", 2}}, .dimensions = {{"d", 2}}});
  for (const bool constrained : {true, false}) {
    const auto model = model_of(chains, Dtype::f64);
    SamplerOptions options{
        .chains = 3, .warmup = 2, .draws = 7, .path_length = 1, .step_size = 0.3, .constrained = constrained};
    const Samples samples = sample(model, options);
    REQUIRE(samples.half == 3);
    REQUIRE(samples.draws.size() == 1);
    for (size_t half = 0; half < 2; ++half)
      for (size_t c = 0; c < 3; ++c)
        for (size_t i = 0; i < 2; ++i) {
          double mean = 0, m2 = 0;
          const auto draw = [&](size_t n) { return samples.draws[0][(c * 7 + half * 4 + n) * 2 + i]; };
          for (size_t n = 0; n < 3; ++n) mean += draw(n) / 3;
          for (size_t n = 0; n < 3; ++n) m2 += (draw(n) - mean) * (draw(n) - mean);
          CHECK(samples.mean[half][c * 2 + i] == doctest::Approx(mean).epsilon(1e-12));
          CHECK(samples.m2[half][c * 2 + i] == doctest::Approx(m2).epsilon(1e-12));
          if (constrained) CHECK(draw(0) > 0);
        }
    options.keep_draws = false;
    const Samples without = sample(model, options);
    CHECK(without.draws.empty());
    CHECK(without.logp.empty());
    CHECK(without.energy.empty());
    CHECK(without.draw_diverged.empty());
    CHECK(without.never_moved == std::vector<uint8_t>{0, 0, 0});
    CHECK(without.mean[0] == samples.mean[0]);
    CHECK(without.m2[1] == samples.m2[1]);
  }
}

TEST_CASE("sampler: moments in f32 keep their digits where the numbers are large" * doctest::test_suite("truth")) {
  constexpr int64_t kChains = 8, kDraws = 6000;
  const ChainCase chains("normal", {.parameters = {{"mu", 1e6}, {"sigma", 1}}, .dimensions = {{"d", 1}}});
  const std::vector<float> near(kChains, 1e6F);
  for (const auto mapping : mappings()) {
    SamplerOptions options{.chains = kChains, .warmup = 0, .draws = kDraws, .path_length = 1.5, .step_size = 0.5};
    options.position = upload(device(), near);
    options.mapping = mapping;
    const Samples found = sample(model_of(chains, Dtype::f32), options);
    REQUIRE(found.half == kDraws / 2);
    for (size_t half = 0; half < 2; ++half)
      for (int64_t c = 0; c < kChains; ++c) {
        const std::vector<double> draws = part(found.draws[0], kChains, c);
        const auto begin = draws.begin() + static_cast<ptrdiff_t>(half) * found.half, end = begin + found.half;
        const double mean = std::accumulate(begin, end, 0.0) / static_cast<double>(found.half);
        double m2 = 0;
        for (auto draw = begin; draw != end; ++draw) m2 += (*draw - mean) * (*draw - mean);
        // Half of what lies between two numbers of f32 there.
        CHECK(std::fabs(found.mean[half][c] - mean) <= 0.0313);
        CHECK(std::sqrt(found.m2[half][c]) == doctest::Approx(std::sqrt(m2)).epsilon(1e-5));
      }
    const Estimate all = estimate(found, options, 0);
    CHECK(std::fabs(all.mean - 1e6) < 0.1);
    CHECK(all.sd == doctest::Approx(1).epsilon(0.02));
  }
}

TEST_CASE("sampler: what it works in is asked for before it is taken, and where it may not be, nothing is") {
  const auto model = model_of(normal(50), Dtype::f32);
  const SamplerOptions options{.chains = 64, .warmup = 10, .draws = 4, .seed = 5, .keep_draws = false};
  device().recorder().collect();
  const uint64_t live = device().counters().live_bytes;
  uint64_t asked = 0, live_then = 0;
  const auto pay = [&](uint64_t bytes) -> Result<void> {
    asked = bytes;
    live_then = device().counters().live_bytes;
    return {};
  };
  {
    const auto sampler = chain::Sampler::start(device(), model, options, pay);
    REQUIRE(sampler.ok());
    const auto waits = [&] {
      const auto next = (*sampler)->record({});
      REQUIRE(next.ok());
      return *next == jobs::Next::kWait;
    };
    while (waits()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    // Two means, two sums of squares, the position; acceptance and divergences; which chains never moved.
    const uint64_t results = (5 * 50 + 2) * 64 * sizeof(float) + 64;
    const uint64_t taken = device().counters().live_bytes - live;
    CHECK(live_then == live);
    CHECK(asked > 64 * 50 * 6 * sizeof(float));  // position and gradient, of now and of the path, and moments
    if (device().info().unified_memory) {        // else the sums lie in the host's memory
      CHECK(taken >= asked + results);
      CHECK(taken <= (asked + results) * 9 / 8 + 32 * 256);  // sizes are rounded up
    }
  }
  const auto broke = [](uint64_t bytes) { return Result<void>(Error{ErrorCode::kQuota, std::to_string(bytes)}); };
  const auto refused = chain::Sampler::start(device(), model, options, broke);
  REQUIRE(!refused.ok());
  CHECK(refused.error().code == ErrorCode::kQuota);
  CHECK(refused.error().message == std::to_string(asked));
  CHECK(device().counters().live_bytes == live);
}

TEST_CASE("sampler: progress counts iterations and steps, and a sampler may be dropped under way") {
  const auto model = model_of(normal(2), Dtype::f32);
  const SamplerOptions options{.chains = 4, .warmup = 30, .draws = 20, .seed = 5};
  const uint64_t live = device().counters().live_bytes;
  {
    const auto sampler = start_sampler(model, options);
    using Phase = chain::SamplerProgress::Phase;
    CHECK(sampler->progress().phase == Phase::kSearch);
    chain::SamplerProgress last = sampler->progress();
    double ms = 0;
    for (;;) {
      auto next = sampler->record({.took_ms = ms, .aim_ms = 1e-3});
      REQUIRE(next.ok());
      if (*next == jobs::Next::kDone) break;
      if (*next == jobs::Next::kSubmit) finish(device());
      ms = 1;
      const chain::SamplerProgress now = sampler->progress();
      CHECK(now.phase >= last.phase);
      if (now.phase == last.phase) CHECK(now.iteration >= last.iteration);
      CHECK(now.leapfrog_steps >= last.leapfrog_steps);
      if (now.phase == Phase::kWarmup) CHECK(now.iterations == 30);
      if (now.phase == Phase::kDraw) CHECK(now.iterations == 20);
      last = now;
    }
    CHECK(sampler->last());
    CHECK(sampler->progress().iteration == 20);
    CHECK(sampler->progress().acceptance > 0.5);
  }
  {
    const auto dropped = start_sampler(model, options);
    for (int i = 0; i < 5; ++i) {
      REQUIRE(dropped->record({.took_ms = 1, .aim_ms = 1e-3}).ok());
      finish(device());
    }
  }
  finish(device());
  device().recorder().collect();
  CHECK(device().counters().live_bytes == live);
}

TEST_CASE("sampler: options that make no sense are refused with their values") {
  const auto model = model_of(normal(2), Dtype::f32);
  const auto refused = [&](SamplerOptions options, const char* words) {
    const auto sampler = chain::Sampler::start(device(), model, options);
    REQUIRE_FALSE(sampler.ok());
    CHECK(sampler.error().code == ErrorCode::kInvalidArgument);
    CAPTURE(sampler.error().message);
    CHECK(sampler.error().message.find(words) != std::string::npos);
  };
  refused({.chains = 0}, "chains is 0");
  refused({.chains = (int64_t{1} << 30) + 1}, "chains is 1073741825");
  refused({.warmup = -1}, "warmup is -1");
  refused({.draws = 0}, "draws is 0");
  refused({.draws = 1 << 20, .thin = 1 << 20}, "thin is 1048576");
  refused({.max_steps = 0}, "max_steps is 0");
  refused({.step_size = -1.0}, "step_size is -1");
  refused({.path_length = NAN}, "path_length is nan; 1e-30 to 1e+30 is possible in f32");
  refused({.jitter = 1.5}, "jitter is 1.5; 0 to 1");
  refused({.target_accept = 1}, "target_accept is 1; what lies between 0 and 1");
  refused({.warmup = 0}, "without warmup");
  refused({.inverse_mass = {1, 2, 3}}, "inverse_mass has 3 numbers");
  refused({.inverse_mass = {1, 0}}, "number 1 of inverse_mass");
  SamplerOptions elsewhere{.chains = 3};
  elsewhere.position = upload(device(), std::vector<float>(4));
  refused(elsewhere, "position has 16 bytes, not the 24");
  const auto large = chain::Sampler::start(device(), model, {.chains = 1 << 20, .draws = 1 << 30});
  REQUIRE_FALSE(large.ok());
  CHECK(large.error().code == ErrorCode::kUnsupported);
  // The largest of its buffers is the first that is asked for.
  const uint64_t live = device().counters().live_bytes;
  const auto many = chain::Sampler::start(device(), model, {.chains = 1 << 30, .draws = 1});
  REQUIRE_FALSE(many.ok());
  CAPTURE(many.error().message);
  CHECK((many.error().code == ErrorCode::kUnsupported || many.error().code == ErrorCode::kOutOfMemory));
  CHECK(many.error().message.find("8589934592") != std::string::npos);
  CHECK(device().counters().live_bytes == live);
}

}  // namespace gpu_node::test
