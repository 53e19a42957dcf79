#include "service/reply.h"

#include <string>
#include <vector>

#include "base/concat.h"
#include "base/utf8.h"

namespace gpu_node::service {
namespace {

Clock::time_point deadline_of(const RequestOptions& options, Clock::time_point arrived) {
  if (!options.deadline_ms) return Clock::time_point::max();
  return arrived + std::chrono::milliseconds(*options.deadline_ms);
}

Error deadline_error(const PendingCall& call, Clock::time_point now) {
  const int64_t waited = in_milliseconds(now - call.arrived());
  return {ErrorCode::kDeadline, concat("the request's time ran out after ", waited, " ms")};
}

}  // namespace

etf::Writer begin_reply(const Caller& caller) {
  etf::Writer writer;
  writer.version().tuple(2).raw(caller.tag);
  return writer;
}

void send_reply(const Caller& caller, etf::Writer&& writer) { caller.link->send(caller.pid, writer.take()); }

void reply_ok(const Caller& caller) {
  etf::Writer writer = begin_reply(caller);
  writer.atom("ok");
  send_reply(caller, std::move(writer));
}

void reply_error(const Caller& caller, const Error& error) {
  etf::Writer writer = begin_reply(caller);
  write_error(writer, error);
  send_reply(caller, std::move(writer));
}

void write_error(etf::Writer& writer, const Error& error) {
  const auto text = [](const std::string& string) { return valid_utf8(string); };
  writer.tuple(2).atom("error").tuple(error.details ? 3 : 2);
  writer.atom(error_code_name(error.code)).binary(text(error.message));
  if (!error.details) return;
  const ErrorDetails& details = *error.details;
  writer.map(5).atom("stage").atom(details.stage).atom("file").binary(text(details.file));
  writer.atom("path").binary(text(details.path)).atom("line").integer(details.line);
  writer.atom("source").binary(text(details.source));
}

PendingCall::PendingCall(Caller caller, uint64_t session, RequestOptions options)
    : caller_(std::move(caller)),
      session_(session),
      ref_(std::move(options.ref)),
      arrived_(Clock::now()),
      deadline_(deadline_of(options, arrived_)) {}

void PendingCall::fail(const Error& error) {
  if (claim()) reply_error(caller_, error);
}

std::optional<PendingCallRef> PendingCalls::add(Caller caller, uint64_t session, RequestOptions options) {
  auto call = std::make_shared<PendingCall>(std::move(caller), session, std::move(options));
  const MutexLock lock(mutex_);
  if (by_deadline_.size() >= limit_) std::erase_if(by_deadline_, [](const auto& e) { return e.second->answered(); });
  if (by_deadline_.size() >= limit_) return std::nullopt;
  by_deadline_.emplace(call->deadline(), call);
  return call;
}

void PendingCalls::expire(Clock::time_point now) {
  std::vector<PendingCallRef> expired;
  {
    const MutexLock lock(mutex_);
    while (!by_deadline_.empty() && by_deadline_.begin()->first <= now) {
      expired.push_back(std::move(by_deadline_.begin()->second));
      by_deadline_.erase(by_deadline_.begin());
    }
    std::erase_if(by_deadline_, [](const auto& e) { return e.second->answered(); });
  }
  for (const PendingCallRef& call : expired) call->fail(deadline_error(*call, now));
}

bool PendingCalls::cancel(uint64_t session, const TermBytes& ref) {
  PendingCallRef found;
  {
    const MutexLock lock(mutex_);
    for (const auto& [deadline, call] : by_deadline_)
      if (call->session() == session && call->ref() == ref && !call->answered()) found = call;
  }
  if (!found || !found->claim()) return false;
  reply_error(found->caller(), {ErrorCode::kDeadline, "the request was cancelled"});
  return true;
}

template <typename Wanted>
void PendingCalls::fail_where(Wanted wanted, const Error& error) {
  std::vector<PendingCallRef> found;
  {
    const MutexLock lock(mutex_);
    for (const auto& [deadline, call] : by_deadline_)
      if (wanted(*call)) found.push_back(call);
  }
  for (const PendingCallRef& call : found) call->fail(error);
}

void PendingCalls::fail_session(uint64_t session, const Error& error) {
  fail_where([session](const PendingCall& call) { return call.session() == session; }, error);
}

void PendingCalls::fail_all(const Error& error) {
  fail_where([](const PendingCall&) { return true; }, error);
}

size_t PendingCalls::size() const {
  const MutexLock lock(mutex_);
  return by_deadline_.size();
}

}  // namespace gpu_node::service
