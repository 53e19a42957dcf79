// What the compilers have to do, and who is next. The node's own kernels come before what clients have written; in
// either, those who ask take turns, and of one's jobs the shortest text comes first. Any thread.
//
// A client's job may take seconds in a driver and cannot be interrupted: so one compiler never takes any.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>

#include "base/mutex.h"
#include "base/result.h"
#include "vulkan/kernel_cache.h"

namespace gpu_node::vulkan {

struct CompileJob {
  std::function<void()> run;
  // Instead, when the queue is closed or nobody holds |wanted| any more.
  std::function<void(const Error&)> refuse;

 private:
  friend class CompileQueue;
  std::weak_ptr<const void> wanted_;
  KernelAuthor author_ = KernelAuthor::kNode;
  uint64_t text_bytes_ = 0;
  enum class State : uint8_t { kQueued, kBegun, kDropped } state_ = State::kQueued;
};
using CompileJobRef = std::shared_ptr<CompileJob>;

class CompileQueue {
 public:
  explicit CompileQueue(int threads) : most_of_clients_(threads > 1 ? threads - 1 : 1) {}

  // Errors: kBusy above the limits, kShuttingDown.
  Result<void> push(const CompileJobRef& job, const Asker& asker, std::weak_ptr<const void> wanted)
      GPU_NODE_EXCLUDES(mutex_);
  // |asker| wants |job| as well. False when the job was dropped.
  bool join(const CompileJobRef& job, const Asker& asker, const std::shared_ptr<const void>& wanted)
      GPU_NODE_EXCLUDES(mutex_);

  // How many of |owner|'s jobs nobody has begun.
  size_t queued(uint64_t owner) GPU_NODE_EXCLUDES(mutex_);

  // Runs jobs until the queue is closed; |quiet| is called once nothing was to do for |pause| after a job. The body of
  // a compiler.
  void work(std::chrono::milliseconds pause, const std::function<void()>& quiet) GPU_NODE_EXCLUDES(mutex_);

  // Refuses what nobody has begun, and ends work().
  void close() GPU_NODE_EXCLUDES(mutex_);

 private:
  struct Owner {
    uint64_t id = 0;
    std::list<CompileJobRef> jobs;  // the shortest first
  };
  using Owners = std::list<Owner>;  // the next first

  Owners& owners_of(KernelAuthor author) GPU_NODE_REQUIRES(mutex_) { return owners_[static_cast<size_t>(author)]; }
  Result<void> insert(const CompileJobRef& job, uint64_t owner) GPU_NODE_REQUIRES(mutex_);
  // The next job, begun or dropped; nullptr where there is none for a compiler now.
  CompileJobRef take() GPU_NODE_REQUIRES(mutex_);
  CompileJobRef take_of(Owners& owners) GPU_NODE_REQUIRES(mutex_);
  bool has_next() const GPU_NODE_REQUIRES(mutex_);

  const int most_of_clients_;  // that run at once
  Mutex mutex_;
  Condition changed_;
  Owners owners_[2] GPU_NODE_GUARDED_BY(mutex_);
  size_t queued_ GPU_NODE_GUARDED_BY(mutex_) = 0;
  int of_clients_ GPU_NODE_GUARDED_BY(mutex_) = 0;   // that run
  bool worked_ GPU_NODE_GUARDED_BY(mutex_) = false;  // since the last call of |quiet|
  bool closed_ GPU_NODE_GUARDED_BY(mutex_) = false;
};

}  // namespace gpu_node::vulkan
