// Control messages of the distribution protocol: bytes in, struct out, and back. No sockets, no state.
//
// A frame (what follows its four length bytes) is 112, a control message (131 and a tuple {Op, ...}), and for some ops
// a payload (131 and a term). Other frame types begin with other bytes; we announce nothing that allows them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gpu_node::dist {

enum class Op : uint8_t {
  kLink = 1,
  kSend = 2,
  kExit = 3,
  kUnlink = 4,
  kNodeLink = 5,
  kRegSend = 6,
  kGroupLeader = 7,
  kExit2 = 8,
  kSendTraced = 12,
  kExitTraced = 13,
  kRegSendTraced = 16,
  kExit2Traced = 18,
  kMonitor = 19,
  kDemonitor = 20,
  kMonitorExit = 21,
  kSendSender = 22,
  kSendSenderTraced = 23,
  kPayloadExit = 24,
  kPayloadExitTraced = 25,
  kPayloadExit2 = 26,
  kPayloadExit2Traced = 27,
  kPayloadMonitorExit = 28,
  kSpawnRequest = 29,
  kSpawnRequestTraced = 30,
  kSpawnReply = 31,
  kSpawnReplyTraced = 32,
  kAliasSend = 33,
  kAliasSendTraced = 34,
  kUnlinkId = 35,
  kUnlinkIdAck = 36,
};

using Bytes = std::span<const std::byte>;

// What a control message says. Pids and references are raw terms inside the frame; what an op does not have is empty.
struct Control {
  Op op{};
  Bytes from;                  // a pid
  Bytes to;                    // a pid
  std::string_view from_name;  // instead of |from|, where a monitor was set on a name
  std::string_view to_name;    // instead of |to|
  Bytes reference;
  uint64_t id = 0;
  bool has_payload = false;
  size_t size_bytes = 0;  // of 112 and the control message: the payload begins here
};

enum class Parsed : uint8_t { kControl, kUnknownOp, kMalformed };

// Reads the control message at the start of |frame|, which may be cut anywhere after it. With kUnknownOp only |op|
// means something.
Parsed parse_control(Bytes frame, Control& control);

// {'$gen_call', {Pid, Tag}, Request}: a request that somebody waits for. |payload| may be cut anywhere behind {Pid,
// Tag}: |request| is what there is of it.
struct GenCall {
  Bytes pid, tag, request;
};
bool parse_gen_call(Bytes payload, GenCall& call);

// Frames to send, with their four length bytes. |payload_bytes| more follow from elsewhere.
std::vector<std::byte> send_header(Bytes to, size_t payload_bytes);
std::vector<std::byte> exit_frame(Bytes from, Bytes to, std::string_view reason);
std::vector<std::byte> monitor_frame(Bytes from, Bytes to, Bytes reference);
std::vector<std::byte> monitor_exit_frame(Bytes from, Bytes to, Bytes reference, std::string_view reason);
std::vector<std::byte> unlink_ack_frame(uint64_t id, Bytes from, Bytes to);
std::vector<std::byte> spawn_reply_frame(Bytes reference, Bytes to, std::string_view error);

// An atom, a pid and a reference of our own, as raw terms. reference_number gives back |number|, or 0.
std::vector<std::byte> atom_term(std::string_view name);
std::vector<std::byte> pid_term(std::string_view node, uint32_t number, uint32_t creation);
std::vector<std::byte> reference_term(std::string_view node, uint64_t number, uint32_t creation);
uint64_t reference_number(Bytes reference);

}  // namespace gpu_node::dist
