// The jobs of `compile_glsl`, `load_spirv`, `dispatch_spirv` and `save_pipelines`. What compiles does so off the device
// thread, which only looks whether it is done. Device thread only, but for the constructors.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "program/transfer.h"
#include "service/interpreter.h"
#include "service/jobs.h"
#include "vulkan/kernel_cache.h"
#include "vulkan/recorder.h"

namespace gpu_node::service {

// The kernel cache's key of a client's module.
std::string raw_kernel_key(const std::string& hash);

// Waits for what |Pending| promises.
template <typename Pending>
class PendingJob : public WaitedJob {
 public:
  PendingJob(SessionRef session, PendingCallRef call, Pending pending)
      : WaitedJob(std::move(session), std::move(call)), pending_(std::move(pending)) {}

  Result<chain::Job::Next> record(double) override {
    const bool ready = pending_.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
    return ready ? chain::Job::Next::kDone : chain::Job::Next::kWait;
  }

 protected:
  const auto& outcome() const { return pending_.get(); }

 private:
  const Pending pending_;
};

class CompileGlslJob final : public PendingJob<vulkan::KernelCache::PendingSpirv> {
 public:
  CompileGlslJob(SessionRef session, PendingCallRef call, std::string glsl, vulkan::KernelCache::PendingSpirv pending)
      : PendingJob(std::move(session), std::move(call), std::move(pending)), glsl_(std::move(glsl)) {}
  Result<void> finish() override;

 private:
  const std::string glsl_;  // as the client wrote it
};

class LoadSpirvJob final : public PendingJob<vulkan::KernelCache::Pending> {
 public:
  LoadSpirvJob(SessionRef session, PendingCallRef call, std::string hash, vulkan::KernelCache::Pending pending)
      : PendingJob(std::move(session), std::move(call), std::move(pending)), hash_(std::move(hash)) {}
  Result<void> finish() override;

 private:
  const std::string hash_;
};

class SaveJob final : public PendingJob<vulkan::KernelCache::PendingSave> {
 public:
  using PendingJob::PendingJob;
  Result<void> finish() override;
};

// One dispatch of a client's kernel.
class DispatchJob final : public WaitedJob {
 public:
  DispatchJob(SessionRef session, PendingCallRef call, DispatchSpirv&& request, vulkan::Device& device,
              Interpreter& interpreter)
      : WaitedJob(std::move(session), std::move(call)),
        request_(std::move(request)),
        device_(device),
        interpreter_(interpreter) {}

  Result<chain::Job::Next> record(double ms) override;
  Result<void> finish() override;

 private:
  Result<const vulkan::Kernel*> kernel() const;
  Result<void> check_outputs() const;
  Result<program::Tensor> bound(const ShaderBuffer& buffer, uint32_t binding, bool written);
  // A copy of |tensor|, which the kernel may write: tensors never change.
  Result<program::Tensor> copy_of(const program::Tensor& tensor);

  const DispatchSpirv request_;
  vulkan::Device& device_;
  Interpreter& interpreter_;
  bool recorded_ = false;
  std::vector<program::Tensor> tensors_;  // by binding
  std::vector<program::Readback> readbacks_;
  Clock::time_point started_{};
};

}  // namespace gpu_node::service
