// The calls of PROTOCOL.md: answered here where no device is needed, else admitted and queued.
#include "base/concat.h"
#include "base/file.h"
#include "kernels/glsl/shader_library.h"
#include "service/service.h"
#include "service/shader_jobs.h"
#include "vulkan/kernel_cache.h"
#include "vulkan/recorder.h"

namespace gpu_node::service {
namespace {

Error shutting_down() { return {ErrorCode::kShuttingDown, "the process drains and takes no new work"}; }

int64_t milliseconds_since(Clock::time_point since) {
  return std::max<int64_t>(0, in_milliseconds(Clock::now() - since));
}

}  // namespace

void Service::handle(const LinkRef& link, Call&& call) {
  Caller caller{link, std::move(call.pid), std::move(call.tag)};
  if (!call.request.ok()) {
    unknown_messages_.fetch_add(1, std::memory_order_relaxed);
    return reply_error(caller, call.request.error());
  }
  std::visit([&](auto& request) { answer(std::move(caller), request); }, call.request.value());
}

void Service::answer(Caller&& caller, Ping&) {
  etf::Writer writer = begin_reply(caller);
  writer.atom("pong");
  send_reply(caller, std::move(writer));
}

void Service::answer(Caller&& caller, Describe& describe) {
  if (describe.protocol != kProtocolVersion)
    return reply_error(caller,
                       {ErrorCode::kUnsupported, concat("the client speaks protocol ", describe.protocol, ", gpu_node ",
                                                        options_.identity.version, " speaks ", kProtocolVersion)});
  etf::Writer writer = begin_reply(caller);
  writer.tuple(2).atom("ok");
  const vulkan::KernelCache& cache = device_->kernels();
  const std::string toolchain = sha256_hex(cache.toolchain() + kernels::library_fingerprint());
  write_describe(writer, options_.identity, *device_, {options_.allow_raw_shaders, toolchain, cache.saved_in()});
  send_reply(caller, std::move(writer));
}

void Service::answer(Caller&& caller, Open& open) {
  if (draining_) return reply_error(caller, shutting_down());
  const TermBytes owner = open.pid;
  const Result<SessionRef> opened = sessions_.open(std::move(open), caller.link);
  if (!opened.ok()) return reply_error(caller, opened.error());
  const Session& session = *opened.value();
  if (!caller.link->monitor(owner)) return sessions_.close(session.id);
  etf::Writer writer = begin_reply(caller);
  writer.tuple(2).atom("ok").map(6);
  writer.atom("session").unsigned_integer(session.id);
  writer.atom("incarnation").unsigned_integer(options_.identity.incarnation);
  writer.atom("lease_ms").integer(session.lease_ms);
  writer.atom("max_pending_instructions").unsigned_integer(kMaxPendingInstructions);
  writer.atom("upload_chunk_bytes").unsigned_integer(kUploadChunkBytes);
  writer.atom("upload_window").unsigned_integer(kUploadWindow);
  send_reply(caller, std::move(writer));
}

void Service::answer(Caller&& caller, Heartbeat& heartbeat) {
  const Result<SessionRef> session = sessions_.find(heartbeat.session);
  if (!session.ok()) return reply_error(caller, session.error());
  const auto since = device_->recorder().in_flight_since();
  etf::Writer writer = begin_reply(caller);
  writer.tuple(2).atom("ok").map(3);
  writer.atom("activity");
  write_activity(writer, activity());
  writer.atom("queued").unsigned_integer(session.value()->queued_commands.load(std::memory_order_relaxed));
  writer.atom("busy_ms").integer(since ? milliseconds_since(*since) : 0);
  send_reply(caller, std::move(writer));
}

void Service::answer(Caller&& caller, Close& close) {
  const Result<SessionRef> session = sessions_.find(close.session);
  if (!session.ok()) return reply_error(caller, session.error());
  sessions_.close(close.session);
  (void)device_thread_.push(WakeWork{});
  reply_ok(caller);
}

void Service::answer(Caller&& caller, Stats&) {
  etf::Writer writer = begin_reply(caller);
  writer.tuple(2).atom("ok");
  write_stats(writer, stats());
  send_reply(caller, std::move(writer));
}

void Service::answer(Caller&& caller, Cancel& cancel) {
  const Result<SessionRef> session = sessions_.find(cancel.session);
  if (!session.ok()) return reply_error(caller, session.error());
  const bool cancelled = calls_.cancel(cancel.session, cancel.ref);
  etf::Writer writer = begin_reply(caller);
  writer.tuple(2).atom("ok").boolean(cancelled);
  send_reply(caller, std::move(writer));
}

void Service::answer(Caller&& caller, Download& download) {
  const auto admitted = admit(std::move(caller), download.session, std::move(download.options));
  if (admitted) enqueue(admitted->second, DownloadWork{admitted->first, admitted->second, std::move(download)});
}

void Service::answer(Caller&& caller, Sync& sync) {
  const auto admitted = admit(std::move(caller), sync.session, std::move(sync.options));
  if (admitted) enqueue(admitted->second, SyncWork{admitted->first, admitted->second, std::move(sync.ids)});
}

void Service::answer(Caller&& caller, UploadOpen& upload) {
  const auto admitted = admit(std::move(caller), upload.session, std::move(upload.options));
  if (admitted)
    enqueue(admitted->second, UploadOpenWork{admitted->first, admitted->second, upload.id, std::move(upload.type)});
}

void Service::answer(Caller&& caller, Attach& attach) {
  const auto admitted = admit(std::move(caller), attach.session, std::move(attach.options));
  if (admitted) enqueue(admitted->second, AttachWork{admitted->first, admitted->second, attach.id, attach.from});
}

void Service::answer(Caller&& caller, CompileFamily& compile) {
  const auto admitted = admit(std::move(caller), compile.session, std::move(compile.options));
  if (!admitted) return;
  CompileWork work{admitted->first, admitted->second, std::move(compile)};
  if (!work.request.tensors.empty()) return enqueue(admitted->second, DataWork{std::move(work)});
  if (!families_.push(std::move(work)))
    admitted->second->fail({ErrorCode::kBusy, "too many families wait to be compiled: send again later"});
}

std::optional<std::pair<SessionRef, PendingCallRef>> Service::admit_shader(Caller&& caller, uint64_t session,
                                                                           RequestOptions&& options) {
  if (options_.allow_raw_shaders) return admit(std::move(caller), session, std::move(options));
  reply_error(caller, {ErrorCode::kUnsupported,
                       "this node takes no shaders of clients: its operator allows them with --allow-raw-shaders"});
  return std::nullopt;
}

void Service::answer(Caller&& caller, CompileGlsl& compile) {
  const auto admitted = admit_shader(std::move(caller), compile.session, std::move(compile.options));
  if (!admitted) return;
  auto pending = device_->kernels().compile(kernels::with_library(compile.glsl), admitted->first->id);
  enqueue(admitted->second, PendingJobWork{std::make_unique<CompileGlslJob>(
                                admitted->first, admitted->second, std::move(compile.glsl), std::move(pending))});
}

void Service::answer(Caller&& caller, LoadSpirv& load) {
  const auto admitted = admit_shader(std::move(caller), load.session, std::move(load.options));
  if (!admitted) return;
  const vulkan::Asker asker{admitted->first->id, vulkan::KernelAuthor::kClient, load.words.size() * sizeof(uint32_t)};
  auto emit = [words = std::move(load.words)]() -> Result<vulkan::KernelSource> {
    return vulkan::KernelSource{.spirv = words};
  };
  auto pending = device_->kernels().request(raw_kernel_key(load.hash), std::move(emit), asker);
  enqueue(admitted->second, PendingJobWork{std::make_unique<LoadSpirvJob>(admitted->first, admitted->second,
                                                                          std::move(load.hash), std::move(pending))});
}

void Service::answer(Caller&& caller, DispatchSpirv& dispatch) {
  const auto admitted = admit_shader(std::move(caller), dispatch.session, std::move(dispatch.options));
  if (admitted) enqueue(admitted->second, DispatchWork{admitted->first, admitted->second, std::move(dispatch)});
}

void Service::answer(Caller&& caller, SavePipelines& save) {
  const auto admitted = admit(std::move(caller), save.session, std::move(save.options));
  if (!admitted) return;
  enqueue(admitted->second,
          PendingJobWork{std::make_unique<SaveJob>(admitted->first, admitted->second, device_->kernels().save())});
}

void Service::answer(Caller&& caller, ExplainProgram& explain) {
  const auto admitted = admit(std::move(caller), explain.session, std::move(explain.options));
  if (admitted)
    enqueue(admitted->second, ExplainWork{admitted->first, admitted->second, explain.program, explain.glsl});
}

void Service::answer(Caller&& caller, Chain& chain) {
  const auto admitted = admit(std::move(caller), chain.session, std::move(chain.options));
  if (admitted) enqueue(admitted->second, ChainWork{admitted->first, admitted->second, std::move(chain)});
}

void Service::answer(Caller&& caller, Sample& sample) {
  const auto admitted = admit(std::move(caller), sample.session, std::move(sample.options));
  if (admitted) enqueue(admitted->second, SampleWork{admitted->first, admitted->second, std::move(sample)});
}

std::optional<std::pair<SessionRef, PendingCallRef>> Service::admit(Caller&& caller, uint64_t session,
                                                                    RequestOptions&& options) {
  Result<SessionRef> found = sessions_.find(session);
  const auto refuse_with = [&](const Error& error) {
    reply_error(caller, error);
    return std::nullopt;
  };
  if (!found.ok()) return refuse_with(found.error());
  if (draining_) return refuse_with(shutting_down());
  if (failed_) return refuse_with({ErrorCode::kDeviceLost, "the device has failed; the process restarts"});
  std::optional<PendingCallRef> call = calls_.add(caller, session, std::move(options));
  if (!call) return refuse_with({ErrorCode::kBusy, "too many requests wait: send again later"});
  return std::pair(std::move(found).value(), std::move(*call));
}

void Service::enqueue(const PendingCallRef& call, Work&& work) {
  if (device_thread_.push(std::move(work))) return;
  call->fail(draining_ ? shutting_down() : Error{ErrorCode::kBusy, "the queue is full: send again later"});
}

void Service::look_at_activity() {
  const DeviceThread::Counters& done = device_thread_.counters();
  activity_.look(Clock::now(), device_->recorder().in_flight_since().has_value(),
                 {done.instructions, uploads_bytes_, done.downloads_bytes});
}

ActivityView Service::activity() const { return {activity_.rates(), device_thread_.jobs(), sessions_.live()}; }

StatsView Service::stats() const {
  const DeviceThread::Counters& done = device_thread_.counters();
  const auto busy = device_thread_.busy_since();
  StatsView view;
  view.uptime_ms = static_cast<uint64_t>(milliseconds_since(started_));
  view.incarnation = options_.identity.incarnation;
  view.draining = draining_;
  view.device = device_->counters();
  view.memory_limit = device_->memory_limit_now();
  view.sessions = sessions_.live();
  view.queue_depth = device_thread_.depth();
  view.oldest_ms = busy ? static_cast<uint64_t>(milliseconds_since(*busy)) : 0;
  view.instructions = done.instructions;
  view.instructions_failed = done.instructions_failed;
  view.decode_ns = decode_ns_;
  view.validate_ns = done.validate_ns;
  view.record_ns = done.record_ns;
  view.uploads_bytes = uploads_bytes_;
  view.downloads_bytes = done.downloads_bytes;
  view.unknown_messages = unknown_messages_;
  view.unknown_frees = device_thread_.unknown_frees();
  view.kept_bytes = device_thread_.kept().bytes();
  view.kept_given_up = device_thread_.kept().given_up();
  view.attached = device_thread_.attached();
  if (options_.network) view.network = options_.network();
  view.activity = activity();
  return view;
}

}  // namespace gpu_node::service
