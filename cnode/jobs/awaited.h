// What other threads make for a job (a kernel, a module, a file): looked at, never waited for.
#pragma once

#include <future>
#include <memory>
#include <utility>

#include "base/ready.h"
#include "base/result.h"
#include "vulkan/kernel_cache.h"

namespace gpu_node::jobs {

template <typename T>
class Awaited {
 public:
  using Pending = std::shared_future<Result<T>>;

  Awaited() = default;
  explicit Awaited(Pending pending) : pending_(std::move(pending)) {}

  bool asked() const { return pending_.valid(); }
  bool ready() const { return is_ready(pending_); }
  // REQUIRES ready().
  const Result<T>& outcome() const { return pending_.get(); }

 private:
  Pending pending_;
};

class AwaitedKernel {
 public:
  bool asked() const { return awaited_.asked(); }
  void ask(vulkan::KernelCache::Pending pending) { awaited_ = Awaited(std::move(pending)); }

  // nullptr while it is being compiled. Error: that of compiling it.
  Result<const vulkan::Kernel*> look() {
    if (kernel_ != nullptr || !awaited_.ready()) return kernel_;
    const auto& made = awaited_.outcome();
    if (!made.ok()) return made.error();
    return kernel_ = made->get();
  }
  // As look() found it last.
  const vulkan::Kernel* get() const { return kernel_; }

 private:
  Awaited<std::shared_ptr<const vulkan::Kernel>> awaited_;
  const vulkan::Kernel* kernel_ = nullptr;
};

}  // namespace gpu_node::jobs
