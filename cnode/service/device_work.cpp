// What the device thread does with each kind of work.
#include "base/concat.h"
#include "service/chain_jobs.h"
#include "service/device_thread.h"
#include "service/explain_job.h"
#include "service/sample_job.h"
#include "service/shader_jobs.h"
#include "vulkan/kernel_cache.h"

namespace gpu_node::service {
namespace {

// An acknowledgement costs a packet, and the peer a look at it when an answer may be on its way. Nobody waits for one
// but those who have thousands of commands on their way: so one is sent for this many commands, or for what was done in
// this time.
constexpr uint32_t kAcknowledgedCommands = 256;
constexpr std::chrono::milliseconds kAcknowledgedWithin{2};

}  // namespace

template <typename Tried, typename Attempt>
auto DeviceThread::try_work(Tried& work, Attempt attempt) -> std::optional<decltype(attempt())> {
  std::unique_ptr<Trial> trial = std::move(work.trial != nullptr ? work.trial : spare_trial_);
  if (trial == nullptr) trial = std::make_unique<Trial>();
  auto tried = interpreter_.attempt(*work.session, *trial, attempt);
  if (tried.ok() || !trial->lacks()) {
    spare_trial_ = std::move(trial);
    return tried;
  }
  work.trial = std::move(trial);
  const Trial& on_trial = *work.trial;
  put_back(std::move(work), on_trial.lacking(), on_trial.attempt.buffers.bytes());
  return std::nullopt;
}

void DeviceThread::put_back(Work&& work, Lacking lacking, uint64_t reserved_bytes) {
  const SessionRef& session = *session_of(work);
  const PendingCallRef* call = call_of(work);
  if (lacking.any())
    waits_.push_back({std::move(lacking), call != nullptr ? *call : nullptr, parked_.hold(session),
                      session->account->charge_anyway(reserved_bytes)});
  parked_.put_back(std::move(work));
}

void DeviceThread::perform(RunWork& work) {
  if (owed_to_ != work.session) acknowledge();
  Session& session = *work.session;
  if (session.closed.load(std::memory_order_acquire) || lost_) return acknowledge();
  if (turn_of_ != session.id) {
    turn_of_ = session.id;
    turn_began_ms_ = spent_ms();
  }
  const bool was_shown = work.paused != nullptr;
  const bool done = interpreter_.run(session, work.run.commands, work.paused);
  session.recorded_in = recorder_.submitted() + (recorder_.pending() > 0 ? 1 : 0);
  if (turn_is_over()) {
    parked_.end_turn(session);
    turn_of_ = 0;
  }
  if (!done) {
    acknowledge();  // of messages before it
    const Running& paused = *work.paused;
    put_back(std::move(work), paused.lacking(), paused.trial.attempt.buffers.bytes());
    return show_jobs();
  }
  if (was_shown) show_jobs();
  const auto commands = static_cast<uint32_t>(work.run.commands.size());
  session.queued_commands.fetch_sub(commands, std::memory_order_relaxed);
  if (!owed_to_) owed_until_ = Clock::now() + kAcknowledgedWithin;
  owed_to_ = std::move(work.session);
  owed_seq_ = work.run.seq;
  owed_commands_ += commands;
  shared_.spare.give(std::move(work.run.commands));
  if (owed_commands_ >= kAcknowledgedCommands) acknowledge();
}

void DeviceThread::perform(DownloadWork& work) {
  if (work.call->answered()) return;
  const auto started = try_work(work, [&] { return start_download(work); });
  if (!started || started->ok()) return;
  work.call->fail(started->error());
  check(*started);
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
  GPU_ASSIGN(program::Readback readback, interpreter_.read(*work.session, whole, download.offset, size));
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
  const auto opened = try_work(work, [&] { return interpreter_.open_upload(*work.session, work.id, work.type); });
  if (!opened) return;
  if (!opened->ok()) {
    work.call->fail(opened->error());
    return check(*opened);
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
  device_.kernels().give_back_idle(recorder_.completed());
  add(std::make_unique<CompileJob>(std::move(work.work), std::move(work.planned), device_, interpreter_));
}

template <typename Job, typename JobWork, typename Request>
void DeviceThread::start(JobWork& work, const Request& request) {
  if (work.call->answered() || work.session->closed.load(std::memory_order_acquire)) return;
  auto job = try_work(work, [&] { return Job::make(work.session, work.call, request, device_, interpreter_); });
  if (!job) return;
  if (job->ok()) return add(std::move(*job).value());
  work.call->fail(job->error());
  check(std::move(*job).error());
}

void DeviceThread::perform(ChainWork& work) { start<ChainJob>(work, work.chain); }
void DeviceThread::perform(SampleWork& work) { start<SampleJob>(work, work.sample); }

void DeviceThread::perform(PendingJobWork& work) {
  device_.kernels().give_back_idle(recorder_.completed());
  if (work.job->wanted()) add(std::move(work.job));
}

void DeviceThread::perform(DispatchWork& work) {
  if (work.call->answered() || work.session->closed.load(std::memory_order_acquire)) return;
  add(std::make_unique<DispatchJob>(std::move(work.session), std::move(work.call), std::move(work.dispatch), device_,
                                    interpreter_));
}

void DeviceThread::perform(ExplainWork& work) {
  if (work.call->answered() || work.session->closed.load(std::memory_order_acquire)) return;
  Result<ProgramRef> program = interpreter_.find_program(*work.session, work.program, "explain_program");
  if (!program.ok()) return work.call->fail(program.error());
  add(std::make_unique<ExplainJob>(std::move(work.session), std::move(work.call), std::move(program).value(), work.glsl,
                                   device_));
}

Result<vulkan::BufferRef> DeviceThread::copy_chunk(const Session& session, const Chunk& chunk) {
  const program::Tensor& tensor = chunk.upload()->tensor();
  program::Transfer& transfer = interpreter_.transfer();
  GPU_ASSIGN(vulkan::BufferRef fresh,
             interpreter_.with_room(session, [&] { return transfer.upload_buffer(chunk.staging()->size_bytes()); }));
  GPU_TRY(transfer.copy_in(chunk.staging(), chunk.size_bytes(), tensor, chunk.offset()));
  staged_bytes_ += chunk.size_bytes();
  return fresh;
}

void DeviceThread::perform(StagedChunkWork& work) {
  Result<vulkan::BufferRef> fresh = copy_chunk(*work.session, *work.chunk);
  if (!fresh.ok()) return reply_error(work.reply_to, fresh.error());
  const UploadRef& upload = work.chunk->upload();
  if (upload->land(*work.chunk, std::move(fresh).value())) interpreter_.complete_upload(*work.session, *upload);
  reply_ok(work.reply_to);
}

void DeviceThread::perform(UploadDoneWork& work) { interpreter_.complete_upload(*work.session, *work.upload); }

}  // namespace gpu_node::service
