// A node that only echoes: what test/system/dist/smoke.escript talks to. Arguments: NAME HOST EPMD(yes|no); the cookie
// comes in GPU_NODE_COOKIE. Ends at end of input.
//
// Calls: {monitor, Pid} -> ok; dead -> number of processes seen dying; {pull, N} -> N bytes over the bulk connection;
// anything else -> {ok, Request}. On the bulk name: {chunk | sink, {Pid, Tag}, Seq, Bytes} -> {Tag, ok}, where byte I
// of a chunk must be (Seq + I) rem 251, else {Tag, bad}.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>

#include "dist/node.h"
#include "etf/decoder.h"
#include "etf/encoder.h"

namespace gpu_node::dist {
namespace {

using Bytes = std::span<const std::byte>;

TermBytes copy(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

// One period of the pattern, starting at |seq|.
std::vector<std::byte> period(uint64_t seq) {
  std::vector<std::byte> bytes(251);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>((seq + i) % 251);
  return bytes;
}

std::vector<std::byte> pattern(size_t size) {
  std::vector<std::byte> bytes(size);
  const auto one = period(0);
  for (size_t at = 0; at < size; at += one.size())
    std::memcpy(bytes.data() + at, one.data(), std::min(one.size(), size - at));
  return bytes;
}

bool pattern_is_right(uint64_t seq, Bytes bytes) {
  const auto one = period(seq);
  for (; !bytes.empty(); bytes = bytes.subspan(std::min(one.size(), bytes.size())))
    if (std::memcmp(bytes.data(), one.data(), std::min(one.size(), bytes.size())) != 0) return false;
  return true;
}

struct Chunk {
  std::string_view kind;
  Bytes pid, tag;
  uint64_t seq = 0;
  uint32_t size_bytes = 0;
  size_t head_bytes = 0;
};

bool parse_chunk(Bytes head, Chunk& chunk) {
  etf::Reader reader(head);
  uint32_t arity;
  if (!reader.read_version() || !reader.read_tuple(arity) || arity != 4 || !reader.read_atom(chunk.kind)) return false;
  if (!reader.read_tuple(arity) || arity != 2 || !reader.read_pid(chunk.pid) || !reader.read_raw(chunk.tag))
    return false;
  if (!reader.read_uint64(chunk.seq) || !reader.read_binary_header(chunk.size_bytes)) return false;
  chunk.head_bytes = reader.position();
  return true;
}

// What the head of a claimed chunk said.
struct Arrived {
  TermBytes pid, tag;
  bool sink = false;  // whose bytes may be anything
  uint64_t seq = 0;
};

class EchoHandler final : public Handler {
 public:
  void on_up(const ConnectionRef&) override {}
  void on_down(const ConnectionRef&) override {}
  void on_too_large(const ConnectionRef&, Bytes, size_t) override {}
  void on_process_down(const ConnectionRef&, const TermBytes&) override { ++dead_; }

  std::optional<Claim> claim(const ConnectionRef& connection, Bytes head, size_t payload_bytes) override {
    Chunk chunk;
    if (!parse_chunk(head, chunk) || chunk.head_bytes + chunk.size_bytes != payload_bytes) return std::nullopt;
    const std::lock_guard lock(mutex_);
    auto& buffer = buffers_[connection->id()];
    if (buffer.size() < chunk.size_bytes) buffer.resize(chunk.size_bytes);
    auto kept = std::make_shared<Arrived>(Arrived{copy(chunk.pid), copy(chunk.tag), chunk.kind == "sink", chunk.seq});
    return Claim{buffer.data(), chunk.size_bytes, std::move(kept)};
  }

  void on_claimed(const ConnectionRef& connection, Claim&& claim) override {
    const auto& chunk = *std::static_pointer_cast<Arrived>(claim.keep_alive);
    const bool right = chunk.sink || pattern_is_right(chunk.seq, {claim.destination, claim.size_bytes});
    etf::Writer reply;
    connection->send(chunk.pid, reply.version().tuple(2).raw(chunk.tag).atom(right ? "ok" : "bad").take());
  }

  void on_message(const ConnectionRef& connection, Message&& message) override {
    etf::Reader reader(message.payload);
    uint32_t arity;
    std::string_view atom;
    Bytes pid, tag;
    if (!reader.read_version() || !reader.read_tuple(arity) || arity != 3 || !reader.read_atom(atom)) return;
    if (atom != "$gen_call" || !reader.read_tuple(arity) || arity != 2 || !reader.read_pid(pid) ||
        !reader.read_raw(tag))
      return;
    answer(connection, copy(pid), tag, reader);
  }

  Node* node = nullptr;

 private:
  void answer(const ConnectionRef& connection, const TermBytes& pid, Bytes tag, etf::Reader request) {
    etf::Writer reply;
    reply.version().tuple(2).raw(tag);
    etf::Reader again = request;
    uint32_t arity;
    std::string_view name;
    Bytes argument;
    uint64_t size;
    if (again.read_tuple(arity) && arity == 2 && again.read_atom(name)) {
      if (name == "monitor" && again.read_pid(argument)) {
        connection->monitor(copy(argument));
        connection->send(pid, reply.atom("ok").take());
        return;
      }
      if (name == "pull" && again.read_uint64(size)) {
        // Made once, so that the second of two pulls shows what the wire takes.
        if (!pulled_ || pulled_->size() != size) pulled_ = std::make_shared<std::vector<std::byte>>(pattern(size));
        const auto bytes = pulled_;
        const ConnectionRef bulk = node->find(connection->peer(), Channel::kBulk);
        reply.tuple(2).binary_header(static_cast<uint32_t>(size));
        (bulk ? bulk : connection)->send_bulk(pid, reply.take(), *bytes, etf::Writer().atom("end").take(), bytes);
        return;
      }
    }
    if (again = request; again.read_atom(name) && name == "dead") {
      connection->send(pid, reply.integer(dead_).take());
      return;
    }
    connection->send(pid, reply.tuple(2).atom("ok").raw(request.rest()).take());
  }

  std::atomic<int> dead_{0};
  std::shared_ptr<std::vector<std::byte>> pulled_;  // the reader thread of the one control connection uses it
  std::mutex mutex_;
  std::map<uint64_t, std::vector<std::byte>> buffers_;
};

int run(char** argv) {
  NodeOptions options;
  options.alive = argv[1];
  options.host = argv[2];
  options.use_epmd = std::string_view(argv[3]) == "yes";
  const char* cookie = std::getenv("GPU_NODE_COOKIE");
  options.cookie = cookie == nullptr ? "" : cookie;
  options.creation = static_cast<uint32_t>(::getpid());
  EchoHandler handler;
  auto node = Node::start(options, handler);
  if (!node.ok()) {
    std::printf("error %s\n", node.error().message.c_str());
    return 1;
  }
  handler.node = node->get();
  (*node)->register_name("gpu_node");
  std::printf("ready %d %d\n", (*node)->port(Channel::kControl), (*node)->port(Channel::kBulk));
  std::fflush(stdout);
  char byte;
  while (::read(STDIN_FILENO, &byte, 1) > 0) {
  }
  const auto counters = (*node)->counters();
  std::fprintf(stderr, "messages_in=%llu messages_out=%llu bytes_in=%llu bytes_out=%llu\n",
               static_cast<unsigned long long>(counters.messages_in),
               static_cast<unsigned long long>(counters.messages_out),
               static_cast<unsigned long long>(counters.bytes_in), static_cast<unsigned long long>(counters.bytes_out));
  return 0;
}

}  // namespace
}  // namespace gpu_node::dist

int main(int argc, char** argv) {
  if (argc != 4) return 64;
  return gpu_node::dist::run(argv);
}
