// A bounded first-in first-out queue between threads. A full queue refuses; nothing is dropped.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>
#include <utility>

#include "base/mutex.h"

namespace gpu_node {

template <typename T>
class BoundedQueue {
 public:
  explicit BoundedQueue(size_t capacity) : capacity_(capacity) {}

  // Returns false when the queue is full or closed; |item| is then left as it was.
  bool try_push(T&& item) {
    {
      const MutexLock lock(mutex_);
      if (closed_ || items_.size() >= capacity_) return false;
      items_.push_back(std::move(item));
    }
    ready_.notify_one();
    return true;
  }

  // Waits for an item until |until|; nothing when none came, or when the queue is closed and empty.
  std::optional<T> pop_until(std::chrono::steady_clock::time_point until) {
    const MutexLock lock(mutex_);
    ready_.wait_until(mutex_, until, [this]() GPU_NODE_REQUIRES(mutex_) { return closed_ || !items_.empty(); });
    return take();
  }

  // Waits for an item; nothing once the queue is closed and empty.
  std::optional<T> pop() {
    const MutexLock lock(mutex_);
    ready_.wait(mutex_, [this]() GPU_NODE_REQUIRES(mutex_) { return closed_ || !items_.empty(); });
    return take();
  }

  std::optional<T> try_pop() {
    const MutexLock lock(mutex_);
    return take();
  }

  // Refuses further items; what is queued can still be taken.
  void close() {
    {
      const MutexLock lock(mutex_);
      closed_ = true;
    }
    ready_.notify_all();
  }

  size_t size() const {
    const MutexLock lock(mutex_);
    return items_.size();
  }

 private:
  std::optional<T> take() GPU_NODE_REQUIRES(mutex_) {
    if (items_.empty()) return std::nullopt;
    std::optional<T> item(std::move(items_.front()));
    items_.pop_front();
    return item;
  }

  const size_t capacity_;
  mutable Mutex mutex_;
  Condition ready_;
  std::deque<T> items_ GPU_NODE_GUARDED_BY(mutex_);
  bool closed_ GPU_NODE_GUARDED_BY(mutex_) = false;
};

}  // namespace gpu_node
