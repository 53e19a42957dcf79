// A sampler of a family on the device, run to its end and read back: how the sampler tests set one up.
#pragma once

#include "chain/sampler.h"
#include "gpu/chain_case.h"

namespace gpu_node::test {

// As doubles, whatever the type.
struct Samples {
  std::vector<std::vector<double>> draws;  // by variable, [chains][draws][size]
  std::vector<double> logp, energy;
  std::vector<double> mean[2], m2[2];
  std::vector<double> acceptance, position;
  std::vector<uint32_t> divergences;
  std::vector<uint8_t> draw_diverged, never_moved;
  uint64_t unmoved = 0;
  double step_size = 0, path_length = 0;
  std::vector<double> inverse_mass;
  int64_t half = 0;
  chain::SamplerProgress progress;

  uint64_t diverged() const;
};

std::shared_ptr<chain::DeviceModel> model_of(const ChainCase& chains, Dtype dtype);
std::unique_ptr<chain::Sampler> start_sampler(const std::shared_ptr<chain::DeviceModel>& model,
                                              const chain::SamplerOptions& options);
Samples read_samples(const chain::Sampler& sampler, Dtype dtype);
// |aim_ms| is what each slice is meant to take.
Samples sample(const std::shared_ptr<chain::DeviceModel>& model, const chain::SamplerOptions& options,
               double aim_ms = jobs::kSliceMs);

// What many chains say of one coordinate: its mean and standard deviation, the error of the mean, by the chains' means.
struct Estimate {
  double mean = 0, sd = 0, error = 0;
  double r_hat = 0;      // of the chains' halves
  double effective = 0;  // draws
};
Estimate estimate(const Samples& samples, const chain::SamplerOptions& options, size_t coordinate);

}  // namespace gpu_node::test
