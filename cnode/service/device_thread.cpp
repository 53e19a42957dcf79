#include "service/device_thread.h"

#include <algorithm>

#include "base/concat.h"
#include "base/log.h"
#include "base/thread_name.h"
#include "service/chain_jobs.h"
#include "service/sample_job.h"
#include "service/shader_jobs.h"
#include "vulkan/recorder.h"

namespace gpu_node::service {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr size_t kMaxQueuedWork = 65536;
// So much is worth a submission: to a device that has nothing to do, and to one that has.
constexpr uint32_t kSubmitCommands = 512, kSubmitCommandsBehind = 1024;
constexpr double kSubmitMs = 20;  // as estimated
constexpr uint64_t kSubmitStagedBytes = 16u << 20;
constexpr uint32_t kMaxItemsBeforeReadSubmits = 16;
// So much is enough for a device to do: whoever comes waits for it.
constexpr uint64_t kMaxSubmissionsInFlight = 8, kMaxCommandsInFlight = 4096;
constexpr double kMaxInFlightMs = 30;
constexpr milliseconds kIdleBeforeSubmit{2};
// An acknowledgement costs a packet; while more work waits, one is sent for this many commands.
constexpr uint32_t kAcknowledgedCommands = 256;
constexpr milliseconds kBetweenLooks{5};

}  // namespace

DeviceThread::DeviceThread(vulkan::Device& device, const Shared& shared, std::function<void(const Error&)> on_fatal)
    : device_(device),
      shared_(shared),
      on_fatal_(std::move(on_fatal)),
      queue_(kMaxQueuedWork),
      interpreter_(device, shared.sessions, shared.uploads, [this] { step(); }),
      thread_([this] { loop(); }) {}

DeviceThread::~DeviceThread() {
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
      if (!std::holds_alternative<RunWork>(*work)) acknowledge();
      std::visit([this](auto& item) { perform(item); }, *work);
      work.reset();
    }
    housekeeping();
    progress_.fetch_add(1, std::memory_order_relaxed);
    busy_since_.store(0, std::memory_order_relaxed);
    if (closing_.load(std::memory_order_acquire) && idle()) break;
  }
  device_.hand_on();
  finished_.store(true, std::memory_order_release);
}

bool DeviceThread::idle() const {
  const vulkan::Recorder& recorder = device_.recorder();
  if (queue_.size() > 0) return false;
  return lost_ || (reads_.empty() && jobs_.empty() && parked_.empty() && recorder.pending() == 0 &&
                   recorder.completed() >= recorder.submitted());
}

std::optional<Work> DeviceThread::next_work() {
  vulkan::Recorder& recorder = device_.recorder();
  const Clock::time_point now = Clock::now();
  const bool running = !lost_ && recorder.submitted() > recorder.completed();
  if (!running) wait_began_ = now;
  if (running && is_busy()) {
    // Enough for the device to do: those who send wait for further acknowledgements meanwhile.
    acknowledge();
    wait_for_device();
    return std::nullopt;
  }
  // What was held back takes turns with what comes.
  if (!took_parked_ || queue_.size() == 0) {
    std::optional<Work> released = parked_.take();
    took_parked_ = released.has_value();
    if (released) return released;
  }
  took_parked_ = false;
  Clock::time_point until = now + milliseconds(50);
  if (recorder.pending() > 0) until = std::min(until, std::max(now, last_work_ + kIdleBeforeSubmit));
  // A read is looked after often at first, less often the longer it takes: its answer is late by a sixteenth at most.
  const Clock::duration waited = now - wait_began_;
  if (jobs_.waiting()) until = std::min(until, now + milliseconds(1));
  // Done since it was last looked at: somebody waits for the answer.
  if (!running && !lost_ && (!reads_.empty() || jobs_.in_flight())) until = now;
  if (running && (!reads_.empty() || jobs_.in_flight())) {
    until = std::min(until, now + std::clamp<Clock::duration>(waited / 16, microseconds(20), milliseconds(1)));
  } else if (running) {
    until = std::min(until, now + std::clamp<Clock::duration>(waited / 4, microseconds(500), milliseconds(20)));
  }
  if (queue_.size() == 0 && closing_.load(std::memory_order_acquire)) {
    std::this_thread::sleep_until(std::min(until, now + milliseconds(1)));
    return std::nullopt;
  }
  std::optional<Work> work = queue_.pop_until(until);
  if (!work) return std::nullopt;
  queued_bytes_.fetch_sub(held_bytes(*work), std::memory_order_relaxed);
  if (hold_back(*work)) return std::nullopt;
  return work;
}

bool DeviceThread::hold_back(Work& work) {
  const ParkedWork::Outcome outcome = parked_.park(work);
  if (outcome == ParkedWork::Outcome::kFree) return false;
  acknowledge();  // nothing is done here that would do it
  const Error busy = {ErrorCode::kBusy, "a job holds the session back, and no more can wait for it: send again later"};
  // Its results would be missing silently.
  if (outcome == ParkedWork::Outcome::kFull && !fail(work, busy)) shared_.sessions.close((*session_of(work))->id);
  return true;
}

void DeviceThread::add(std::unique_ptr<WaitedJob> job) {
  if (job->holds_session()) job->keep(parked_.hold(job->session_ref()));
  jobs_.add(std::move(job));
}

void DeviceThread::housekeeping() {
  for (const SessionRef& session : shared_.sessions.take_closed()) {
    parked_.drop(*session);
    interpreter_.drop(*session);
  }
  interpreter_.expire_kept();
  if (lost_) return;
  vulkan::Recorder& recorder = device_.recorder();
  const bool queue_empty = queue_.size() == 0;
  const bool quiet = queue_empty && Clock::now() - last_work_ >= kIdleBeforeSubmit;
  const bool read_waits = reads_.want_submit() && (queue_empty || unsubmitted_items_ >= kMaxItemsBeforeReadSubmits);
  if (read_waits || has_enough() || staged_bytes_ >= kSubmitStagedBytes || (quiet && recorder.pending() > 0)) {
    if (!submit()) return;
  }
  look_for_loss();
  if (!jobs_.empty()) advance_jobs();
  if (!reads_.empty()) {
    shared_.calls.expire(Clock::now());
    reads_.complete(recorder.completed());
    counters_.downloads_bytes.store(reads_.downloaded_bytes(), std::memory_order_relaxed);
  }
  recorder.collect();
  const program::Executor::Counters& done = interpreter_.executor().counters();
  counters_.instructions.store(done.instructions, std::memory_order_relaxed);
  counters_.instructions_failed.store(done.failed, std::memory_order_relaxed);
  counters_.validate_ns.store(done.validate_ns, std::memory_order_relaxed);
  counters_.record_ns.store(done.record_ns, std::memory_order_relaxed);
}

bool DeviceThread::has_enough() const {
  const vulkan::Recorder& recorder = device_.recorder();
  const uint32_t commands = recorder.in_flight() > 0 ? kSubmitCommandsBehind : kSubmitCommands;
  return recorder.pending() >= commands || recorder.pending_ms() >= kSubmitMs;
}

// From when the device has enough until half of it is done, so that this thread does not wake for little.
bool DeviceThread::is_busy() {
  const vulkan::Recorder& recorder = device_.recorder();
  const uint64_t part = busy_ ? 2 : 1;
  busy_ = recorder.submitted() - recorder.completed() >= kMaxSubmissionsInFlight / part ||
          recorder.in_flight() >= kMaxCommandsInFlight / part || recorder.in_flight_ms() >= kMaxInFlightMs / part;
  return busy_;
}

// One by one, since each that is waited for tells what its kernels take.
void DeviceThread::wait_for_device() {
  vulkan::Recorder& recorder = device_.recorder();
  check(recorder.wait(recorder.completed() + 1, Deadline::after_ms(5)));
  recorder.collect();
}

void DeviceThread::step() {
  progress_.fetch_add(1, std::memory_order_relaxed);
  vulkan::Recorder& recorder = device_.recorder();
  if (!has_enough() || lost_) return;
  const Clock::time_point began = Clock::now();
  if (!submit()) return;
  acknowledge();
  while (!lost_ && recorder.completed() < recorder.submitted() && is_busy()) wait_for_device();
  interpreter_.executor().stop_clock(Clock::now() - began);
}

// A device can be lost while nobody submits: the timeline then just stops.
void DeviceThread::look_for_loss() {
  const vulkan::Recorder& recorder = device_.recorder();
  const Clock::time_point now = Clock::now();
  if (recorder.completed() >= recorder.submitted() || now - looked_for_loss_ < kBetweenLooks) return;
  looked_for_loss_ = now;
  check(device_.recorder().wait(recorder.submitted(), Deadline::after_ms(0)));
}

void DeviceThread::advance_jobs() {
  shared_.calls.expire(Clock::now());
  const Result<bool> recorded = jobs_.record(device_.recorder().completed());
  if (!recorded.ok()) return fatal(recorded.error());
  if (*recorded) submit();
}

bool DeviceThread::submit() {
  const Result<uint64_t> value = device_.recorder().submit();
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

void DeviceThread::perform(RunWork& work) {
  if (owed_to_ != work.session) acknowledge();
  Session& session = *work.session;
  if (session.closed.load(std::memory_order_acquire) || lost_) return acknowledge();
  interpreter_.run(session, work.run.commands);
  const auto commands = static_cast<uint32_t>(work.run.commands.size());
  session.queued_commands.fetch_sub(commands, std::memory_order_relaxed);
  owed_to_ = std::move(work.session);
  owed_seq_ = work.run.seq;
  owed_commands_ += commands;
  shared_.spare.give(std::move(work.run.commands));
  if (owed_commands_ >= kAcknowledgedCommands || queue_.size() == 0) acknowledge();
}

void DeviceThread::acknowledge() {
  if (!owed_to_) return;
  etf::Writer ack;
  ack.version().tuple(3).atom("gpu_node_ack").unsigned_integer(owed_to_->id).integer(owed_seq_);
  owed_to_->link->send(owed_to_->owner, ack.take());
  owed_to_.reset();
  owed_commands_ = 0;
}

void DeviceThread::perform(DownloadWork& work) {
  if (work.call->answered()) return;
  const Result<void> started = start_download(work);
  if (started.ok()) return;
  work.call->fail(started.error());
  check(started);
}

Result<void> DeviceThread::start_download(DownloadWork& work) {
  const Download& download = work.download;
  GPU_ASSIGN(program::Tensor tensor, interpreter_.find(*work.session, download.id, "download"));
  const uint64_t total = program::size_bytes(tensor);
  const auto element = static_cast<uint64_t>(dtype_size_bytes(tensor.dtype));
  const std::string what = concat("download of ", type_text(tensor.dtype, tensor.map.shape), " (", total,
                                  " bytes), offset ", download.offset);
  if (download.offset > total) return Error{ErrorCode::kInvalidArgument, what + ": the offset is past the end"};
  const uint64_t size = download.size.value_or(total - download.offset);
  if (size > total - download.offset)
    return Error{ErrorCode::kInvalidArgument, concat(what, ", size ", size, ": past the end")};
  if (download.offset % element != 0 || size % element != 0)
    return Error{ErrorCode::kInvalidArgument,
                 concat(what, ", size ", size, ": not multiples of ", element, ", the element's size")};
  if (size > kMaxReplyBytes)
    return Error{ErrorCode::kInvalidArgument,
                 concat(what, ", size ", size, ": the limit of a reply is ", kMaxReplyBytes, "; read it in slices")};
  if (size == 0) {
    reads_.add(work.call, program::Readback{});
    return {};
  }
  GPU_ASSIGN(const program::Tensor whole, interpreter_.contiguous(*work.session, tensor));
  // The next slice need not copy again.
  if (size < total && whole.storage != tensor.storage) interpreter_.replace(*work.session, download.id, whole);
  GPU_ASSIGN(program::Readback readback, interpreter_.transfer().read(whole, download.offset, size));
  reads_.add(work.call, std::move(readback));
  return {};
}

void DeviceThread::perform(SyncWork& work) {
  if (work.call->answered()) return;
  for (const int64_t id : work.ids) {
    const Result<program::Tensor> tensor = interpreter_.find(*work.session, id, "sync");
    if (!tensor.ok()) return work.call->fail(tensor.error());
  }
  reads_.add(work.call, std::nullopt);
}

void DeviceThread::perform(UploadOpenWork& work) {
  if (work.call->answered() || work.session->closed.load(std::memory_order_acquire)) return;
  const Result<void> opened = interpreter_.open_upload(*work.session, work.id, work.type);
  if (!opened.ok()) {
    work.call->fail(opened.error());
    return check(opened);
  }
  if (!work.call->claim()) {  // its caller has given up, so nobody will fill it
    return interpreter_.free(*work.session, std::span(&work.id, 1));
  }
  etf::Writer writer = begin_reply(work.call->caller());
  writer.tuple(2).atom("ok").map(2);
  writer.atom("chunk_bytes").unsigned_integer(kUploadChunkBytes).atom("window").unsigned_integer(kUploadWindow);
  send_reply(work.call->caller(), std::move(writer));
}

void DeviceThread::perform(AttachWork& work) {
  if (work.call->answered() || work.session->closed.load(std::memory_order_acquire)) return;
  const Result<void> attached = interpreter_.attach(*work.session, work.id, work.from);
  if (!attached.ok()) return work.call->fail(attached.error());
  if (!work.call->claim()) return interpreter_.free(*work.session, std::span(&work.id, 1));
  reply_ok(work.call->caller());
}

void DeviceThread::perform(DataWork& work) {
  if (work.work.call->answered() || work.work.session->closed.load(std::memory_order_acquire)) return;
  add(std::make_unique<DataJob>(std::move(work.work), interpreter_, shared_.compile));
}

void DeviceThread::perform(ModelWork& work) {
  if (work.work.call->answered() || work.work.session->closed.load(std::memory_order_acquire)) return;
  add(std::make_unique<CompileJob>(std::move(work.work), std::move(work.planned), device_, interpreter_));
}

template <typename Job, typename JobWork, typename Request>
void DeviceThread::start(JobWork& work, Request& request) {
  if (work.call->answered() || work.session->closed.load(std::memory_order_acquire)) return;
  auto job = Job::make(work.session, work.call, std::move(request), device_, interpreter_);
  if (job.ok()) return add(std::move(job).value());
  work.call->fail(job.error());
  check(std::move(job).error());
}

void DeviceThread::perform(ChainWork& work) { start<ChainJob>(work, work.chain); }
void DeviceThread::perform(SampleWork& work) { start<SampleJob>(work, work.sample); }

void DeviceThread::perform(PendingJobWork& work) {
  if (work.job->wanted()) add(std::move(work.job));
}

void DeviceThread::perform(DispatchWork& work) {
  if (work.call->answered() || work.session->closed.load(std::memory_order_acquire)) return;
  add(std::make_unique<DispatchJob>(std::move(work.session), std::move(work.call), std::move(work.dispatch), device_,
                                    interpreter_));
}

Result<vulkan::BufferRef> DeviceThread::copy_chunk(const Chunk& chunk) {
  const program::Tensor& tensor = chunk.upload()->tensor();
  program::Transfer& transfer = interpreter_.transfer();
  GPU_ASSIGN(vulkan::BufferRef fresh, transfer.upload_buffer(chunk.staging()->size_bytes()));
  GPU_TRY(transfer.copy_in(chunk.staging(), chunk.size_bytes(), tensor, chunk.offset()));
  staged_bytes_ += chunk.size_bytes();
  return fresh;
}

void DeviceThread::perform(StagedChunkWork& work) {
  Result<vulkan::BufferRef> fresh = copy_chunk(*work.chunk);
  if (!fresh.ok()) return reply_error(work.reply_to, fresh.error());
  const UploadRef& upload = work.chunk->upload();
  if (upload->land(*work.chunk, std::move(fresh).value())) interpreter_.complete_upload(*work.session, *upload);
  reply_ok(work.reply_to);
}

void DeviceThread::perform(UploadDoneWork& work) { interpreter_.complete_upload(*work.session, *work.upload); }

}  // namespace gpu_node::service
