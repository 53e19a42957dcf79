// The job of `sample`: drives a sampler, tells its caller how far it is, and gives its results their names. Device
// thread only.
#pragma once

#include <memory>
#include <vector>

#include "chain/sampler.h"
#include "service/interpreter.h"
#include "service/jobs.h"

namespace gpu_node::service {

class SampleJob final : public WaitedJob {
 public:
  static Result<std::unique_ptr<SampleJob>> make(SessionRef session, PendingCallRef call, Sample&& request,
                                                 vulkan::Device& device, Interpreter& interpreter);

  Result<chain::Job::Next> record(double ms) override;
  void aim(double slice_ms) override { sampler_->aim(slice_ms); }
  Result<void> finish() override;

 private:
  SampleJob(SessionRef session, PendingCallRef call, Sample&& request, vulkan::Device& device,
            Interpreter& interpreter);

  // The results as tensors, in the order of PROTOCOL.md; the session pays for them.
  Result<void> name_results();
  Result<void> add(const ir::TensorType& type, const vulkan::BufferRef& buffer);
  void report();

  vulkan::Device& device_;
  Interpreter& interpreter_;
  Sample request_;
  ModelRef held_;
  std::unique_ptr<chain::Sampler> sampler_;
  std::vector<program::Tensor> tensors_;
  Clock::time_point started_ = Clock::now();
  Clock::time_point reported_ = started_;
};

}  // namespace gpu_node::service
