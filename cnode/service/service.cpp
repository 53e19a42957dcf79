#include "service/service.h"

#include <algorithm>

#include "base/concat.h"
#include "base/host_memory.h"
#include "base/log.h"
#include "service/decode.h"
#include "vulkan/recorder.h"

namespace gpu_node::service {
namespace {

constexpr size_t kMaxPendingCalls = 16384;
constexpr uint64_t kMaxQueuedBytes = 256u << 20;
// Above this many times that a message with programs ends its session: who refused them would refuse all their runs.
constexpr uint64_t kProgramsFactor = 2;
// A session that goes on sending this many times what it may is ended: even refusing costs memory.
constexpr uint32_t kIntolerable = 4;

// Names and programs are the host's memory: a quarter of a small host's, at most.
uint64_t host_share() {
  uint64_t share = kMaxHostBytes;
  for (const MemoryBound& bound : HostMemory().look()) share = std::min(share, bound.usable_bytes() / 4);
  return share;
}

}  // namespace

Service::Service(std::unique_ptr<vulkan::Device> device, ServiceOptions options)
    : options_(std::move(options)),
      device_(std::move(device)),
      sessions_(host_share()),
      calls_(kMaxPendingCalls),
      families_(device_->info(),
                [this](CompileWork&& work, PlannedModel&& planned) {
                  const PendingCallRef call = work.call;
                  enqueue(call, ModelWork{std::move(work), std::move(planned)});
                }),
      device_thread_(
          *device_,
          {sessions_, uploads_, calls_, spare_, [this](CompileWork&& work) { return families_.push(std::move(work)); }},
          [this](const Error& error) { device_failed("the device is lost: " + error.message); }),
      watchdog_({.limit_ms = options_.watchdog_ms,
                 .subjects = {{"the device", [this] { return device_->recorder().in_flight_since(); },
                               [this] { return device_->recorder().completed(); }},
                              {"the device thread", [this] { return device_thread_.busy_since(); },
                               // It may wait for the device, or for the pages of a large buffer.
                               [this] {
                                 return device_thread_.progress() + device_->recorder().completed() +
                                        device_->memory_progress();
                               }}},
                 .tick =
                     [this] {
                       const Clock::time_point now = Clock::now();
                       calls_.expire(now);
                       sessions_.close_expired(now);
                       look_at_activity();
                     },
                 .on_trip = [this](const std::string& what) { device_failed(what); }}) {}

// The compiler and the device thread hand work to each other.
Service::~Service() { families_.close(); }

void Service::on_message(const LinkRef& link, std::vector<std::byte> frame, std::span<const std::byte> payload) {
  const Clock::time_point began = Clock::now();
  std::vector<Command> spare = spare_.take();
  Result<Message> message = decode_message(payload, spare);
  spare_.give(std::move(spare));
  decode_ns_.fetch_add(nanoseconds_between(began, Clock::now()), std::memory_order_relaxed);
  if (!message.ok()) return count_unknown(link, message.error());
  if (Call* call = std::get_if<Call>(&message.value())) return handle(link, std::move(*call));
  if (Run* run = std::get_if<Run>(&message.value())) return handle(link, std::move(*run), std::move(frame));
  handle(link, std::get<UploadChunk>(std::move(message.value())));
}

void Service::handle(const LinkRef& link, Run&& run, std::vector<std::byte> frame) {
  const Result<SessionRef> session = sessions_.find(run.session);
  if (!session.ok()) return count_unknown(link, session.error());
  if (draining_.load(std::memory_order_acquire)) return;
  const auto count = static_cast<uint32_t>(run.commands.size());
  const uint32_t queued = session.value()->queued_commands.fetch_add(count, std::memory_order_relaxed) + count;
  if (queued > kMaxPendingInstructions * kIntolerable) {
    log_line(LogLevel::kWarning, "session_floods", concat("session=", run.session, " peer=", link->peer()));
    return sessions_.close(run.session);
  }
  RunWork work = RunWork::of(session.value(), std::move(run), std::move(frame));
  const uint64_t bytes = device_thread_.queued_bytes();
  if (queued > kMaxPendingInstructions || bytes > kMaxQueuedBytes)
    refuse(work, {ErrorCode::kBusy,
                  concat(queued, " commands of the session are queued, the limit is ", kMaxPendingInstructions, "; ",
                         bytes, " bytes of all, the limit is ", kMaxQueuedBytes)});
  const bool too_many_programs = work.program_bytes > 0 && bytes > kProgramsFactor * kMaxQueuedBytes;
  if (!too_many_programs && device_thread_.push(std::move(work))) return;
  // Its results would be missing silently: whoever reads them must be told that the session cannot go on.
  sessions_.close(session.value()->id);
}

// The bytes that |head| announces are reserved in its tensor.
Result<Arrival> Service::expect(const LinkRef& link, UploadChunk&& head) {
  GPU_ASSIGN(SessionRef session, sessions_.find(head.session));
  const UploadRef upload = uploads_.find(head.session, head.id);
  if (!upload) return Error{ErrorCode::kNotFound, concat("upload: tensor ", head.id, " is not being uploaded")};
  GPU_ASSIGN(ChunkRef chunk, upload->reserve(head.offset, head.size_bytes));
  return Arrival{std::move(session), std::move(chunk), {link, std::move(head.pid), std::move(head.tag)}};
}

void Service::handle(const LinkRef& link, UploadChunk&& head) {
  const Caller caller{link, head.pid, head.tag};
  const std::span<const std::byte> bytes = head.bytes;
  Result<Arrival> arrival = expect(link, std::move(head));
  if (!arrival.ok()) return reply_error(caller, arrival.error());
  Upload::write(*arrival->chunk, bytes);
  on_landed(std::move(arrival).value());
}

std::optional<Landing> Service::claim(const LinkRef& link, std::span<const std::byte> head, size_t payload_bytes) {
  Result<UploadChunk> message = decode_upload_head(head);
  if (!message.ok() || message->size_bytes >= payload_bytes) return std::nullopt;
  Result<Arrival> arrival = expect(link, std::move(message).value());
  if (!arrival.ok() || !arrival->chunk->destination()) return std::nullopt;
  const ChunkRef chunk = arrival->chunk;
  return Landing{chunk->destination(), chunk->size_bytes(), std::make_shared<Arrival>(std::move(arrival).value())};
}

void Service::on_landed(Arrival&& arrival) {
  const auto& [session, chunk, reply_to] = arrival;
  uploads_bytes_.fetch_add(chunk->size_bytes(), std::memory_order_relaxed);
  if (session->closed.load(std::memory_order_acquire)) return reply_error(reply_to, sessions_.ended(session->id));
  session->touch();
  if (chunk->staging()) {
    if (!device_thread_.push(StagedChunkWork{session, chunk, reply_to}))
      reply_error(reply_to, {ErrorCode::kBusy, "upload: the queue is full"});
    return;
  }
  // The device thread must know before the client does: its next message may use the tensor.
  const UploadRef& upload = chunk->upload();
  if (upload->land(*chunk) && !device_thread_.push(UploadDoneWork{session, upload})) {
    sessions_.close(session->id);
    return reply_error(reply_to, {ErrorCode::kBusy, "upload: the queue is full"});
  }
  reply_ok(reply_to);
}

void Service::on_too_large(const LinkRef& link, std::span<const std::byte> head, size_t payload_bytes) {
  Result<MessageHead> message = decode_message_head(head);
  const std::string what = message.ok() ? message.value().what : "message";
  const Error error{ErrorCode::kInvalidArgument,
                    concat(what, ": a message of ", payload_bytes, " bytes, the limit is ", kMaxMessageBytes,
                           "; large data travels as tensors, by upload")};
  count_unknown(link, error);
  if (!message.ok()) return;
  if (!message.value().pid.empty())
    return reply_error({link, std::move(message.value().pid), std::move(message.value().tag)}, error);
  // Commands: their results would be missing silently.
  sessions_.close(message.value().session);
  (void)device_thread_.push(WakeWork{});
}

void Service::on_process_down(const LinkRef& link, const TermBytes& pid) {
  sessions_.close_owner(link, pid);
  (void)device_thread_.push(WakeWork{});
}

void Service::on_link_down(const LinkRef& link) {
  sessions_.close_link(link);
  (void)device_thread_.push(WakeWork{});
}

bool Service::drain(const Deadline& deadline) {
  draining_.store(true, std::memory_order_release);
  device_thread_.close();
  while (!device_thread_.finished() && !deadline.expired()) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  return device_thread_.finished() && !failed_;
}

void Service::count_unknown(const LinkRef& link, const Error& error) {
  unknown_messages_.fetch_add(1, std::memory_order_relaxed);
  log_line(LogLevel::kWarning, "message_dropped", "peer=" + link->peer() + " reason=\"" + error.message + "\"");
}

void Service::device_failed(const std::string& why) {
  if (failed_.exchange(true)) return;
  log_line(LogLevel::kError, "device_failed", "reason=\"" + why + "\"");
  calls_.fail_all({ErrorCode::kDeviceLost, why + "; the process restarts"});
  if (options_.on_device_failure) options_.on_device_failure(why);
}

}  // namespace gpu_node::service
