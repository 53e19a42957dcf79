#include "gpu/service_client.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>

#include "etf/decoder.h"
#include "gpu/device.h"

namespace gpu_node::test {
namespace {

using etf::Reader;
using etf::Writer;

std::atomic<uint64_t> g_next{1};

void flatten(Reader& reader, const std::string& path, std::map<std::string, int64_t>& numbers) {
  uint32_t count = 0;
  int64_t number = 0;
  bool flag = false;
  if (reader.read_int64(number)) {
    numbers[path] = number;
  } else if (uint64_t large = 0; reader.read_uint64(large)) {
    numbers[path] = static_cast<int64_t>(large);
  } else if (reader.read_boolean(flag)) {
    numbers[path] = flag;
  } else if (reader.read_map(count)) {
    for (uint32_t i = 0; i < count; ++i) {
      std::string_view key;
      REQUIRE(reader.read_atom(key));
      flatten(reader, path.empty() ? std::string(key) : path + "." + std::string(key), numbers);
    }
  } else if (reader.read_list(count)) {
    numbers[path] = count;
    for (uint32_t i = 0; i < count; ++i) flatten(reader, path + "." + std::to_string(i), numbers);
    if (count > 0) REQUIRE(reader.read_nil());
  } else {
    REQUIRE(reader.skip());
  }
}

std::string text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// |term|: {Tag, Reply}
Reply parse(const Bytes& term) {
  Reply reply;
  Reader reader{std::span(term)};
  uint32_t arity = 0;
  std::string_view atom;
  REQUIRE(reader.read_version());
  REQUIRE((reader.read_tuple(arity) && arity == 2 && reader.skip()));
  reply.answered = true;
  if (reader.read_atom(atom)) return reply;
  REQUIRE((reader.read_tuple(arity) && reader.read_atom(atom)));
  std::span<const std::byte> bytes;
  if (atom == "error") {
    REQUIRE((reader.read_tuple(arity) && arity >= 2 && reader.read_atom(atom) && reader.read_binary(bytes)));
    reply.code = atom;
    reply.message = text(bytes);
    if (arity == 3) REQUIRE(reader.skip());  // where a compilation went wrong
  } else if (reader.read_binary(bytes)) {
    reply.bytes.assign(bytes.begin(), bytes.end());
    flatten(reader, "", reply.numbers);
  } else {
    flatten(reader, "", reply.numbers);
  }
  REQUIRE(reader.at_end());
  return reply;
}

bool has_tag(const Bytes& term, uint64_t tag) {
  Reader reader{std::span(term)};
  uint32_t arity = 0;
  uint64_t found = 0;
  return reader.read_version() && reader.read_tuple(arity) && arity == 2 && reader.read_uint64(found) && found == tag;
}

// What |term| acknowledges of |session|; nothing where it is something else.
std::optional<int64_t> acked_seq(const Bytes& term, uint64_t session) {
  Reader reader{std::span(term)};
  uint32_t arity = 0;
  std::string_view atom;
  uint64_t whose = 0;
  int64_t seq = 0;
  const bool ack = reader.read_version() && reader.read_tuple(arity) && arity == 3 && reader.read_atom(atom) &&
                   atom == "gpu_node_ack" && reader.read_uint64(whose) && reader.read_int64(seq);
  return ack && whose == session ? std::optional(seq) : std::nullopt;
}

Writer tensor_tail(Writer writer, std::string_view type, Dimensions dims) {
  writer.atom(type);
  write_shape(writer, dims);
  return writer;
}

}  // namespace

Peer::Peer(std::string name) : name_(std::move(name)), id_(g_next++) {}

bool Peer::send(const Bytes& pid, Bytes term) {
  {
    const std::lock_guard lock(mutex_);
    inbox_.emplace_back(pid, std::move(term));
  }
  came_.notify_all();
  return true;
}

bool Peer::send_bulk(const Bytes& pid, Bytes head, std::span<const std::byte> bytes, Bytes trailer,
                     std::shared_ptr<void>) {
  ++bulk_replies_;
  head.insert(head.end(), bytes.begin(), bytes.end());
  head.insert(head.end(), trailer.begin(), trailer.end());
  return send(pid, std::move(head));
}

bool Peer::monitor(const Bytes&) {
  const std::lock_guard lock(mutex_);
  ++monitored_;
  return true;
}

size_t Peer::monitored() const {
  const std::lock_guard lock(mutex_);
  return monitored_;
}

Bytes Peer::pid(uint32_t number) const {
  Bytes raw = {std::byte{88}};
  const Bytes node = Writer().atom(name_).take();
  raw.insert(raw.end(), node.begin(), node.end());
  for (const uint32_t word : {number, 0u, 1u})
    for (int shift = 24; shift >= 0; shift -= 8) raw.push_back(static_cast<std::byte>(word >> shift));
  return raw;
}

template <typename Wanted>
Bytes Peer::receive(const Bytes& pid, int64_t timeout_ms, Wanted wanted) {
  std::unique_lock lock(mutex_);
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  for (;;) {
    const auto found = std::find_if(inbox_.begin(), inbox_.end(),
                                    [&](const auto& entry) { return entry.first == pid && wanted(entry.second); });
    if (found != inbox_.end()) {
      Bytes term = std::move(found->second);
      inbox_.erase(found);
      return term;
    }
    if (came_.wait_until(lock, until) == std::cv_status::timeout) return {};
  }
}

Reply await_reply(Peer& peer, const Bytes& pid, uint64_t tag, int64_t timeout_ms) {
  const Bytes term = peer.receive(pid, timeout_ms, [tag](const Bytes& t) { return has_tag(t, tag); });
  return term.empty() ? Reply{} : parse(term);
}

bool await_ack(Peer& peer, const Bytes& pid, uint64_t session, int64_t seq, int64_t timeout_ms) {
  return !peer.receive(pid, timeout_ms, [&](const Bytes& term) { return acked_seq(term, session) == seq; }).empty();
}

int64_t next_ack(Peer& peer, const Bytes& pid, uint64_t session, int64_t timeout_ms) {
  const Bytes term = peer.receive(pid, timeout_ms, [&](const Bytes& t) { return acked_seq(t, session).has_value(); });
  return acked_seq(term, session).value_or(-1);
}

uint64_t new_tag() { return g_next++; }

void write_shape(Writer& writer, Dimensions dims) {
  writer.tuple(static_cast<uint32_t>(dims.size()));
  for (const int64_t d : dims) writer.integer(d);
}

Commands& Commands::alloc(int64_t id, std::string_view type, Dimensions dims) {
  return raw(tensor_tail(Writer().tuple(4).atom("alloc").integer(id), type, dims));
}

Commands& Commands::alloc(int64_t id, std::string_view type, Dimensions dims, std::span<const std::byte> bytes) {
  return raw(tensor_tail(Writer().tuple(5).atom("alloc").integer(id), type, dims).binary(bytes));
}

Commands& Commands::op(std::string_view name, int64_t id, std::string_view type, Dimensions dims,
                       std::initializer_list<int64_t> operands) {
  Writer writer = tensor_tail(Writer().tuple(4).atom(name).list(1).tuple(3).integer(id), type, dims);
  writer.nil();
  if (operands.size() > 0) writer.list(static_cast<uint32_t>(operands.size()));
  for (const int64_t operand : operands) writer.integer(operand);
  return raw(writer.nil().map(0));
}

Commands& Commands::gone(std::string_view how, std::initializer_list<int64_t> ids) {
  Writer writer;
  writer.tuple(2).atom(how);
  if (ids.size() > 0) writer.list(static_cast<uint32_t>(ids.size()));
  for (const int64_t id : ids) writer.integer(id);
  return raw(writer.nil());
}

Commands& Commands::raw(const Writer& command) {
  writer_.raw(command.bytes());
  ++count_;
  return *this;
}

Writer run_message(uint64_t session, int64_t seq, const Commands& commands) {
  Writer message;
  message.version().tuple(4).atom("run").unsigned_integer(session).integer(seq);
  if (commands.count() > 0) message.list(commands.count()).raw(commands.bytes());
  return message.nil();
}

Client::Client(service::Service& service, std::shared_ptr<Peer> peer, uint32_t number)
    : service_(service), peer_(std::move(peer)), pid_(peer_->pid(number)) {}

Reply Client::open(int64_t lease_ms, int64_t quota_bytes, int64_t grace_ms) {
  Writer request;
  request.tuple(3).atom("open").raw(pid_).map(1 + (quota_bytes >= 0) + (grace_ms >= 0));
  request.atom("lease_ms").integer(lease_ms);
  if (grace_ms >= 0) request.atom("grace_ms").integer(grace_ms);
  if (quota_bytes >= 0) request.atom("quota_bytes").integer(quota_bytes);
  Reply reply = call(request);
  session = static_cast<uint64_t>(reply.numbers["session"]);
  return reply;
}

void Client::send(const Writer& message) {
  Bytes frame = message.bytes();
  const std::span<const std::byte> payload(frame);
  service_.on_message(peer_, std::move(frame), payload);
}

uint64_t Client::send_call(const Writer& request) {
  const uint64_t tag = new_tag();
  Writer message;
  message.version().tuple(3).atom("$gen_call").tuple(2).raw(pid_).unsigned_integer(tag).raw(request.bytes());
  send(message);
  return tag;
}

Reply Client::await(uint64_t tag, int64_t timeout_ms) { return await_reply(*peer_, pid_, tag, timeout_ms); }

Reply Client::call(const Writer& request, int64_t timeout_ms) { return await(send_call(request), timeout_ms); }

Writer Client::download_request(int64_t id, uint64_t offset, int64_t size, int64_t deadline_ms, int64_t ref) {
  Writer request;
  request.tuple(6).atom("download").unsigned_integer(session).integer(id).unsigned_integer(offset).integer(size);
  request.map((deadline_ms >= 0) + (ref >= 0));
  if (deadline_ms >= 0) request.atom("deadline_ms").integer(deadline_ms);
  if (ref >= 0) request.atom("ref").integer(ref);
  return request;
}

Reply Client::download(int64_t id, uint64_t offset, int64_t size) { return call(download_request(id, offset, size)); }

std::vector<float> Client::floats(int64_t id) {
  const Reply reply = download(id);
  INFO(reply.message);
  REQUIRE(reply.ok());
  std::vector<float> values(reply.bytes.size() / sizeof(float));
  if (!values.empty()) std::memcpy(values.data(), reply.bytes.data(), reply.bytes.size());
  return values;
}

Reply Client::sync(std::initializer_list<int64_t> ids) {
  Writer request;
  request.tuple(4).atom("sync").unsigned_integer(session);
  if (ids.size() > 0) request.list(static_cast<uint32_t>(ids.size()));
  for (const int64_t id : ids) request.integer(id);
  return call(request.nil().map(0));
}

Reply Client::stats() { return call(Writer().atom("stats")); }

void Client::run(const Commands& commands, int64_t seq) { send(run_message(session, seq, commands)); }

bool Client::acked(int64_t seq, int64_t timeout_ms) { return await_ack(*peer_, pid_, session, seq, timeout_ms); }

Reply Client::attach(int64_t id, const Client& maker, int64_t from_id) {
  Writer request;
  request.tuple(6).atom("attach").unsigned_integer(session).integer(id);
  return call(request.unsigned_integer(maker.session).integer(from_id).map(0));
}

Reply Client::upload_open(int64_t id, std::string_view type, Dimensions dims) {
  Writer request = tensor_tail(Writer().tuple(6).atom("upload_open").unsigned_integer(session).integer(id), type, dims);
  return call(request.map(0));
}

uint64_t Client::send_chunk(int64_t id, uint64_t offset, std::span<const std::byte> bytes, bool claim) {
  const uint64_t tag = new_tag();
  Writer message;
  message.version().tuple(6).atom("upload").unsigned_integer(session).integer(id).unsigned_integer(offset);
  message.tuple(2).raw(pid_).unsigned_integer(tag).binary_header(static_cast<uint32_t>(bytes.size()));
  if (claim) {
    if (auto landing = service_.claim(peer_, message.bytes(), message.bytes().size() + bytes.size())) {
      REQUIRE(landing->size_bytes == bytes.size());
      std::memcpy(landing->destination, bytes.data(), bytes.size());
      service_.on_landed(std::move(*landing->arrival));
      return tag;
    }
  }
  message.raw(bytes);
  send(message);
  return tag;
}

Reply Client::chunk(int64_t id, uint64_t offset, std::span<const std::byte> bytes, bool claim) {
  return await(send_chunk(id, offset, bytes, claim));
}

std::unique_ptr<service::Service> make_service(service::ServiceOptions options, const vulkan::DeviceOptions* device) {
  auto opened = vulkan::Device::create(device ? *device : device_options());
  if (!opened.ok()) FAIL(opened.error().message);
  options.identity = {"gpu0@test", "gpu0_bulk@test", "0.0.0", 1};
  return std::make_unique<service::Service>(std::move(opened).value(), std::move(options));
}

Connected::Connected() { REQUIRE(client.open().ok()); }

}  // namespace gpu_node::test
