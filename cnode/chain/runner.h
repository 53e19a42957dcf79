// Runs chains on a device: a program with its numbers as a model on the device, and K leapfrog steps of it for any
// number of chains. Device thread only; run() submits and waits.
//
// Tensors are row-major, of the model's type: position and momentum [chains][d]; positions, momenta and gradients
// [chains][rows][d] and logp [chains][rows], a row being the state after a step: all of them, or the last. Sums are
// taken in an order that depends on sizes alone, so that a chain's numbers are the same bits in any company.
#pragma once

#include <array>
#include <optional>

#include "base/deadline.h"
#include "chain/launch.h"
#include "vulkan/buffer_pool.h"
#include "vulkan/device.h"
#include "vulkan/recorder.h"

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
  double longest_ms = 0;  // of a dispatch, as the host saw it
};

class ChainModel {
 public:
  // Computes on the host, in double, what does not vary with the coordinates.
  // |program| must outlive the model. |most_iterations| is for tests.
  static Result<ChainModel> make(vulkan::Device& device, const Program& program, const Binding& binding, Dtype dtype,
                                 uint64_t most_iterations = kMaxIterations);

  uint32_t coordinates() const { return launch_.coordinates; }
  Dtype dtype() const { return dtype_; }

  // Errors: kInvalidArgument for sizes that do not fit each other, kUnsupported for what the device cannot hold,
  // kDeadline, kDeviceLost.
  Result<ChainResult> run(vulkan::Device& device, const ChainRequest& request, Deadline deadline);

  // The shader of |mapping|, for people and tests.
  Result<vulkan::KernelSource> source(const vulkan::Device& device, Mapping mapping) const;

 private:
  // What one batch of chains is run with.
  struct Batch {
    const vulkan::Kernel* kernel = nullptr;
    const Rounds* rounds = nullptr;
    std::array<vulkan::BufferRange, kChainBuffers> ranges;
    ChainPush push;
  };

  Result<void> check(const ChainRequest& request, const vulkan::DeviceInfo& device) const;
  Result<const vulkan::Kernel*> kernel(vulkan::Device& device, Mapping mapping, Deadline deadline);
  Result<void> run_batch(vulkan::Device& device, Batch batch, ChainResult& result, Deadline deadline);

  const Program* program_ = nullptr;
  Schedule schedule_;
  Launch launch_;
  Dtype dtype_ = Dtype::f64;
  vulkan::BufferRef known_, words_;
  std::array<const vulkan::Kernel*, 2> kernels_{};  // by mapping
};

}  // namespace gpu_node::chain
