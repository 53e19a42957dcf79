// The service: what the messages of PROTOCOL.md do. Reader threads hand it messages; it answers at once what needs no
// device, and queues the rest for the device thread.
//
// Thread-safe. Nothing a peer sends ends the process; a lost or hung device does, by |on_device_failure|.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/deadline.h"
#include "base/result.h"
#include "service/describe.h"
#include "service/device_thread.h"
#include "service/family_compiler.h"
#include "service/watchdog.h"
#include "vulkan/device.h"

namespace gpu_node::service {

struct ServiceOptions {
  Identity identity;
  int64_t watchdog_ms = 30'000;
  bool allow_raw_shaders = false;            // clients may send shaders of their own
  std::function<NetworkCounters()> network;  // may be empty
  // The device is lost or hangs: everyone who waits has been answered `device_lost`. Expected not to return.
  std::function<void(const std::string& why)> on_device_failure;
};

// A chunk of an upload and whom to tell once its bytes have come: what the head of its message said.
struct Arrival {
  SessionRef session;
  ChunkRef chunk;
  Caller reply_to;
};

// Where the last bytes of an upload message go, instead of a buffer of their own.
struct Landing {
  std::byte* destination = nullptr;
  size_t size_bytes = 0;
  std::shared_ptr<Arrival> arrival;
};

class Service {
 public:
  Service(std::unique_ptr<vulkan::Device> device, ServiceOptions options);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // A whole message; |payload| (an external term) lies in |frame|.
  void on_message(const LinkRef& link, std::vector<std::byte> frame, std::span<const std::byte> payload);

  // The beginning of a message of |payload_bytes|: where an upload's bytes may be received directly, or nothing, and
  // the message is to come whole. Followed by on_landed with the landing's arrival, or by dropping it when the
  // connection ends.
  std::optional<Landing> claim(const LinkRef& link, std::span<const std::byte> head, size_t payload_bytes);
  void on_landed(Arrival&& arrival);

  // A message of |payload_bytes|, above kMaxMessageBytes, that begins with |head|, is not received: its sender is told.
  void on_too_large(const LinkRef& link, std::span<const std::byte> head, size_t payload_bytes);
  void on_process_down(const LinkRef& link, const TermBytes& pid);
  void on_link_down(const LinkRef& link);

  // Refuses new work with `shutting_down`, and waits until what is queued is done. False when |deadline| came first.
  bool drain(const Deadline& deadline);

  StatsView stats() const;
  ActivityView activity() const;
  const vulkan::DeviceInfo& device_info() const { return device_->info(); }
  const vulkan::MemoryLimit& memory_limit() const { return device_->memory_limit(); }

 private:
  void handle(const LinkRef& link, Call&& call);
  void handle(const LinkRef& link, Run&& run, std::vector<std::byte> frame);
  void handle(const LinkRef& link, UploadChunk&& chunk);

  void answer(Caller&& caller, Ping&);
  void answer(Caller&& caller, Describe& describe);
  void answer(Caller&& caller, Open& open);
  void answer(Caller&& caller, Heartbeat& heartbeat);
  void answer(Caller&& caller, Close& close);
  void answer(Caller&& caller, Download& download);
  void answer(Caller&& caller, Sync& sync);
  void answer(Caller&& caller, UploadOpen& upload);
  void answer(Caller&& caller, Attach& attach);
  void answer(Caller&& caller, CompileFamily& compile);
  void answer(Caller&& caller, Chain& chain);
  void answer(Caller&& caller, Sample& sample);
  void answer(Caller&& caller, CompileGlsl& compile);
  void answer(Caller&& caller, LoadSpirv& load);
  void answer(Caller&& caller, DispatchSpirv& dispatch);
  void answer(Caller&& caller, SavePipelines& save);
  void answer(Caller&& caller, ExplainProgram& explain);
  void answer(Caller&& caller, Stats&);
  void answer(Caller&& caller, Cancel& cancel);

  // Registers the caller of a request that the device thread answers; nothing when he has been answered already.
  std::optional<std::pair<SessionRef, PendingCallRef>> admit(Caller&& caller, uint64_t session,
                                                             RequestOptions&& options);
  void enqueue(const PendingCallRef& call, Work&& work);
  // As admit(), for shaders of clients, which this node may not take.
  std::optional<std::pair<SessionRef, PendingCallRef>> admit_shader(Caller&& caller, uint64_t session,
                                                                    RequestOptions&& options);
  Result<Arrival> expect(const LinkRef& link, UploadChunk&& head);
  void look_at_activity();
  void count_unknown(const LinkRef& link, const Error& error);
  void device_failed(const std::string& why);

  const ServiceOptions options_;
  const std::unique_ptr<vulkan::Device> device_;
  const Clock::time_point started_ = Clock::now();
  SessionTable sessions_;
  UploadTable uploads_;
  PendingCalls calls_;
  SpareCommands spare_;
  std::atomic<bool> draining_{false};
  std::atomic<bool> failed_{false};
  std::atomic<uint64_t> decode_ns_{0}, uploads_bytes_{0}, unknown_messages_{0};
  Activity activity_;
  FamilyCompiler families_;
  DeviceThread device_thread_;
  Watchdog watchdog_;
};

}  // namespace gpu_node::service
