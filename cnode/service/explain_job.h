// The job of `explain_program`: a program is planned as a run would be, a few milliseconds at a time, and told of.
// Device thread only, but for the constructor.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "program/explanation.h"
#include "service/handle_table.h"
#include "service/waited_job.h"
#include "vulkan/device.h"

namespace gpu_node::service {

class ExplainJob final : public WaitedJob {
 public:
  ExplainJob(SessionRef session, PendingCallRef call, ProgramRef program, bool with_glsl, vulkan::Device& device)
      : WaitedJob(std::move(session), std::move(call)),
        program_(std::move(program)),
        with_glsl_(with_glsl),
        device_(device),
        explainer_(program_->program, device.info()) {}

  Result<jobs::Next> record(const jobs::Slice& slice) override;
  Result<void> finish() override;
  jobs::TaskView progress() const override { return {"explain_program", 0, steps_.size(), explainer_.steps()}; }

 private:
  void write_step(etf::Writer& writer, size_t i) const;
  Result<void> write_kernels(etf::Writer& writer) const;

  const ProgramRef program_;
  const bool with_glsl_;
  vulkan::Device& device_;
  program::Explainer explainer_;
  std::vector<program::ExplainedStep> steps_;
  uint64_t plan_ns_ = 0;
};

}  // namespace gpu_node::service
