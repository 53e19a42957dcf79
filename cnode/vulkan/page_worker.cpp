#include "vulkan/page_worker.h"

#include <algorithm>
#include <utility>

#include "base/thread_name.h"

namespace gpu_node::vulkan {
namespace {

// In one call: while it runs, other threads of this process cannot map or unmap anything.
constexpr uint64_t kPieceBytes = 4u << 20;
constexpr uint64_t kTurnBytes = 16u << 20;
// So much is taken between two looks at what the host has left.
constexpr uint64_t kLookBytes = 64u << 20;

// From |at|, up to the next boundary of pieces, so that every page lies in one.
uint64_t piece_at(const std::byte* at, uint64_t left) {
  return std::min(left, kPieceBytes - reinterpret_cast<uintptr_t>(at) % kPieceBytes);
}

}  // namespace

Pending<void> PageWorker::take(BufferRef buffer) {
  Task task;
  task.buffer = static_cast<PooledBuffer*>(buffer.get());
  task.end = buffer->capacity_bytes();
  task.held = std::move(buffer);
  const auto wanted = std::make_shared<char>();
  task.wanted = wanted;
  Pending<void> pending(task.done.get_future().share(), wanted);
  promised_bytes_.fetch_add(task.end, std::memory_order_relaxed);
  push(std::move(task));
  return pending;
}

void PageWorker::give_back(PooledBuffer* buffer) {
  {
    const MutexLock lock(mutex_);
    if (to_empty_++ == 0) {
      all_emptied_ = {};
      emptying_ = Pending<void>(all_emptied_.get_future().share());
    }
  }
  Task task;
  task.buffer = buffer;
  task.end = buffer->capacity_bytes();
  task.giving = true;
  push(std::move(task));
}

std::vector<PooledBuffer*> PageWorker::emptied() {
  const MutexLock lock(mutex_);
  return std::exchange(emptied_, {});
}

void PageWorker::push(Task&& task) {
  {
    const MutexLock lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  if (!thread_.joinable()) thread_ = std::thread([this] { work(); });
  changed_.notify_one();
}

std::vector<PooledBuffer*> PageWorker::stop() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
  std::deque<Task> left;
  std::vector<PooledBuffer*> full;
  {
    const MutexLock lock(mutex_);
    left = std::exchange(tasks_, {});
    full = std::exchange(emptied_, {});
  }
  for (Task& task : left) {
    if (task.held == nullptr) {
      full.push_back(task.buffer);
      continue;
    }
    task.held.reset();
    task.done.set_value(Error{ErrorCode::kShuttingDown, "the device is being closed"});
  }
  return full;
}

void PageWorker::work() {
  name_this_thread("pages");
  for (;;) {
    Task task;
    {
      const MutexLock lock(mutex_);
      changed_.wait(mutex_, [this]() GPU_NODE_REQUIRES(mutex_) { return stopping_ || !tasks_.empty(); });
      if (stopping_) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    if (go_on(task)) {
      finish(task);
      continue;
    }
    const MutexLock lock(mutex_);
    tasks_.push_back(std::move(task));
  }
}

bool PageWorker::go_on(Task& task) {
  const uint64_t until = std::min(task.end, task.at + kTurnBytes);
  if (!task.giving && !take_some(task)) return false;
  if (!task.giving) return true;
  while (task.at < until && task.at < task.end && !stopping_) {
    std::byte* const from = task.buffer->mapped() + task.at;
    const uint64_t count = piece_at(from, task.end - task.at);
    give_pages_back(from, count);
    task.at += count;
    progress_bytes_.fetch_add(count, std::memory_order_relaxed);
  }
  return task.at >= task.end;
}

// Two processes that take memory at once both see it shrink.
bool PageWorker::take_some(Task& task) {
  const uint64_t until = std::min(task.end, task.at + kTurnBytes);
  const uint64_t began = task.at;
  while (task.at < until) {
    if (stopping_) return false;
    if (task.wanted.expired()) {
      turn_back(task, {ErrorCode::kNotFound, "nobody waits for the buffer any more"});
      return true;
    }
    std::byte* const from = task.buffer->mapped() + task.at;
    const uint64_t count = piece_at(from, task.end - task.at);
    take_pages(from, count);
    clear_bytes(from, count);
    task.at += count;
    promised_bytes_.fetch_sub(count, std::memory_order_relaxed);
    progress_bytes_.fetch_add(count, std::memory_order_relaxed);
  }
  if (task.at == task.end) return true;
  if (began / kLookBytes != task.at / kLookBytes) {
    const uint64_t promised = promised_bytes();
    const std::optional<MemoryBound> bound = host_.tightest();
    if (bound && promised > bound->room_bytes()) {
      turn_back(task, {ErrorCode::kOutOfMemory, bound->text()});
      return true;
    }
  }
  return false;
}

void PageWorker::turn_back(Task& task, Error why) {
  promised_bytes_.fetch_sub(task.end - task.at, std::memory_order_relaxed);
  task.refused = std::move(why);
  task.giving = true;
  task.end = std::exchange(task.at, 0);
}

void PageWorker::finish(Task& task) {
  if (task.held != nullptr) {
    task.buffer->cleared = !task.refused;
    task.buffer->has_pages = !task.refused;
    task.held.reset();  // before it is told: who is then the only one to hold it knows that
    task.done.set_value(task.refused ? Result<void>(*std::move(task.refused)) : Result<void>());
    return;
  }
  const MutexLock lock(mutex_);
  emptied_.push_back(task.buffer);
  if (--to_empty_ == 0) all_emptied_.set_value({});
}

}  // namespace gpu_node::vulkan
