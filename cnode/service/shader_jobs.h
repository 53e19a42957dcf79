// The jobs of `compile_glsl`, `load_spirv`, `dispatch_spirv` and `save_pipelines`. What compiles does so off the device
// thread, which only looks whether it is done. Device thread only, but for the constructors.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "program/transfer.h"
#include "service/trying_job.h"
#include "service/waited_job.h"
#include "vulkan/kernel_cache.h"
#include "vulkan/recorder.h"

namespace gpu_node::service {

// The kernel cache's key of a client's module.
std::string raw_kernel_key(const std::string& hash);

// Answers with what another thread makes.
template <typename T>
class AwaitingJob : public WaitedJob {
 public:
  AwaitingJob(SessionRef session, PendingCallRef call, vulkan::Pending<T> pending)
      : WaitedJob(std::move(session), std::move(call)), pending_(std::move(pending)) {}

  Result<jobs::Next> record(const jobs::Slice&) override {
    return pending_.ready() ? jobs::Next::kDone : jobs::Next::kWait;
  }

 protected:
  // Once it is done.
  const Result<T>& outcome() const { return pending_.get(); }

 private:
  const vulkan::Pending<T> pending_;
};

class CompileGlslJob final : public AwaitingJob<std::vector<uint32_t>> {
 public:
  CompileGlslJob(SessionRef session, PendingCallRef call, std::string glsl, vulkan::KernelCache::PendingSpirv pending)
      : AwaitingJob(std::move(session), std::move(call), std::move(pending)), glsl_(std::move(glsl)) {}
  Result<void> finish() override;
  jobs::TaskView progress() const override { return {.kind = "compile_glsl"}; }

 private:
  const std::string glsl_;  // as the client wrote it
};

class LoadSpirvJob final : public AwaitingJob<std::shared_ptr<const vulkan::Kernel>> {
 public:
  LoadSpirvJob(SessionRef session, PendingCallRef call, std::string hash, vulkan::KernelCache::Pending pending)
      : AwaitingJob(std::move(session), std::move(call), std::move(pending)), hash_(std::move(hash)) {}
  Result<void> finish() override;
  jobs::TaskView progress() const override { return {.kind = "load_spirv"}; }

 private:
  const std::string hash_;
};

class SaveJob final : public AwaitingJob<std::string> {
 public:
  using AwaitingJob::AwaitingJob;
  Result<void> finish() override;
  jobs::TaskView progress() const override { return {.kind = "save_pipelines"}; }
};

// One dispatch of a client's kernel.
class DispatchJob final : public TryingJob {
 public:
  DispatchJob(SessionRef session, PendingCallRef call, DispatchSpirv&& request, vulkan::Device& device,
              Interpreter& interpreter)
      : TryingJob(std::move(session), std::move(call), interpreter), request_(std::move(request)), device_(device) {}

  Result<void> finish() override;
  jobs::TaskView progress() const override { return {.kind = "dispatch_spirv"}; }

 private:
  Result<jobs::Next> record_slice(const jobs::Slice& slice) override;
  Result<const vulkan::Kernel*> kernel() const;
  Result<void> check_outputs() const;
  Result<program::Tensor> bound(const ShaderBuffer& buffer, uint32_t binding, bool written);
  // A copy of |tensor|, which the kernel may write: tensors never change.
  Result<program::Tensor> copy_of(const program::Tensor& tensor);

  const DispatchSpirv request_;
  vulkan::Device& device_;
  bool recorded_ = false;
  std::vector<program::Tensor> tensors_;  // by binding
  std::vector<program::Readback> readbacks_;
  Clock::time_point started_{};
};

}  // namespace gpu_node::service
