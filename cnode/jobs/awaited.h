// A kernel that a job needs: looked at, never waited for.
#pragma once

#include <utility>

#include "base/result.h"
#include "vulkan/kernel_cache.h"

namespace gpu_node::jobs {

class AwaitedKernel {
 public:
  bool asked() const { return pending_.valid(); }
  void ask(vulkan::KernelCache::Pending pending) { pending_ = std::move(pending); }

  // nullptr while it is being compiled. Error: that of compiling it, once: it may be asked for again, as the queue may
  // have been full.
  Result<const vulkan::Kernel*> look() {
    if (kernel_ != nullptr || !pending_.ready()) return kernel_;
    const auto& made = pending_.get();
    if (made.ok()) return kernel_ = made->get();
    Error error = made.error();
    pending_ = {};
    return error;
  }
  // As look() found it last.
  const vulkan::Kernel* get() const { return kernel_; }

 private:
  vulkan::KernelCache::Pending pending_;  // held, so that the kernel stays
  const vulkan::Kernel* kernel_ = nullptr;
};

}  // namespace gpu_node::jobs
