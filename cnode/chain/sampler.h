// Hamiltonian Monte Carlo for many chains at once, slice by slice: all chains take the same number of steps in an
// iteration. In the warm-up a few sums over the chains come back to the host after each iteration, where step size,
// path length and scales are learned (adaptation.h); then nothing does, and as many iterations are recorded as fit a
// slice.
//
// A draw is a function of model, options and the chain's number: the same bits whatever the slices, and, where nothing
// is learned, in any company of chains.
#pragma once

#include "chain/ensemble.h"
#include "jobs/job.h"

namespace gpu_node::chain {

class Sampler final : public jobs::Job {
 public:
  // Allocates. |model| is uploaded. Errors: kInvalidArgument for options that make no sense, kUnsupported for what the
  // device cannot hold, kOutOfMemory.
  static Result<std::unique_ptr<Sampler>> start(vulkan::Device& device, std::shared_ptr<DeviceModel> model,
                                                const SamplerOptions& options, const Pay& pay = {});

  // Errors: kInvalidArgument where a chain has no finite density to start from, kCompileFailed, kUnsupported,
  // kOutOfMemory, kDeviceLost.
  Result<jobs::Next> record(const jobs::Slice& slice) override;

  // Whether what is recorded is all there is.
  bool last() const { return state_ >= State::kEnd && ensemble_.idle(); }
  const SamplerProgress& progress() const { return progress_; }
  // Complete with the last slice.
  const SamplerResult& result() const { return ensemble_.result(); }

 private:
  enum class State : uint8_t { kStart, kCheck, kExplain, kPath, kEnd, kDone };

  Sampler(vulkan::Device& device, Ensemble ensemble, const SamplerOptions& options,
          const AdaptationOptions& adaptation);
  void absorb();
  void begin_chains();
  void check_starts();
  Error explain() const;
  void end_path();
  void begin_path();
  void begin_phase();
  void report();

  vulkan::Device& device_;
  Ensemble ensemble_;
  SamplerOptions options_;
  Adaptation adaptation_;
  State state_ = State::kStart;
  uint32_t attempt_ = 0;  // at a start
  Ensemble::Unsound unsound_;
  Walk walk_;                 // what is still to be recorded of the current path
  bool begun_ = false;        // the first momentum is drawn
  uint32_t iteration_ = ~0u;  // that ended last
  uint32_t counted_ = 0;      // of the phase
  bool summed_ = false;       // a sum is on its way
  bool waits_ = false;        // and the next iteration needs it
  bool settled_ = false;      // what was adapted is on the device
  uint32_t looked_ = 0;       // |counted_| at the last look at the draws
  SamplerProgress progress_;
};

}  // namespace gpu_node::chain
