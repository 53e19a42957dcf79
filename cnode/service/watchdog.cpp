#include "service/watchdog.h"

#include <algorithm>

#include "base/concat.h"

namespace gpu_node::service {
namespace {

constexpr std::chrono::milliseconds kPeriod{20};

}  // namespace

Watchdog::Watchdog(Options options)
    : options_(std::move(options)), watches_(options_.subjects.size()), thread_([this] { loop(); }) {}

Watchdog::~Watchdog() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void Watchdog::loop() {
  MutexLock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    look();
    if (options_.tick) options_.tick();
    lock.lock();
    wake_.wait_for(mutex_, kPeriod, [this]() GPU_NODE_REQUIRES(mutex_) { return stopping_; });
  }
}

void Watchdog::look() {
  const Clock::time_point now = Clock::now();
  for (size_t i = 0; i < watches_.size() && !tripped_; ++i) {
    const Options::Subject& subject = options_.subjects[i];
    Watch& watch = watches_[i];
    const uint64_t progress = subject.progress();
    if (progress != watch.progress) watch = {progress, now};
    const std::optional<Clock::time_point> since = subject.since();
    if (!since) continue;
    const int64_t age_ms = in_milliseconds(now - std::max(*since, watch.changed));
    if (age_ms < options_.limit_ms) continue;
    tripped_ = true;
    options_.on_trip(
        concat(subject.name, " has made no progress for ", age_ms, " ms, the limit is ", options_.limit_ms));
  }
}

}  // namespace gpu_node::service
