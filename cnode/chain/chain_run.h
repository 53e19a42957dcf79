// K leapfrog steps of any number of chains, slice by slice.
//
// Tensors are row-major, of the model's type: position and momentum [chains][d]; positions, momenta and gradients
// [chains][rows][d] and logp [chains][rows], a row being the state after a step: all of them, or the last. Sums are
// taken in an order that depends on sizes alone, so that a chain's numbers are the same bits in any company.
#pragma once

#include <array>
#include <memory>
#include <optional>

#include "chain/device_model.h"
#include "chain/walk.h"
#include "jobs/job.h"

namespace gpu_node::chain {

struct ChainRequest {
  int64_t chains = 1;
  int64_t steps = 1;
  int64_t coordinates = 0;  // what the caller takes d to be
  bool last_only = false;
  bool own_mass = false;  // |inverse_mass| is [chains][d], else [d]
  bool own_step = false;  // |step_size| is [chains], else one number; negative ones go backwards
  std::optional<Mapping> mapping;
  int64_t most_chains = 0;  // that are in memory between dispatches; 0: as many as fit a buffer
  vulkan::BufferRef position, momentum, inverse_mass, step_size;
};

struct ChainResult {
  int64_t rows = 0;
  vulkan::BufferRef positions, momenta, gradients, logp;
  Mapping mapping = Mapping::kThread;
  uint64_t dispatches = 0;
  double longest_ms = 0;  // of a slice
};

class ChainRun final : public jobs::Job {
 public:
  // Allocates. Errors: kInvalidArgument for sizes that do not fit each other, kUnsupported for what the device cannot
  // hold, kOutOfMemory.
  static Result<std::unique_ptr<ChainRun>> start(vulkan::Device& device, std::shared_ptr<DeviceModel> model,
                                                 const ChainRequest& request, const Pay& pay = {});

  // Errors: kCompileFailed, kUnsupported, kOutOfMemory, kDeviceLost.
  Result<jobs::Next> record(const jobs::Slice& slice) override;

  // Whether what is recorded is all there is.
  bool last() const { return first_ == chains_; }
  // The share of the work that is recorded, 0 to 1.
  double share() const;
  // Complete with the last slice.
  const ChainResult& result() const { return result_; }

 private:
  ChainRun(vulkan::Device& device, std::shared_ptr<DeviceModel> model, const ChainRequest& request);
  Result<void> check(const ChainRequest& request) const;
  Result<void> allocate(const ChainRequest& request, const Pay& pay);
  void bind(const ChainRequest& request);
  void enter_batch();
  Result<void> dispatch(const Part& part);

  vulkan::Device& device_;
  std::shared_ptr<DeviceModel> model_;
  Rounds rounds_;
  ChainResult result_;
  vulkan::BufferRef state_;
  std::array<vulkan::BufferRef, kChainBuffers> buffers_;
  std::array<vulkan::BufferRange, kChainBuffers> ranges_;
  ChainPush push_;
  const vulkan::Kernel* kernel_ = nullptr;

  // Where the run is: batches of chains that share the state buffer, and the walk through one.
  uint64_t chains_ = 0, at_once_ = 0, most_together_ = 0, per_group_ = 1, rounds_of_run_ = 0;
  uint64_t first_ = 0;
  Walk walk_;
  double batch_units_ = 0;
};

// Starts a run and waits for its end: for tests and benchmarks.
Result<ChainResult> run_chains(vulkan::Device& device, std::shared_ptr<DeviceModel> model, const ChainRequest& request,
                               Deadline deadline, double aim_ms = jobs::kSliceMs);

}  // namespace gpu_node::chain
