#include "gpu/sampler_case.h"

#include <doctest/doctest.h>

#include <chrono>
#include <cmath>
#include <numeric>
#include <thread>

#include "gpu/device.h"

namespace gpu_node::test {
namespace {

std::vector<double> numbers(Dtype dtype, const vulkan::BufferRef& buffer) {
  if (buffer == nullptr) return {};
  if (dtype == Dtype::f64) return download_as<double>(device(), buffer, buffer->size_bytes() / 8);
  const std::vector<float> list = download_as<float>(device(), buffer, buffer->size_bytes() / 4);
  return {list.begin(), list.end()};
}

}  // namespace

uint64_t Samples::diverged() const { return std::accumulate(divergences.begin(), divergences.end(), uint64_t{0}); }

std::shared_ptr<chain::DeviceModel> model_of(const ChainCase& chains, Dtype dtype) {
  return must(chain::DeviceModel::make(device(), chains.family.program, chains.binding, dtype));
}

std::unique_ptr<chain::Sampler> start_sampler(const std::shared_ptr<chain::DeviceModel>& model,
                                              const chain::SamplerOptions& options) {
  return must(chain::Sampler::start(device(), model, options));
}

Samples read_samples(const chain::Sampler& sampler, Dtype dtype) {
  const chain::SamplerResult& result = sampler.result();
  Samples samples;
  for (const vulkan::BufferRef& draws : result.draws) samples.draws.push_back(numbers(dtype, draws));
  samples.logp = numbers(dtype, result.logp);
  samples.energy = numbers(dtype, result.energy);
  const auto flags = [](const vulkan::BufferRef& buffer) {
    return buffer == nullptr ? std::vector<uint8_t>() : download_as<uint8_t>(device(), buffer, buffer->size_bytes());
  };
  samples.draw_diverged = flags(result.diverged);
  samples.never_moved = flags(result.never_moved);
  samples.unmoved = result.unmoved;
  for (size_t half = 0; half < 2; ++half) {
    samples.mean[half] = numbers(dtype, result.mean[half]);
    samples.m2[half] = numbers(dtype, result.m2[half]);
  }
  samples.acceptance = numbers(dtype, result.acceptance);
  samples.position = numbers(dtype, result.position);
  samples.divergences =
      download_as<uint32_t>(device(), result.divergences, result.divergences->size_bytes() / sizeof(uint32_t));
  samples.step_size = result.step_size;
  samples.path_length = result.path_length;
  samples.inverse_mass = result.inverse_mass;
  samples.half = result.half;
  samples.progress = sampler.progress();
  return samples;
}

Samples sample(const std::shared_ptr<chain::DeviceModel>& model, const chain::SamplerOptions& options, double aim_ms) {
  using Clock = std::chrono::steady_clock;
  const auto sampler = start_sampler(model, options);
  for (double ms = 0;;) {
    const jobs::Next next = must(sampler->record({.took_ms = ms, .aim_ms = aim_ms}));
    if (next == jobs::Next::kDone) return read_samples(*sampler, model->dtype());
    ms = 0;
    if (next == jobs::Next::kWait) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      continue;
    }
    const Clock::time_point start = Clock::now();
    finish(device());
    ms = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
  }
}

Estimate estimate(const Samples& samples, const chain::SamplerOptions& options, size_t coordinate) {
  const auto chains = static_cast<size_t>(options.chains);
  const size_t d = samples.position.size() / chains;
  const auto half = static_cast<double>(samples.half);
  double mean = 0, within = 0, of_chains = 0, of_halves = 0;
  for (size_t c = 0; c < chains; ++c)
    for (size_t h = 0; h < 2; ++h) mean += samples.mean[h][c * d + coordinate] / (2.0 * static_cast<double>(chains));
  for (size_t c = 0; c < chains; ++c) {
    double own = 0;
    for (size_t h = 0; h < 2; ++h) {
      const double apart = samples.mean[h][c * d + coordinate] - mean;
      own += apart / 2;
      of_halves += apart * apart;
      within += samples.m2[h][c * d + coordinate] / (half - 1);
    }
    of_chains += own * own;
  }
  const auto count = static_cast<double>(chains);
  within /= 2 * count;
  const double between = of_halves / (2 * count - 1);  // variance of the means of half a chain
  const double variance = (half - 1) / half * within + between;
  Estimate result;
  result.mean = mean;
  result.sd = std::sqrt(variance);
  result.r_hat = std::sqrt(variance / within);
  const double error_of_chain = of_chains / (count - 1);
  result.error = std::sqrt(error_of_chain / count);
  result.effective = variance / (error_of_chain / count);
  return result;
}

}  // namespace gpu_node::test
