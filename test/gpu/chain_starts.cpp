// Promises of the sampler: where chains start, what happens to those that cannot, and to those that cannot move.
#include <doctest/doctest.h>

#include <cmath>
#include <thread>

#include "gpu/device.h"
#include "gpu/sampler_host.h"

namespace gpu_node::test {
namespace {

using chain::Mapping;
using chain::SamplerOptions;

// y is normal, x has the log density |term|.
ChainCase with_term(const std::string& term) {
  const std::string text = R"({"name": "made_up", "variables": [{"name": "x"}, {"name": "y"}],
    "terms": [{"expression": "-0.5 * y^2"}, {"expression": ")" +
                           term + R"("}]})";
  return {must(chain::parse_family(text, "made_up.json")), {}};
}

vulkan::BufferRef start_at(const std::vector<double>& numbers, Dtype dtype) {
  if (dtype == Dtype::f64) return upload(device(), numbers);
  return upload(device(), std::vector<float>(numbers.begin(), numbers.end()));
}

// How a run ends that must not come to its draws.
std::string refused(const std::shared_ptr<chain::DeviceModel>& model, const SamplerOptions& options) {
  const auto sampler = start_sampler(model, options);
  for (;;) {
    const auto next = sampler->record({});
    if (!next.ok()) {
      CHECK(next.error().code == ErrorCode::kInvalidArgument);
      return next.error().message;
    }
    REQUIRE(*next != jobs::Next::kDone);
    if (*next == jobs::Next::kSubmit)
      finish(device());
    else
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

bool has(const std::string& text, const char* words) { return text.find(words) != std::string::npos; }

ChainCase gamma() { return {"gamma", {.parameters = {{"alpha", 3}, {"beta", 2}}, .dimensions = {{"d", 1}}}}; }

}  // namespace

TEST_CASE("chains without a finite density anywhere are an error with chain, coordinates and term" *
          doctest::test_suite("truth")) {
  const ChainCase chains = with_term("log(x - 10)");
  for (const Dtype dtype : {Dtype::f32, Dtype::f64})
    for (const auto mapping : mappings()) {
      const std::string said = refused(model_of(chains, dtype), {.chains = 4, .mapping = mapping, .most_chains = 64});
      CAPTURE(said);
      CHECK(has(said, "chain 0, as 3 more of 4, has no finite log density and gradient at any of 100 random starts"));
      CHECK(has(said, "x = "));
      CHECK(has(said, "y = "));
      CHECK(has(said, "term 1, 'log(x - 10)', is nan"));
    }
}

TEST_CASE("a start without a finite density is drawn again, as the oracle does" * doctest::test_suite("truth")) {
  const ChainCase chains = with_term("log(x - 1.5) - 0.5 * x^2");
  SamplerOptions options{.chains = 70, .warmup = 0, .draws = 3, .seed = 8, .path_length = 0.12, .step_size = 0.05};
  const Samples wanted = sample_on_host(chains, options);
  for (const int64_t most : {0, 32}) {
    options.most_chains = most;
    const Samples found = sample(model_of(chains, Dtype::f64), options);
    REQUIRE(found.position.size() == wanted.position.size());
    double off = 0;
    for (size_t i = 0; i < wanted.position.size(); ++i)
      off = std::fmax(off, std::fabs(found.position[i] - wanted.position[i]));
    CHECK(off < 1e-9);
    for (size_t i = 0; i < found.position.size(); i += 2) CHECK(found.position[i] > 1.5);
  }
}

TEST_CASE("a given start that is not finite, or has no finite density or gradient, is named" *
          doctest::test_suite("truth")) {
  const ChainCase normal("normal", {.parameters = {{"mu", 0.3}, {"sigma", 1.7}}, .dimensions = {{"d", 2}}});
  for (const Dtype dtype : {Dtype::f32, Dtype::f64}) {
    SamplerOptions options{.chains = 3};
    options.position = start_at({0, 1, 2, NAN, 3, 4}, dtype);
    const std::string odd = refused(model_of(normal, dtype), options);
    CAPTURE(odd);
    CHECK(has(odd, "chain 1 cannot start where it is given: coordinate x[1] is nan"));
    options.position = start_at({0, 1, 2, 3, -INFINITY, 4}, dtype);
    CHECK(has(refused(model_of(normal, dtype), options),
              "chain 2 cannot start where it is given: coordinate x[0] is -inf"));
    options.position = start_at({0, 1, 2, 3, 4, dtype == Dtype::f32 ? 1e30 : 1e200}, dtype);
    const std::string far = refused(model_of(normal, dtype), options);
    CAPTURE(far);
    CHECK(has(far, "chain 2"));
    CHECK(has(far, "term 0"));
    CHECK(has(far, dtype == Dtype::f32 ? "beyond what f32 holds" : "is -inf"));
  }
  // The density is 0 at 0, its slope is not finite.
  const ChainCase steep = with_term("-sqrt(abs(x))");
  SamplerOptions options{.chains = 2};
  options.position = start_at({1, 1, 0, 1}, Dtype::f64);
  const std::string said = refused(model_of(steep, Dtype::f64), options);
  CAPTURE(said);
  CHECK(has(said, "chain 1"));
  CHECK(has(said, "its terms are finite, but the derivative by x is"));
}

TEST_CASE("a chain of four that cannot move leaves the others their steps, and is told" *
          doctest::test_suite("truth")) {
  for (const Dtype dtype : {Dtype::f32, Dtype::f64}) {
    const auto model = model_of(gamma(), dtype);
    SamplerOptions options{.chains = 4, .warmup = 400, .draws = 400, .seed = 5};
    const Samples sound = sample(model, options);
    CHECK(sound.never_moved == std::vector<uint8_t>{0, 0, 0, 0});
    // So far out that its gradient throws it out of the numbers.
    options.position = start_at({0.1, dtype == Dtype::f32 ? 85.0 : 600.0, 0.2, 0.3}, dtype);
    const Samples stuck = sample(model, options);
    CAPTURE(stuck.step_size);
    CAPTURE(sound.step_size);
    // In f32, where it is nearer, the short steps that are tried on its account bring it home.
    const bool home = dtype == Dtype::f32;
    CHECK(int{stuck.never_moved[1]} == (home ? 0 : 1));
    CHECK(stuck.unmoved == (home ? 0u : 1u));
    CHECK(stuck.divergences[1] == (home ? 0u : 400u));
    CHECK((std::fabs((stuck.mean[0][1] + stuck.mean[1][1]) / 2 - 1.5) < 0.3) == home);
    CHECK(stuck.step_size / sound.step_size == doctest::Approx(1).epsilon(0.5));
    CHECK(stuck.inverse_mass[0] / sound.inverse_mass[0] == doctest::Approx(1).epsilon(0.5));
    for (const size_t c : {0, 2, 3}) {
      CHECK(stuck.acceptance[c] > 0.6);
      CHECK((stuck.mean[0][c] + stuck.mean[1][c]) / 2 == doctest::Approx(1.5).epsilon(0.2));
    }
  }
}

TEST_CASE("few chains of many that start too far out come home with steps of their own" *
          doctest::test_suite("truth")) {
  const auto runs = {std::pair(Dtype::f64, Mapping::kThread), std::pair(Dtype::f32, Mapping::kThread),
                     std::pair(Dtype::f32, Mapping::kWorkgroup)};
  for (const auto& [dtype, mapping] : runs) {
    const auto model = model_of(gamma(), dtype);
    SamplerOptions options{.chains = 100, .warmup = 300, .draws = 100, .seed = 5, .mapping = mapping};
    const Samples sound = sample(model, options);
    std::vector<double> position(100);
    for (size_t c = 0; c < position.size(); ++c) position[c] = 0.1 + 0.001 * static_cast<double>(c);
    position[70] = 30;
    options.position = start_at(position, dtype);
    const Samples far = sample(model, options);
    CAPTURE(far.step_size);
    CAPTURE(sound.step_size);
    CHECK(far.unmoved == 0);
    CHECK(far.step_size / sound.step_size == doctest::Approx(1).epsilon(0.2));
    CHECK(far.inverse_mass[0] / sound.inverse_mass[0] == doctest::Approx(1).epsilon(0.2));
    for (const size_t c : {0, 70}) {
      CHECK(far.acceptance[c] > 0.6);
      CHECK((far.mean[0][c] + far.mean[1][c]) / 2 == doctest::Approx(1.5).epsilon(0.25));
    }
  }
}

TEST_CASE("a path that leaves the numbers is a divergence, never a draw of infinity" * doctest::test_suite("truth")) {
  const ChainCase chains = with_term("logsigmoid(x)");
  SamplerOptions options{.chains = 8, .warmup = 0, .draws = 20, .path_length = 1e30, .max_steps = 1, .step_size = 1e30};
  options.inverse_mass = {1e10, 1e-30};
  std::vector<double> start;
  for (int c = 0; c < 8; ++c) start.insert(start.end(), {200, 0});
  options.position = start_at(start, Dtype::f32);
  const Samples found = sample(model_of(chains, Dtype::f32), options);
  for (const double x : found.draws[0]) CHECK(std::isfinite(x));
  CHECK(found.diverged() == 160);
  CHECK(found.progress.divergences == 160);
  CHECK(found.unmoved == 8);
}

TEST_CASE("numbers that a type has no room for are refused with key, bounds and value" * doctest::test_suite("truth")) {
  const auto model = model_of(gamma(), Dtype::f64);
  const auto said = [&](const SamplerOptions& options) {
    const auto sampler = chain::Sampler::start(device(), model, options);
    return sampler.ok() ? std::string() : sampler.error().message;
  };
  CHECK(said({.step_size = 1e308}) == "step_size is 1e+308; 1e-200 to 1e+200 is possible in f64");
  CHECK(said({.step_size = 0}) == "step_size is 0; 1e-200 to 1e+200 is possible in f64");
  CHECK(said({.path_length = 1e308}) == "path_length is 1e+308; 1e-200 to 1e+200 is possible in f64");
  CHECK(said({.inverse_mass = {1e-320}}).starts_with("number 0 of inverse_mass is 1e-320; 1e-200 to 1e+200"));
}

TEST_CASE("reports of the search count its attempts, and those of a phase its divergences" *
          doctest::test_suite("truth")) {
  const auto sampler = start_sampler(model_of(ChainCase("eight_schools_centered", {}), Dtype::f64),
                                     {.chains = 16, .warmup = 20, .draws = 20, .seed = 5, .target_accept = 0.6});
  using Phase = chain::SamplerProgress::Phase;
  int64_t attempts = 0;
  for (;;) {
    auto next = sampler->record({.took_ms = 1, .aim_ms = 1e-3});
    REQUIRE(next.ok());
    if (*next == jobs::Next::kDone) break;
    if (*next == jobs::Next::kSubmit) finish(device());
    const chain::SamplerProgress now = sampler->progress();
    // The count of a phase is the sum over chains of paths, of which there are no more.
    CHECK(now.divergences <= static_cast<uint64_t>(16 * std::max<int64_t>(now.iteration, 1)));
    if (now.phase != Phase::kSearch) continue;
    CHECK(now.iterations == 0);
    CHECK(now.iteration >= attempts);
    attempts = now.iteration;
    if (attempts > 0) CHECK(now.acceptance <= 1);
    CHECK(now.step_size > 0);
  }
  CHECK(attempts > 0);
  const Samples found = read_samples(*sampler, Dtype::f64);
  CHECK(found.progress.phase == Phase::kDone);
  CHECK(found.progress.divergences == found.diverged());
}

}  // namespace gpu_node::test
