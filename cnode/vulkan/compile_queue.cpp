#include "vulkan/compile_queue.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/concat.h"

namespace gpu_node::vulkan {
namespace {

constexpr size_t kMaxQueued = 16384;
constexpr size_t kMaxOfOwner = 4096;

const Error& shutting_down() {
  static const Error error{ErrorCode::kShuttingDown, "the device is being closed"};
  return error;
}

}  // namespace

Result<void> CompileQueue::push(const CompileJobRef& job, const Asker& asker, std::weak_ptr<const void> wanted) {
  {
    const MutexLock lock(mutex_);
    job->wanted_ = std::move(wanted);
    job->author_ = asker.author;
    job->text_bytes_ = asker.text_bytes;
    GPU_TRY(insert(job, asker.owner));
  }
  changed_.notify_all();
  return {};
}

bool CompileQueue::join(const CompileJobRef& job, const Asker& asker, const std::shared_ptr<const void>& wanted) {
  const MutexLock lock(mutex_);
  if (job->state_ == CompileJob::State::kDropped) return false;
  job->wanted_ = wanted;
  // Where he has no room it keeps the turn that it had.
  if (job->state_ == CompileJob::State::kQueued) (void)insert(job, asker.owner);
  return true;
}

Result<void> CompileQueue::insert(const CompileJobRef& job, uint64_t owner) {
  if (closed_) return shutting_down();
  Owners& owners = owners_of(job->author_);
  auto mine = std::find_if(owners.begin(), owners.end(), [&](const Owner& one) { return one.id == owner; });
  if (mine != owners.end() && std::find(mine->jobs.begin(), mine->jobs.end(), job) != mine->jobs.end()) return {};
  if (queued_ >= kMaxQueued || (mine != owners.end() && mine->jobs.size() >= kMaxOfOwner))
    return Error{ErrorCode::kBusy, concat(queued_, " kernels wait to be compiled; at most ", kMaxQueued, ", ",
                                          kMaxOfOwner, " of one session")};
  if (mine == owners.end()) mine = owners.insert(owners.end(), {owner, {}});
  const auto behind = std::find_if(mine->jobs.begin(), mine->jobs.end(),
                                   [&](const CompileJobRef& other) { return other->text_bytes_ > job->text_bytes_; });
  mine->jobs.insert(behind, job);
  ++queued_;
  return {};
}

size_t CompileQueue::queued(uint64_t owner) {
  const MutexLock lock(mutex_);
  size_t jobs = 0;
  for (const Owners& owners : owners_)
    for (const Owner& one : owners) jobs += one.id == owner ? one.jobs.size() : 0;
  return jobs;
}

CompileJobRef CompileQueue::take_of(Owners& owners) {
  while (!owners.empty()) {
    Owner& next = owners.front();
    CompileJobRef job = std::move(next.jobs.front());
    next.jobs.pop_front();
    --queued_;
    if (next.jobs.empty())
      owners.pop_front();
    else
      owners.splice(owners.end(), owners, owners.begin());
    if (job->state_ == CompileJob::State::kQueued) return job;  // else it came by another owner's turn
  }
  return nullptr;
}

CompileJobRef CompileQueue::take() {
  CompileJobRef job = take_of(owners_of(KernelAuthor::kNode));
  if (job == nullptr && of_clients_ < most_of_clients_) job = take_of(owners_of(KernelAuthor::kClient));
  if (job == nullptr) return nullptr;
  job->state_ = job->wanted_.expired() ? CompileJob::State::kDropped : CompileJob::State::kBegun;
  of_clients_ += job->author_ == KernelAuthor::kClient ? 1 : 0;
  return job;
}

bool CompileQueue::has_next() const {
  return !owners_[0].empty() || (!owners_[1].empty() && of_clients_ < most_of_clients_);
}

void CompileQueue::work(std::chrono::milliseconds pause, const std::function<void()>& quiet) {
  const auto called = [this]() GPU_NODE_REQUIRES(mutex_) { return closed_ || has_next(); };
  MutexLock lock(mutex_);
  while (!closed_) {
    if (const CompileJobRef job = take(); job != nullptr) {
      const bool dropped = job->state_ == CompileJob::State::kDropped;
      lock.unlock();
      if (dropped)
        job->refuse({ErrorCode::kDeadline, "nobody waits for it any more"});
      else
        job->run();
      lock.lock();
      of_clients_ -= job->author_ == KernelAuthor::kClient ? 1 : 0;
      worked_ = true;
      changed_.notify_all();  // another of clients' may be taken now
    } else if (!worked_) {
      changed_.wait(mutex_, called);
    } else if (!changed_.wait_for(mutex_, pause, called)) {
      worked_ = false;
      lock.unlock();
      quiet();
      lock.lock();
    }
  }
}

void CompileQueue::close() {
  std::vector<CompileJobRef> left;
  {
    const MutexLock lock(mutex_);
    closed_ = true;
    for (Owners& owners : owners_)
      while (CompileJobRef job = take_of(owners)) {
        job->state_ = CompileJob::State::kDropped;
        left.push_back(std::move(job));
      }
  }
  changed_.notify_all();
  for (const CompileJobRef& job : left) job->refuse(shutting_down());
}

}  // namespace gpu_node::vulkan
