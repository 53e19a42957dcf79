#include "service/device_thread.h"

#include <algorithm>

#include "base/heap.h"
#include "base/thread_name.h"
#include "vulkan/buffer_pool.h"
#include "vulkan/counter_cells.h"
#include "vulkan/kernel_cache.h"
#include "vulkan/recorder.h"

namespace gpu_node::service {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr size_t kMaxQueuedWork = 65536;
// So much is worth a submission: to a device that has nothing to do, and to one that has.
constexpr uint32_t kSubmitCommands = 512, kSubmitCommandsBehind = 1024;
constexpr uint64_t kSubmitStagedBytes = 16u << 20;
constexpr uint32_t kMaxItemsBeforeReadSubmits = 16;
// So much is enough for a device to do: whoever comes waits for it.
constexpr uint64_t kMaxSubmissionsInFlight = 8, kMaxCommandsInFlight = 4096;
// What passes by adds to that, up to here.
constexpr uint64_t kMaxSubmissionsByAll = 24;
constexpr size_t kMaxParkedAtOnce = 64;
constexpr milliseconds kIdleBeforeSubmit{2};
constexpr milliseconds kBetweenLooks{5};
// Who pauses for less finds its buffers as they were.
constexpr milliseconds kIdleBeforeTidying{5000};
// Since the last work of a message: whoever sends one after another is still there.
constexpr milliseconds kOthersAbout{200};
constexpr microseconds kSoonDone{200};  // what is waited for from the beginning
constexpr microseconds kLooks{200};     // for what is lacking

}  // namespace

DeviceThread::DeviceThread(vulkan::Device& device, const Shared& shared, std::function<void(const Error&)> on_fatal)
    : device_(device),
      recorder_(device.recorder()),
      pace_(program::Pace::of(device.info())),
      shared_(shared),
      on_fatal_(std::move(on_fatal)),
      queue_(kMaxQueuedWork),
      interpreter_(
          device, shared.sessions, shared.uploads, [this] { return go_on(); },
          [this](const Session& session) { return others_free(session); },
          [this](const Session& session, LaterUse& use) {
            return !ending_.load(std::memory_order_relaxed) && (parked_.is_needed(session, use) || use.any_left());
          }),
      thread_([this] { loop(); }) {}

DeviceThread::~DeviceThread() {
  ending_.store(true, std::memory_order_relaxed);
  close();
  thread_.join();
}

bool DeviceThread::push(Work&& work) {
  const uint64_t bytes = held_bytes(work);
  queued_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  if (queue_.try_push(std::move(work))) return true;
  queued_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  return false;
}

void DeviceThread::close() {
  closing_.store(true, std::memory_order_release);
  queue_.close();
}

std::optional<Clock::time_point> DeviceThread::busy_since() const {
  const Clock::rep since = busy_since_.load(std::memory_order_relaxed);
  if (since == 0) return std::nullopt;
  return Clock::time_point(Clock::duration(since));
}

void DeviceThread::loop() {
  name_this_thread("device");
  device_.hand_on();
  for (;;) {
    std::optional<Work> work = next_work();
    busy_since_.store(Clock::now().time_since_epoch().count(), std::memory_order_relaxed);
    if (work) {
      last_work_ = Clock::now();
      ++unsubmitted_items_;
      std::visit([this](auto& item) { perform(item); }, *work);
      work.reset();
    }
    housekeeping();
    if (owed_to_ && Clock::now() >= owed_until_) acknowledge();
    vulkan::bump(progress_);
    busy_since_.store(0, std::memory_order_relaxed);
    if (closing_.load(std::memory_order_acquire) && idle()) break;
  }
  acknowledge();
  device_.hand_on();
  finished_.store(true, std::memory_order_release);
}

bool DeviceThread::idle() const {
  if (queue_.size() > 0) return false;
  return lost_ || (reads_.empty() && jobs_.empty() && parked_.empty() && recorder_.pending() == 0 &&
                   recorder_.completed() >= recorder_.submitted());
}

std::optional<Work> DeviceThread::next_work() {
  const Clock::time_point now = Clock::now();
  std::erase_if(waits_, [this](const Wait& wait) { return lost_ || wait.is_over(); });
  const bool running = !lost_ && recorder_.submitted() > recorder_.completed();
  if (!running) wait_began_ = now;
  busy_ = running && is_busy();
  if (busy_) {
    // Those who have something in flight wait for it, and for further acknowledgements; others pass by.
    acknowledge();
    for (size_t parked = 0; parked < kMaxParkedAtOnce && queue_.size() > 0 && !parked_.is_full(); ++parked)
      if (std::optional<Work> work = take_queued(now)) return work;
    wait_for_device();
    return std::nullopt;
  }
  // What waits here takes turns with what comes.
  if (!took_parked_ || queue_.size() == 0) {
    std::optional<Work> released = parked_.take();
    took_parked_ = released.has_value();
    if (released) {
      slice_was_last_ = false;
      return released;
    }
  }
  took_parked_ = false;
  Clock::time_point until = now + milliseconds(50);
  if (recorder_.pending() > 0) until = std::min(until, std::max(now, last_work_ + kIdleBeforeSubmit));
  if (owed_to_) until = std::min(until, std::max(now, owed_until_));
  // A read is looked after often at first, less often the longer it takes: its answer is late by a sixteenth at most.
  const Clock::duration waited = now - wait_began_;
  if (!waits_.empty()) until = std::min(until, now + kLooks);
  if (jobs_.waiting()) until = std::min(until, now + milliseconds(1));
  // Done since it was last looked at: somebody waits for the answer.
  const bool awaited = !reads_.empty() || jobs_.in_flight() || has_looks();
  if (!running && !lost_ && awaited) until = now;
  if (running && awaited) {
    until = std::min(until, now + std::clamp<Clock::duration>(waited / 16, microseconds(20), milliseconds(1)));
  } else if (running) {
    until = std::min(until, now + std::clamp<Clock::duration>(waited / 4, microseconds(500), milliseconds(20)));
  }
  if (running && awaited && recorder_.pending() == 0 && waited < kSoonDone) {
    wait_a_little();
    until = now;
  }
  if (queue_.size() == 0 && closing_.load(std::memory_order_acquire)) {
    std::this_thread::sleep_until(std::min(until, now + milliseconds(1)));
    return std::nullopt;
  }
  return take_queued(until);
}

std::optional<Work> DeviceThread::take_queued(Clock::time_point until) {
  // To wait until a time that is past is a call of the system all the same, and its timer's interrupt.
  std::optional<Work> work = until <= Clock::now() ? queue_.try_pop() : queue_.pop_until(until);
  if (!work) return std::nullopt;
  queued_bytes_.fetch_sub(held_bytes(*work), std::memory_order_relaxed);
  if (hold_back(*work)) return std::nullopt;
  if (!busy_ || passes_by(*work)) return work;
  parked_.add(std::move(*work));
  return std::nullopt;
}

bool DeviceThread::passes_by(const Work& work) const {
  const SessionRef* session = session_of(work);
  if (session == nullptr || (*session)->closed.load(std::memory_order_relaxed)) return true;
  if (recorder_.submitted() - recorder_.completed() >= kMaxSubmissionsByAll) return false;
  return !std::holds_alternative<RunWork>(work) || (*session)->recorded_in <= recorder_.completed();
}

bool DeviceThread::hold_back(Work& work) {
  const ParkedWork::Outcome outcome = parked_.park(work);
  if (outcome == ParkedWork::Outcome::kFree) return false;
  acknowledge();  // nothing is done here that would do it
  const Error busy = {ErrorCode::kBusy, "too much of the session waits to be done: send again later"};
  // Its results would be missing silently.
  if (outcome == ParkedWork::Outcome::kFull && !fail(work, busy)) shared_.sessions.close((*session_of(work))->id);
  return true;
}

void DeviceThread::add(std::unique_ptr<WaitedJob> job) {
  if (job->holds_session()) job->keep(parked_.hold(job->session_ref()));
  jobs_.add(std::move(job));
  show_jobs();
}

void DeviceThread::housekeeping() {
  for (const SessionRef& session : shared_.sessions.take_closed()) {
    std::erase_if(waits_, [&](const Wait& wait) { return wait.hold.of(session->id); });
    parked_.drop(*session);
    interpreter_.drop(*session);
    heap_returned_ = false;
    show_jobs();
  }
  interpreter_.expire_kept();
  if (lost_) return;
  const bool queue_empty = queue_.size() == 0;
  const bool quiet = queue_empty && Clock::now() - last_work_ >= kIdleBeforeSubmit;
  const bool read_waits = (reads_.want_submit() || look_wants_submit()) &&
                          (queue_empty || unsubmitted_items_ >= kMaxItemsBeforeReadSubmits);
  if (read_waits || has_enough() || staged_bytes_ >= kSubmitStagedBytes || (quiet && recorder_.pending() > 0)) {
    if (!submit()) return;
  }
  look_for_loss();
  // Slices keep the device busy, one after another: those who were put aside for that have their turn in between.
  if (!jobs_.empty() && !(slice_was_last_ && parked_.has_ready())) advance_jobs();
  // Before anybody is answered, who may ask for them next.
  const program::Executor::Counters& done = interpreter_.executor().counters();
  counters_.instructions.store(done.instructions, std::memory_order_relaxed);
  counters_.instructions_failed.store(done.failed, std::memory_order_relaxed);
  counters_.validate_ns.store(done.validate_ns, std::memory_order_relaxed);
  counters_.record_ns.store(done.record_ns, std::memory_order_relaxed);
  if (!reads_.empty()) {
    shared_.calls.expire(Clock::now());
    reads_.complete(recorder_.completed());
  }
  recorder_.collect();
  tidy(Clock::now());
}

void DeviceThread::tidy(Clock::time_point now) {
  if (!idle() || last_work_ > last_busy_) {
    last_busy_ = now;
    heap_returned_ = false;
  }
  if (now - last_busy_ < kIdleBeforeTidying) return;
  device_.kernels().give_back_idle(recorder_.completed());
  if (device_.pool().trim_some() || heap_returned_) return;
  return_free_heap();
  heap_returned_ = true;
}

Interpreter::Over DeviceThread::others_free(const Session& session) const {
  std::vector<ParkedWork::Begun> begun = parked_.begun_by_others(session);
  if (begun.empty() && reads_.empty()) return nullptr;
  return [this, begun = std::move(begun)] {
    return std::none_of(begun.begin(), begun.end(),
                        [this](const ParkedWork::Begun& message) { return parked_.is_begun(message); });
  };
}

bool DeviceThread::has_enough() const {
  const uint32_t commands = recorder_.costs().commands_in_flight() > 0 ? kSubmitCommandsBehind : kSubmitCommands;
  return recorder_.pending() >= commands || recorder_.costs().pending_ms() >= pace_.submission_ms;
}

// From when the device has enough until half of it is done, so that this thread does not wake for little.
bool DeviceThread::is_busy() const {
  const uint64_t part = busy_ ? 2 : 1;
  return recorder_.submitted() - recorder_.completed() >= kMaxSubmissionsInFlight / part ||
         recorder_.costs().commands_in_flight() >= kMaxCommandsInFlight / part ||
         recorder_.costs().in_flight_ms() >= pace_.in_flight_ms / static_cast<double>(part);
}

bool DeviceThread::has_looks() const {
  return std::any_of(waits_.begin(), waits_.end(), [](const Wait& wait) { return wait.looks(); });
}

bool DeviceThread::look_wants_submit() const {
  return std::any_of(waits_.begin(), waits_.end(),
                     [](const Wait& wait) { return wait.looks() && !wait.lacking.submission.is_made(); });
}

// For what is in flight, as long as nothing comes: who sleeps and looks again is late by what timers are, 50 us and
// more, and on a software device takes the cores of those who compute. There the driver wakes this thread, and what
// comes waits for that, a millisecond at most; a card is looked at until it is done.
void DeviceThread::wait_a_little() {
  if (device_.info().software) {
    if (queue_.size() == 0) check(recorder_.wait(recorder_.completed() + 1, Deadline::after_ms(1)));
    return;
  }
  const uint64_t before = recorder_.completed();
  const Clock::time_point until = wait_began_ + kSoonDone;
  while (recorder_.completed() == before && queue_.size() == 0 && Clock::now() < until) {
  }
}

// One by one, since each that is waited for tells what its kernels take.
void DeviceThread::wait_for_device() {
  check(recorder_.wait(recorder_.completed() + 1, Deadline::after_ms(pace_.wait_ms)));
  recorder_.collect();
}

bool DeviceThread::go_on() {
  vulkan::bump(progress_);
  if (lost_) return true;
  const bool goes_on = !turn_is_over() || !others_wait();
  if (!has_enough()) return goes_on;
  const Clock::time_point began = Clock::now();
  const bool submitted = submit();
  interpreter_.executor().stop_clock(Clock::now() - began);
  busy_ = is_busy();
  return submitted && goes_on && !busy_;
}

double DeviceThread::spent_ms() const { return recorder_.costs().recorded_ms() + device_.pool().spent_ms(); }

bool DeviceThread::turn_is_over() const { return spent_ms() - turn_began_ms_ >= pace_.turn_ms; }

// A device can be lost while nobody submits: the timeline then just stops.
void DeviceThread::look_for_loss() {
  const Clock::time_point now = Clock::now();
  if (recorder_.completed() >= recorder_.submitted() || now - looked_for_loss_ < kBetweenLooks) return;
  looked_for_loss_ = now;
  check(recorder_.wait(recorder_.submitted(), Deadline::after_ms(0)));
}

void DeviceThread::advance_jobs() {
  shared_.calls.expire(Clock::now());
  const Result<bool> recorded = jobs_.record(recorder_.completed(), Clock::now() - last_work_ < kOthersAbout);
  show_jobs();
  if (!recorded.ok()) return fatal(recorded.error());
  if (!*recorded) return;
  submit();
  slice_was_last_ = true;
}

void DeviceThread::show_jobs() {
  std::vector<JobView> views;
  jobs_.each([&](const jobs::TaskView& task, Clock::time_point begun) { views.push_back({task, begun}); });
  parked_.each_begun([&](uint64_t session, const RunWork& run) {
    if (std::optional<jobs::TaskView> task = run.paused->view()) {
      task->session = session;
      views.push_back({*task, run.paused->begun});
    }
  });
  const MutexLock lock(views_mutex_);
  views_.swap(views);
}

bool DeviceThread::submit() {
  const Result<uint64_t> value = recorder_.submit();
  if (!value.ok()) {
    fatal(value.error());
    return false;
  }
  reads_.submitted(value.value());
  jobs_.submitted(value.value());
  staged_bytes_ = 0;
  unsubmitted_items_ = 0;
  wait_began_ = Clock::now();
  return true;
}

void DeviceThread::check(const Result<void>& done) {
  if (!done.ok() && done.error().code == ErrorCode::kDeviceLost) fatal(done.error());
}

void DeviceThread::fatal(const Error& error) {
  if (lost_) return;
  lost_ = true;
  on_fatal_(error);
}

void DeviceThread::acknowledge() {
  if (!owed_to_) return;
  etf::Writer ack;
  ack.version().tuple(3).atom("gpu_node_ack").unsigned_integer(owed_to_->id).integer(owed_seq_);
  owed_to_->link->send(owed_to_->owner, ack.take());
  owed_to_.reset();
  owed_commands_ = 0;
}

}  // namespace gpu_node::service
