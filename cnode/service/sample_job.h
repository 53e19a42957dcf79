// The job of `sample`: drives a sampler, tells its caller how far it is, and gives its results their names. Device
// thread only.
#pragma once

#include <memory>
#include <vector>

#include "chain/sampler.h"
#include "service/interpreter.h"
#include "service/trying_job.h"

namespace gpu_node::service {

class SampleJob final : public TryingJob {
 public:
  static Result<std::unique_ptr<SampleJob>> make(SessionRef session, PendingCallRef call, const Sample& request,
                                                 vulkan::Device& device, Interpreter& interpreter);

  std::chrono::milliseconds report_every() const override { return std::chrono::milliseconds(request_.progress_ms); }
  void report() override;
  Result<void> finish() override;
  jobs::TaskView progress() const override;

 private:
  SampleJob(SessionRef session, PendingCallRef call, const Sample& request, Interpreter& interpreter);
  Result<jobs::Next> record_slice(const jobs::Slice& slice) override;

  // The results as tensors, in the order of PROTOCOL.md; the session pays for them.
  Result<void> name_results();
  Result<void> add(const ir::TensorType& type, const vulkan::BufferRef& buffer);

  Sample request_;
  ModelRef held_;
  std::unique_ptr<chain::Sampler> sampler_;
  std::vector<program::Tensor> tensors_;
  const Clock::time_point started_ = Clock::now();
};

}  // namespace gpu_node::service
