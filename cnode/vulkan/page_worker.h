// Takes the host's pages of large buffers, and gives them back, in a thread of its own: a GiB takes 0.6 s one way and
// 0.2 s the other, which nobody but him who wants it should wait for. Several buffers take turns. Device thread, but
// for the figures.
#pragma once

#include <atomic>
#include <deque>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/host_memory.h"
#include "base/mutex.h"
#include "vulkan/pending.h"
#include "vulkan/pooled_buffer.h"

namespace gpu_node::vulkan {

class PageWorker {
 public:
  // |host|: outlives it.
  explicit PageWorker(const HostMemory& host) : host_(host) {}
  ~PageWorker() { (void)stop(); }

  // Takes the pages of |buffer|, whose memory is mapped, and sees to it that they are zeros. The host is looked at in
  // between: where others took what it had, what is pending holds kOutOfMemory with the bound. A buffer whose pages
  // nobody waits for any more, or that cannot have them, gives back those that it has, and stays without.
  Pending<void> take(BufferRef buffer) GPU_NODE_EXCLUDES(mutex_);
  // Of buffers whose pages are still to be taken. Any thread.
  uint64_t promised_bytes() const { return promised_bytes_.load(std::memory_order_relaxed); }

  // Gives the pages of |buffer| back, which nobody uses any more.
  void give_back(PooledBuffer* buffer) GPU_NODE_EXCLUDES(mutex_);
  // Those that are through with it, since it was last asked.
  std::vector<PooledBuffer*> emptied() GPU_NODE_EXCLUDES(mutex_);
  // Until all of them are; not valid where there is none.
  const Pending<void>& emptying() const { return emptying_; }

  // Ends the thread. Returns the buffers that were to give pages back.
  std::vector<PooledBuffer*> stop() GPU_NODE_EXCLUDES(mutex_);

  // Pages taken and given back, so far: for who watches whether it goes on. Any thread.
  uint64_t progress_bytes() const { return progress_bytes_.load(std::memory_order_relaxed); }

 private:
  struct Task {
    PooledBuffer* buffer = nullptr;
    BufferRef held;  // while its pages are taken
    uint64_t at = 0, end = 0;
    bool giving = false;
    std::optional<Error> refused;
    std::promise<Result<void>> done;     // of taking
    std::weak_ptr<const void> wanted{};  // of taking
  };

  void push(Task&& task) GPU_NODE_EXCLUDES(mutex_);
  void work() GPU_NODE_EXCLUDES(mutex_);
  // Both are done piece by piece; true when nothing is left.
  bool go_on(Task& task);
  bool take_some(Task& task);
  void turn_back(Task& task, Error why);
  void finish(Task& task) GPU_NODE_EXCLUDES(mutex_);

  const HostMemory& host_;
  std::atomic<uint64_t> promised_bytes_{0}, progress_bytes_{0};
  std::atomic<bool> stopping_{false};
  Pending<void> emptying_;
  Mutex mutex_;
  Condition changed_;
  std::deque<Task> tasks_ GPU_NODE_GUARDED_BY(mutex_);
  size_t to_empty_ GPU_NODE_GUARDED_BY(mutex_) = 0;
  std::promise<Result<void>> all_emptied_ GPU_NODE_GUARDED_BY(mutex_);
  std::vector<PooledBuffer*> emptied_ GPU_NODE_GUARDED_BY(mutex_);
  std::thread thread_;  // once there was something to do
};

}  // namespace gpu_node::vulkan
