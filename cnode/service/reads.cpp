#include "service/reads.h"

#include <algorithm>

namespace gpu_node::service {
namespace {

constexpr uint64_t kSmallReplyBytes = 64 * 1024;  // above, the bulk connection carries it

struct Timing {
  int64_t queue_us, execute_us, transfer_us;
};

void write_timing(etf::Writer& writer, const Timing& timing) {
  writer.map(3).atom("queue_us").integer(timing.queue_us);
  writer.atom("execute_us").integer(timing.execute_us);
  writer.atom("transfer_us").integer(timing.transfer_us);
}

}  // namespace

void Reads::add(PendingCallRef call, std::optional<program::Readback> readback) {
  thread_.check("the reads");
  reads_.push_back({std::move(call), std::move(readback), Clock::now(), 0});
  ++unsubmitted_;
}

void Reads::submitted(uint64_t value) {
  thread_.check("the reads");
  for (size_t i = reads_.size() - unsubmitted_; i < reads_.size(); ++i) reads_[i].value = value;
  unsubmitted_ = 0;
}

void Reads::complete(uint64_t completed) {
  thread_.check("the reads");
  const size_t submitted = reads_.size() - unsubmitted_;
  size_t kept = 0;
  size_t kept_submitted = 0;
  for (size_t i = 0; i < reads_.size(); ++i) {
    Read& read = reads_[i];
    if (read.call->answered()) continue;
    if (i < submitted && read.value <= completed) {
      answer(read);
      continue;
    }
    if (i < submitted) ++kept_submitted;
    if (kept != i) reads_[kept] = std::move(read);
    ++kept;
  }
  reads_.resize(kept);
  unsubmitted_ = kept - kept_submitted;
}

void Reads::answer(const Read& read) {
  if (!read.call->claim()) return;
  const Caller& caller = read.call->caller();
  const Clock::time_point reached = Clock::now();
  Timing timing{in_microseconds(read.started - read.call->arrived()), in_microseconds(reached - read.started), 0};
  etf::Writer writer = begin_reply(caller);
  if (!read.readback) {
    writer.tuple(2).atom("ok");
    write_timing(writer, timing);
    send_reply(caller, std::move(writer));
    return;
  }
  const std::span<const std::byte> bytes = read.readback->bytes;
  downloaded_bytes_.fetch_add(bytes.size(), std::memory_order_relaxed);
  writer.tuple(3).atom("ok");
  if (bytes.size() <= kSmallReplyBytes) {
    writer.binary(bytes);
    timing.transfer_us = in_microseconds(Clock::now() - reached);
    write_timing(writer, timing);
    send_reply(caller, std::move(writer));
    return;
  }
  writer.binary_header(static_cast<uint32_t>(bytes.size()));
  etf::Writer trailer;
  timing.transfer_us = in_microseconds(Clock::now() - reached);
  write_timing(trailer, timing);
  caller.link->send_bulk(caller.pid, writer.take(), bytes, trailer.take(),
                         std::const_pointer_cast<void>(read.readback->keep_alive));
}

}  // namespace gpu_node::service
