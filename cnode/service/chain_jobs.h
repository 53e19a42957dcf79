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
#include "service/waited_job.h"

namespace gpu_node::service {

// Brings a family's data from the device to the host, in double, and hands the request on to the compiler.
class DataJob final : public WaitedJob {
 public:
  // Passes a request on; false when its queue is full.
  using Compile = std::function<bool(CompileWork&&)>;
  DataJob(CompileWork&& work, Interpreter& interpreter, const Compile& compile)
      : WaitedJob(work.session, work.call), work_(std::move(work)), interpreter_(interpreter), compile_(compile) {}

  Result<jobs::Next> record(const jobs::Slice& slice) override;
  Result<void> finish() override;
  jobs::TaskView progress() const override { return {.kind = "compile_family"}; }

 private:
  struct Data {
    std::string name;
    Shape shape;
    program::Readback readback;
  };

  CompileWork work_;
  Interpreter& interpreter_;
  const Compile& compile_;
  std::vector<Data> data_;
};

// Moves a planned model to the device, waits for its kernel, gives it its name.
class CompileJob final : public WaitedJob {
 public:
  CompileJob(CompileWork&& work, PlannedModel&& planned, vulkan::Device& device, Interpreter& interpreter);

  Result<jobs::Next> record(const jobs::Slice& slice) override;
  Result<void> finish() override;
  jobs::TaskView progress() const override { return {.kind = "compile_family"}; }

 private:
  const int64_t id_;
  PlannedModel planned_;
  vulkan::Device& device_;
  Interpreter& interpreter_;
  chain::Mapping mapping_;
  std::shared_ptr<HeldModel> held_;
  const vulkan::Kernel* kernel_ = nullptr;
  bool kernel_known_ = false;  // it had been compiled for another model
  double upload_ms_ = 0;
};

// Runs leapfrog steps; the results get their names, or are read and sent.
class ChainJob final : public WaitedJob {
 public:
  static Result<std::unique_ptr<ChainJob>> make(SessionRef session, PendingCallRef call, Chain&& request,
                                                vulkan::Device& device, Interpreter& interpreter);

  Result<jobs::Next> record(const jobs::Slice& slice) override;
  Result<void> finish() override;
  jobs::TaskView progress() const override;

 private:
  ChainJob(SessionRef session, PendingCallRef call, Interpreter& interpreter)
      : WaitedJob(std::move(session), std::move(call)), interpreter_(interpreter) {}

  Result<void> pay();
  Result<void> read_results();

  Interpreter& interpreter_;
  ModelRef held_;
  std::vector<int64_t> results_;
  chain::ChainRequest request_;
  std::unique_ptr<chain::ChainRun> run_;
  std::array<program::Tensor, 4> tensors_;
  std::array<program::Readback, 4> readbacks_;  // where the results are sent
  Clock::time_point started_ = Clock::now();
};

}  // namespace gpu_node::service
