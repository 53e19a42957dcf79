// The chains of a sampler on the device: their memory, and what can be recorded for all of them. Device thread only.
//
// Chains lie in batches, each with a state that the leapfrog kernel runs on and that the kernels between paths
// (sampler_kernels.h) work on in place, so that no position, momentum or gradient moves between paths.
#pragma once

#include <array>
#include <memory>

#include "chain/adaptation.h"
#include "chain/device_model.h"
#include "chain/sampler_kernels.h"
#include "chain/sampler_options.h"

namespace gpu_node::chain {

class Ensemble {
 public:
  // Checks sizes and allocates. Errors: kInvalidArgument, kUnsupported for what the device cannot hold, kOutOfMemory.
  static Result<Ensemble> make(vulkan::Device& device, std::shared_ptr<DeviceModel> model,
                               const SamplerOptions& options);

  // False while kernels are being compiled.
  Result<bool> ready(vulkan::Device& device);

  uint64_t chains() const { return chains_; }
  Mapping mapping() const { return shape_.mapping; }
  const Rounds& rounds() const { return rounds_; }
  // Chains from |first| on that one dispatch can run, at most |wanted|.
  uint64_t window(uint64_t first, uint64_t wanted) const;

  // What comes next is recorded; nothing is submitted.
  Result<void> settings(vulkan::Device& device, const Adaptation& adaptation);
  Result<void> start(vulkan::Device& device);
  // Piece |piece| of |count| rounds from |round| on, for |chains| chains from |first| on, a window. Round 0 loads the
  // position, the others are steps.
  Result<void> leapfrog(vulkan::Device& device, uint64_t first, uint64_t chains, size_t piece, uint32_t round,
                        uint32_t count);
  struct Turn {
    uint32_t iteration = 0;  // the one that ends
    bool beginning = false;  // nothing ends: only a momentum is drawn
    bool learning = false;
    uint32_t counted = 1;  // iterations of the phase with this one
  };
  Result<void> turn(vulkan::Device& device, const Turn& turn);
  Result<void> keep(vulkan::Device& device, int64_t draw);
  // Sums over chains for see(); without |coordinates| only what is of chains.
  Result<void> reduce(vulkan::Device& device, bool coordinates);
  Result<void> finish(vulkan::Device& device);

  // What the last reduce() found, once it is complete.
  struct Seen {
    Observation observation;
    double mean_acceptance = 0;  // over chains and iterations of the phase
    uint64_t divergences = 0;
  };
  Seen see(std::span<const double> centre) const;

  const SamplerResult& result() const { return result_; }

 private:
  struct Batch {
    uint64_t first = 0, chains = 0, block_first = 0, blocks = 0;
    vulkan::BufferRef state, current, numbers, divergences, moments;
  };
  enum Kind : uint8_t { kTurn, kReduce, kKeep, kStart, kKinds };

  Ensemble(std::shared_ptr<DeviceModel> model, const SamplerOptions& options);
  Result<void> plan(const vulkan::DeviceInfo& device);
  Result<void> allocate(vulkan::Device& device);
  Result<void> dispatch(vulkan::Device& device, const vulkan::Kernel* kernel,
                        std::span<const vulkan::BufferRange> ranges, std::span<const std::byte> push, uint64_t groups);
  // Writes [chains][d] numbers of a batch to |to| as they lie in |from|.
  Result<void> unfold(vulkan::Device& device, const Batch& batch, const vulkan::BufferRef& from, uint32_t array,
                      uint32_t places, const vulkan::BufferRef& to);
  KeepPush keep_push(const Batch& batch, uint32_t places) const;
  vulkan::BufferRange rows(const vulkan::BufferRef& buffer, const Batch& batch, uint64_t numbers, bool written) const;
  vulkan::BufferRange setting(size_t i) const;
  const Batch& batch_of(uint64_t chain) const;
  uint64_t elements(uint64_t numbers) const { return (numbers + kElementLanes - 1) / kElementLanes; }

  std::shared_ptr<DeviceModel> model_;
  SamplerOptions options_;
  uint64_t chains_ = 0, size_ = 0, d_ = 0;
  KernelShape shape_;
  uint32_t transforms_ = 0;  // a bit for each that draws need
  Rounds rounds_;
  std::vector<Batch> batches_;
  uint64_t batch_chains_ = 0, all_blocks_ = 0, most_groups_ = 0;
  uint64_t seen_columns_ = 0;
  std::array<uint64_t, 4> setting_at_{};  // step size, inverse mass, its root's inverse, centre; then the end
  uint64_t settings_bytes_ = 0;
  vulkan::BufferRef settings_, partials_, unused_;
  const vulkan::Kernel* leapfrog_ = nullptr;
  std::array<jobs::AwaitedKernel, kKinds> kernels_;
  SamplerResult result_;
};

}  // namespace gpu_node::chain
