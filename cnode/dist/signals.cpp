// What a peer's frames do: messages go to the handler, the signals of links, monitors and spawns get the answer that a
// node without such processes owes. Nothing a peer sends does more than end its own connection.
#include <algorithm>

#include "base/concat.h"
#include "dist/connection.h"
#include "etf/decoder.h"
#include "etf/encoder.h"
#include "etf/tags.h"

namespace gpu_node::dist {
namespace {

constexpr std::string_view kNetKernel = "net_kernel";
constexpr size_t kClaimHeadBytes = 512;
// Each costs memory until its holder withdraws it or dies.
constexpr size_t kMaxMonitorsOfUs = 100'000;

TermBytes copy(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

bool is_message(Op op) {
  return op == Op::kSend || op == Op::kRegSend || op == Op::kSendTraced || op == Op::kRegSendTraced ||
         op == Op::kSendSender || op == Op::kSendSenderTraced;
}

bool is_term(Bytes payload) { return payload.size() >= 2 && payload[0] == std::byte{etf::kTagVersion}; }

}  // namespace

bool PeerConnection::handle_frame() {
  Control control;
  if (channel_ == Channel::kBulk) {
    const Bytes head = reader_.head();
    bool claimed = false;
    if (parse_control(head, control) == Parsed::kControl && is_message(control.op)) {
      if (!receive_claimed(head, control, claimed)) return false;
      if (claimed) return true;
    }
  }
  std::vector<std::byte> frame;
  if (!reader_.take(frame)) return false;
  const Parsed parsed = parse_control(frame, control);
  if (parsed == Parsed::kUnknownOp) {
    log(LogLevel::kDebug, "unknown_signal", concat("op=", static_cast<int>(control.op)));
    return true;
  }
  const size_t payload_bytes = frame.size() - std::min(control.size_bytes, frame.size());
  if (parsed == Parsed::kMalformed || control.has_payload != (payload_bytes > 0) ||
      (control.has_payload && !is_term(Bytes(frame).subspan(control.size_bytes)))) {
    log(LogLevel::kWarning, "malformed_frame", concat("bytes=", frame.size()));
    return false;
  }
  if (is_message(control.op)) return handle_message(control, std::move(frame));
  handle_signal(control);
  return true;
}

// A frame above the limit is dropped, and not the connection with it: others use that too. Whoever sent it as a message
// hears of it, as far as its first bytes tell who that is.
bool PeerConnection::refuse_frame() {
  log(LogLevel::kWarning, "frame_refused",
      concat("bytes=", reader_.frame_bytes(), " limit=", node_.options.max_frame_bytes));
  Control control;
  const Bytes head = reader_.head();
  const Parsed parsed = parse_control(head, control);
  if (parsed == Parsed::kMalformed) return false;
  if (parsed == Parsed::kControl && is_message(control.op)) {
    const size_t payload_bytes = reader_.frame_bytes() - control.size_bytes;
    const Bytes payload = head.subspan(control.size_bytes);
    if (!control.to_name.empty() && !node_.is_registered(control.to_name))
      answer_unregistered(control, payload);
    else if (is_term(payload))
      node_.handler.on_too_large(shared_from_this(), payload, payload_bytes);
  }
  return reader_.skip();
}

// Offers the frame to the handler's claim and, when it is taken, receives the tail to where the claim says.
bool PeerConnection::receive_claimed(Bytes head, const Control& control, bool& claimed) {
  if (!control.to_name.empty() && !node_.is_registered(control.to_name)) return true;
  const size_t payload_bytes = reader_.frame_bytes() - control.size_bytes;
  const Bytes payload = head.subspan(control.size_bytes);
  const Bytes payload_head = payload.first(std::min(payload.size(), kClaimHeadBytes));
  if (!is_term(payload_head)) return true;
  const ConnectionRef self = shared_from_this();
  std::optional<Claim> claim = node_.handler.claim(self, payload_head, payload_bytes);
  if (!claim) return true;
  if (claim->size_bytes > payload_bytes || payload_bytes - claim->size_bytes > payload_head.size()) {
    log(LogLevel::kError, "claim_refused", concat("bytes=", claim->size_bytes));
    return true;
  }
  const size_t skip = payload_bytes - claim->size_bytes;
  if (!reader_.take_tail(control.size_bytes + skip, {claim->destination, claim->size_bytes})) return false;
  claimed = true;
  node_.messages_in.fetch_add(1, std::memory_order_relaxed);
  node_.handler.on_claimed(self, std::move(*claim));
  return true;
}

bool PeerConnection::handle_message(const Control& control, std::vector<std::byte>&& frame) {
  node_.messages_in.fetch_add(1, std::memory_order_relaxed);
  const Bytes payload = Bytes(frame).subspan(control.size_bytes);
  if (control.op == Op::kRegSend || control.op == Op::kRegSendTraced) {
    if (!node_.is_registered(control.to_name)) {
      answer_unregistered(control, payload);
      return true;
    }
  }
  Message message;
  message.to_name = std::string(control.to_name);
  message.from = copy(control.from);
  message.payload = payload;
  message.frame = std::move(frame);  // its bytes stay where they are
  node_.handler.on_message(shared_from_this(), std::move(message));
  return true;
}

// A call to a name that nobody has: Node.ping/1's question is answered, any other caller must not wait in vain.
void PeerConnection::answer_unregistered(const Control& control, Bytes payload) {
  GenCall call;
  if (!parse_gen_call(payload, call)) {
    log(LogLevel::kDebug, "message_to_nobody", "name=" + std::string(control.to_name));
    return;
  }
  etf::Writer reply;
  reply.version().tuple(2).raw(call.tag);
  etf::Reader request(call.request);
  uint32_t arity = 0;
  std::string_view question;
  if (control.to_name == kNetKernel && request.read_tuple(arity) && arity == 2 && request.read_atom(question) &&
      question == "is_auth") {
    reply.atom("yes");
  } else {
    reply.tuple(2).atom("error").tuple(2).atom("not_found");
    reply.binary("nobody is registered as '" + std::string(control.to_name) + "' on " +
                 node_.names[static_cast<size_t>(channel_)]);
  }
  send(copy(call.pid), reply.take());
}

void PeerConnection::handle_signal(const Control& control) {
  switch (control.op) {
    case Op::kLink:
      push(exit_frame(control.to, control.from, "noproc"));
      break;
    case Op::kUnlinkId:
      push(unlink_ack_frame(control.id, control.to, control.from));
      break;
    case Op::kMonitor:
      handle_monitor(control);
      break;
    case Op::kDemonitor: {
      const MutexLock lock(monitors_mutex_);
      monitors_of_us_.erase(key_of(control.reference));
      break;
    }
    case Op::kMonitorExit:
    case Op::kPayloadMonitorExit:
      handle_monitored_exit(control);
      break;
    case Op::kSpawnRequest:
    case Op::kSpawnRequestTraced:
      push(spawn_reply_frame(control.reference, control.from, "notsup"));
      break;
    default:
      // Exits, group leaders, aliases and the rest mean processes that this node does not have.
      break;
  }
}

void PeerConnection::handle_monitor(const Control& control) {
  const TermBytes target = control.to_name.empty() ? copy(control.to) : atom_term(control.to_name);
  const char* reason = "noproc";
  // Node.ping/1 monitors the net_kernel that it asks: "noproc" would reach it before our answer and count as no.
  if (node_.is_registered(control.to_name) || control.to_name == kNetKernel) {
    const MutexLock lock(monitors_mutex_);
    if (monitors_of_us_.size() < kMaxMonitorsOfUs) {
      monitors_of_us_.insert_or_assign(key_of(control.reference), Monitor{copy(control.from), target});
      return;
    }
    reason = "system_limit";
  }
  push(monitor_exit_frame(target, control.from, control.reference, reason));
}

void PeerConnection::handle_monitored_exit(const Control& control) {
  TermBytes pid;
  {
    const MutexLock lock(monitors_mutex_);
    const auto found = monitored_.find(reference_number(control.reference));
    if (found == monitored_.end()) return;
    pid = std::move(found->second);
    monitored_.erase(found);
    monitored_pids_.erase(key_of(pid));
  }
  node_.handler.on_process_down(shared_from_this(), pid);
}

}  // namespace gpu_node::dist
