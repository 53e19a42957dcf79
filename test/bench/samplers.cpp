// Times a sampler of one family on one device: iterations and effective draws per second of the phase of the draws, and
// what an iteration takes beside its leapfrog steps.
//
//   sampler_bench [DEVICE] [FAMILY] [CHAINS] [DRAWS] [WARMUP] [f32|f64] [TARGET [SEED]]
//
// DEVICE: an index or a part of a name ("": the first). FAMILY: a file (specs/families/eight_schools_noncentered.json).
// Effective draws are those of the mean of each coordinate, from how far the chains' means are apart: many chains make
// that certain.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "bench/must.h"
#include "chain/chain_run.h"
#include "chain/family.h"
#include "chain/sampler.h"

namespace gpu_node {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

vulkan::BufferRef filled(vulkan::Device& device, Dtype dtype, size_t count, double value) {
  const auto size = static_cast<size_t>(dtype_size_bytes(dtype));
  const vulkan::BufferRef buffer = must(device.pool().allocate(count * size, vulkan::BufferUse::kUpload, true));
  const auto narrow = static_cast<float>(value);
  for (size_t i = 0; i < count; ++i)
    std::memcpy(buffer->mapped() + i * size, size == 8 ? static_cast<const void*>(&value) : &narrow, size);
  return buffer;
}

std::vector<double> read(vulkan::Device& device, Dtype dtype, const vulkan::BufferRef& buffer) {
  const uint64_t bytes = buffer->size_bytes();
  const vulkan::BufferRef host = must(device.pool().allocate(bytes, vulkan::BufferUse::kDownload));
  must(device.recorder().copy(buffer, 0, host, 0, bytes));
  must(device.recorder().make_host_visible());
  must(device.recorder().wait(must(device.recorder().submit()), Deadline::after_ms(60'000)));
  std::vector<double> numbers(bytes / static_cast<size_t>(dtype_size_bytes(dtype)));
  for (size_t i = 0; i < numbers.size(); ++i) {
    float narrow = 0;
    if (dtype == Dtype::f64)
      std::memcpy(&numbers[i], host->mapped() + i * 8, 8);
    else {
      std::memcpy(&narrow, host->mapped() + i * 4, 4);
      numbers[i] = narrow;
    }
  }
  return numbers;
}

struct Phases {
  double warmup_s = 0, draws_s = 0;
  uint64_t warmup_steps = 0, draw_steps = 0;
  int64_t slices = 0;
};

Phases run(vulkan::Device& device, chain::Sampler& sampler) {
  Phases phases;
  double ms = 0;
  for (;;) {
    const chain::SamplerProgress before = sampler.progress();
    const Clock::time_point start = Clock::now();
    const jobs::Next next = must(sampler.record({.took_ms = ms}));
    if (next == jobs::Next::kDone) return phases;
    const bool waits = next == jobs::Next::kWait;
    if (!waits) {
      const Clock::time_point submitted = Clock::now();
      must(device.recorder().wait(must(device.recorder().submit()), Deadline::after_ms(60'000)));
      device.recorder().collect();
      ms = 1e3 * seconds_since(submitted);
    }
    const bool draws = before.phase == chain::SamplerProgress::Phase::kDraw;
    if (!waits) (draws ? phases.draws_s : phases.warmup_s) += seconds_since(start);
    (draws ? phases.draw_steps : phases.warmup_steps) += sampler.progress().leapfrog_steps - before.leapfrog_steps;
    if (draws) ++phases.slices;
  }
}

double step_us(vulkan::Device& device, const std::shared_ptr<chain::DeviceModel>& model, int64_t chains) {
  const size_t d = model->coordinates();
  chain::ChainRequest request{.chains = chains, .coordinates = static_cast<int64_t>(d), .last_only = true};
  request.position = filled(device, model->dtype(), d * static_cast<size_t>(chains), 0.1);
  request.momentum = filled(device, model->dtype(), d * static_cast<size_t>(chains), 0.3);
  request.inverse_mass = filled(device, model->dtype(), d, 1);
  request.step_size = filled(device, model->dtype(), 1, 0.01);
  double us = 0;
  for (request.steps = 16; us < 300'000; request.steps *= 2) {
    const Clock::time_point start = Clock::now();
    must(chain::run_chains(device, model, request, Deadline::after_ms(300'000)));
    us = 1e6 * seconds_since(start);
  }
  return us / static_cast<double>(request.steps / 2);
}

int run(int argc, char** argv) {
  const auto argument = [&](int i, const char* otherwise) { return argc > i ? argv[i] : otherwise; };
  const auto device = must(vulkan::Device::create({.selector = argument(1, "")}));
  const chain::Family family = must(chain::load_family(argument(2, "specs/families/eight_schools_noncentered.json")));
  const Dtype dtype = std::strcmp(argument(6, "f32"), "f64") == 0 ? Dtype::f64 : Dtype::f32;
  const chain::Binding binding = must(chain::bind(family, family.example ? family.example->inputs : chain::Inputs()));
  const auto model = must(chain::DeviceModel::make(*device, family.program, binding, dtype));
  const chain::SamplerOptions options{.chains = std::atoll(argument(3, "1024")),
                                      .warmup = std::atoll(argument(5, "500")),
                                      .draws = std::atoll(argument(4, "1000")),
                                      .seed = std::strtoull(argument(8, "1"), nullptr, 10),
                                      .target_accept = std::atof(argument(7, "0.8"))};
  const auto sampler = must(chain::Sampler::start(*device, model, options));
  const Phases phases = run(*device, *sampler);
  const chain::SamplerResult& result = sampler->result();
  const chain::SamplerProgress progress = sampler->progress();
  const auto chains = static_cast<size_t>(options.chains);
  const auto steps = static_cast<double>(phases.draw_steps);
  const auto iterations = static_cast<double>(options.draws);
  std::printf("%s, %s, %s, %zu chains, %lld draws\n", device->info().name.c_str(), family.name.c_str(),
              std::string(dtype_info(dtype).name).c_str(), chains, static_cast<long long>(options.draws));
  std::printf("warm-up %.2f s, %.1f steps each; step %.4f, path %.3f, acceptance %.3f, divergences %llu\n",
              phases.warmup_s, static_cast<double>(phases.warmup_steps) / static_cast<double>(options.warmup),
              result.step_size, result.path_length, progress.acceptance,
              static_cast<unsigned long long>(progress.divergences));
  const double iteration_us = 1e6 * phases.draws_s / iterations, one_us = step_us(*device, model, options.chains);
  std::printf(
      "draws %.3f s in %lld slices: %.0f iterations/s, %.2f us each of %.2f steps; a step alone %.2f us: %.2f us "
      "beside\n",
      phases.draws_s, static_cast<long long>(phases.slices), 1e6 / iteration_us, iteration_us, steps / iterations,
      one_us, iteration_us - one_us * steps / iterations);
  const std::vector<double> means[2] = {read(*device, dtype, result.mean[0]), read(*device, dtype, result.mean[1])};
  const std::vector<double> squares[2] = {read(*device, dtype, result.m2[0]), read(*device, dtype, result.m2[1])};
  const size_t d = model->coordinates();
  double least = INFINITY;
  for (size_t i = 0; i < d; ++i) {
    double mean = 0, between = 0, within = 0;
    const auto own = [&](size_t c) { return (means[0][c * d + i] + means[1][c * d + i]) / 2; };
    for (size_t c = 0; c < chains; ++c) mean += own(c) / static_cast<double>(chains);
    for (size_t c = 0; c < chains; ++c) {
      between += (own(c) - mean) * (own(c) - mean) / static_cast<double>(chains - 1);
      within += (squares[0][c * d + i] + squares[1][c * d + i]) /
                (2 * static_cast<double>(chains) * static_cast<double>(result.half - 1));
    }
    const double effective = within / between * static_cast<double>(chains);
    least = std::min(least, effective);
    std::printf("coordinate %zu: mean %.4f sd %.4f, %.0f effective draws\n", i, mean, std::sqrt(within), effective);
    if (i == 19) break;
  }
  std::printf("least: %.3g effective draws, %.3g per second\n", least, least / phases.draws_s);
  return 0;
}

}  // namespace
}  // namespace gpu_node

int main(int argc, char** argv) { return gpu_node::run(argc, argv); }
