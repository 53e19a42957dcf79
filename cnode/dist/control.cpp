// Control messages: one row for each op says which fields its tuple has; parsing walks the row.
#include "dist/control.h"

#include <algorithm>

#include "etf/decoder.h"
#include "etf/encoder.h"
#include "etf/tags.h"

namespace gpu_node::dist {
namespace {

constexpr std::byte kPassThrough{112};

// Fields after the op: f from (pid), F from (pid or name), t to (pid), T to (pid or name), n to (name), x reference,
// i id, '_' any term.
struct Layout {
  const char* fields;
  Op op;
  bool has_payload;
};

constexpr Layout kLayouts[] = {
    {"ft", Op::kLink, false},
    {"_t", Op::kSend, true},
    {"ft_", Op::kExit, false},
    {"ft", Op::kUnlink, false},
    {"", Op::kNodeLink, false},
    {"f_n", Op::kRegSend, true},
    {"ft", Op::kGroupLeader, false},
    {"ft_", Op::kExit2, false},
    {"_t_", Op::kSendTraced, true},
    {"ft__", Op::kExitTraced, false},
    {"f_n_", Op::kRegSendTraced, true},
    {"ft__", Op::kExit2Traced, false},
    {"fTx", Op::kMonitor, false},
    {"fTx", Op::kDemonitor, false},
    {"Ftx_", Op::kMonitorExit, false},
    {"ft", Op::kSendSender, true},
    {"ft_", Op::kSendSenderTraced, true},
    {"ft", Op::kPayloadExit, true},
    {"ft_", Op::kPayloadExitTraced, true},
    {"ft", Op::kPayloadExit2, true},
    {"ft_", Op::kPayloadExit2Traced, true},
    {"Ftx", Op::kPayloadMonitorExit, true},
    {"xf___", Op::kSpawnRequest, true},
    {"xf____", Op::kSpawnRequestTraced, true},
    {"xt__", Op::kSpawnReply, false},
    {"xt___", Op::kSpawnReplyTraced, false},
    {"fx", Op::kAliasSend, true},
    {"fx_", Op::kAliasSendTraced, true},
    {"ift", Op::kUnlinkId, false},
    {"ift", Op::kUnlinkIdAck, false},
};

bool read_field(etf::Reader& reader, char field, Control& control) {
  switch (field) {
    case 'F':
      if (reader.peek() == etf::Kind::kAtom) return reader.read_atom(control.from_name);
      return reader.read_pid(control.from);
    case 'f':
      return reader.read_pid(control.from);
    case 'T':
      if (reader.peek() == etf::Kind::kAtom) return reader.read_atom(control.to_name);
      return reader.read_pid(control.to);
    case 't':
      return reader.read_pid(control.to);
    case 'n':
      return reader.read_atom(control.to_name);
    case 'x':
      return reader.read_reference(control.reference);
    case 'i':
      return reader.read_uint64(control.id);
    default:
      return reader.skip();
  }
}

// |control| as a frame that says it is |payload_bytes| longer.
std::vector<std::byte> framed(etf::Writer& control, size_t payload_bytes) {
  std::vector<std::byte> bytes = control.take();
  const size_t length = bytes.size() - 4 + payload_bytes;
  for (int i = 0; i < 4; ++i) bytes[static_cast<size_t>(i)] = static_cast<std::byte>(length >> (24 - 8 * i));
  return bytes;
}

etf::Writer start(Op op, uint32_t arity) {
  static constexpr std::byte kHead[] = {std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}, kPassThrough};
  etf::Writer writer;
  writer.reserve(160);
  writer.raw(kHead).version().tuple(arity).integer(static_cast<int64_t>(op));
  return writer;
}

void append(std::vector<std::byte>& bytes, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<std::byte>(value >> shift));
}

}  // namespace

Parsed parse_control(Bytes frame, Control& control) {
  control = Control{};
  if (frame.empty() || frame[0] != kPassThrough) return Parsed::kMalformed;
  etf::Reader reader(frame.subspan(1));
  uint32_t arity = 0;
  int64_t op = 0;
  if (!reader.read_version() || !reader.read_tuple(arity) || arity == 0 || !reader.read_int64(op))
    return Parsed::kMalformed;
  const auto* layout = std::find_if(std::begin(kLayouts), std::end(kLayouts),
                                    [op](const Layout& row) { return static_cast<int64_t>(row.op) == op; });
  control.op = static_cast<Op>(op & 255);
  if (layout == std::end(kLayouts)) return Parsed::kUnknownOp;
  const std::string_view fields = layout->fields;
  if (arity != fields.size() + 1) return Parsed::kMalformed;
  for (const char field : fields)
    if (!read_field(reader, field, control)) return Parsed::kMalformed;
  control.has_payload = layout->has_payload;
  control.size_bytes = 1 + reader.position();
  return Parsed::kControl;
}

bool parse_gen_call(Bytes payload, GenCall& call) {
  etf::Reader reader(payload);
  uint32_t arity = 0;
  std::string_view tag;
  if (!reader.read_version() || !reader.read_tuple(arity) || arity != 3) return false;
  if (!reader.read_atom(tag) || tag != "$gen_call") return false;
  if (!reader.read_tuple(arity) || arity != 2) return false;
  if (!reader.read_pid(call.pid) || !reader.read_raw(call.tag)) return false;
  call.request = reader.rest();
  return true;
}

std::vector<std::byte> send_header(Bytes to, size_t payload_bytes) {
  return framed(start(Op::kSend, 3).atom("").raw(to), payload_bytes);
}

std::vector<std::byte> exit_frame(Bytes from, Bytes to, std::string_view reason) {
  return framed(start(Op::kExit, 4).raw(from).raw(to).atom(reason), 0);
}

std::vector<std::byte> monitor_frame(Bytes from, Bytes to, Bytes reference) {
  return framed(start(Op::kMonitor, 4).raw(from).raw(to).raw(reference), 0);
}

std::vector<std::byte> monitor_exit_frame(Bytes from, Bytes to, Bytes reference, std::string_view reason) {
  return framed(start(Op::kMonitorExit, 5).raw(from).raw(to).raw(reference).atom(reason), 0);
}

std::vector<std::byte> unlink_ack_frame(uint64_t id, Bytes from, Bytes to) {
  return framed(start(Op::kUnlinkIdAck, 4).unsigned_integer(id).raw(from).raw(to), 0);
}

std::vector<std::byte> spawn_reply_frame(Bytes reference, Bytes to, std::string_view error) {
  return framed(start(Op::kSpawnReply, 5).raw(reference).raw(to).integer(0).atom(error), 0);
}

std::vector<std::byte> atom_term(std::string_view name) { return etf::Writer().atom(name).take(); }

std::vector<std::byte> pid_term(std::string_view node, uint32_t number, uint32_t creation) {
  std::vector<std::byte> pid = {std::byte{etf::kTagNewPid}};
  const auto atom = atom_term(node);
  pid.insert(pid.end(), atom.begin(), atom.end());
  append(pid, number);
  append(pid, 0);
  append(pid, creation);
  return pid;
}

std::vector<std::byte> reference_term(std::string_view node, uint64_t number, uint32_t creation) {
  std::vector<std::byte> reference = {std::byte{etf::kTagNewerReference}, std::byte{0}, std::byte{3}};
  const auto atom = atom_term(node);
  reference.insert(reference.end(), atom.begin(), atom.end());
  append(reference, creation);
  // The first word of a reference has 18 bits.
  append(reference, static_cast<uint32_t>(number & 0x3ffff));
  append(reference, static_cast<uint32_t>(number >> 18));
  append(reference, static_cast<uint32_t>(number >> 50));
  return reference;
}

uint64_t reference_number(Bytes reference) {
  if (reference.size() < 12) return 0;
  uint64_t words[3] = {};
  for (size_t i = 0; i < 12; ++i)
    words[i / 4] = words[i / 4] << 8 | std::to_integer<uint64_t>(reference[reference.size() - 12 + i]);
  return words[0] | words[1] << 18 | words[2] << 50;
}

}  // namespace gpu_node::dist
