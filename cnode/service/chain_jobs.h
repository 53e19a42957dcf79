// The jobs of `compile_family` and `chain`: what they record, what they answer. Device thread only.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "chain/chain_run.h"
#include "service/family_compiler.h"
#include "service/interpreter.h"
#include "service/trying_job.h"

namespace gpu_node::service {

// Brings a family's data from the device to the host, in double, and hands the request on to the compiler.
class DataJob final : public TryingJob {
 public:
  // Passes a request on; false when its queue is full.
  using Compile = std::function<bool(CompileWork&&)>;
  DataJob(CompileWork&& work, Interpreter& interpreter, const Compile& compile)
      : TryingJob(work.session, work.call, interpreter), work_(std::move(work)), compile_(compile) {}

  Result<void> finish() override;
  jobs::TaskView progress() const override { return {.kind = "compile_family"}; }

 private:
  Result<jobs::Next> record_slice(const jobs::Slice& slice) override;

  struct Data {
    std::string name;
    Shape shape;
    program::Readback readback;
  };

  CompileWork work_;
  const Compile& compile_;
  std::vector<Data> data_;
};

// Moves a planned model to the device, waits for its kernel, gives it its name.
class CompileJob final : public TryingJob {
 public:
  CompileJob(CompileWork&& work, PlannedModel&& planned, vulkan::Device& device, Interpreter& interpreter);

  Result<void> finish() override;
  jobs::TaskView progress() const override { return {.kind = "compile_family"}; }

 private:
  Result<jobs::Next> record_slice(const jobs::Slice& slice) override;

  const int64_t id_;
  PlannedModel planned_;
  vulkan::Device& device_;
  chain::Mapping mapping_;
  std::shared_ptr<HeldModel> held_;
  bool uploaded_ = false;
  const vulkan::Kernel* kernel_ = nullptr;
  bool kernel_known_ = false;  // it had been compiled for another model
  double upload_ms_ = 0;
};

// Runs leapfrog steps; the results get their names, or are read and sent.
class ChainJob final : public TryingJob {
 public:
  static Result<std::unique_ptr<ChainJob>> make(SessionRef session, PendingCallRef call, const Chain& request,
                                                vulkan::Device& device, Interpreter& interpreter);

  Result<void> finish() override;
  jobs::TaskView progress() const override;

 private:
  using TryingJob::TryingJob;
  Result<jobs::Next> record_slice(const jobs::Slice& slice) override;

  Result<void> pay();
  Result<void> read_results();

  ModelRef held_;
  std::vector<int64_t> results_;
  chain::ChainRequest request_;
  std::unique_ptr<chain::ChainRun> run_;
  bool reads_results_ = false;  // nothing else is left
  std::array<program::Tensor, 4> tensors_;
  std::array<program::Readback, 4> readbacks_;  // where the results are sent
  Clock::time_point started_ = Clock::now();
};

}  // namespace gpu_node::service
