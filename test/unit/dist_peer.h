// A scripted peer for the tests of cnode/dist: a node's side of the protocol by hand, and a handler that remembers.
#pragma once

#include <doctest/doctest.h>
#include <openssl/evp.h>

#include <array>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "dist/control.h"
#include "dist/node.h"
#include "dist/socket.h"
#include "etf/decoder.h"
#include "etf/encoder.h"

namespace gpu_node::dist {

inline const std::string kCookie = "a cookie of some length";
inline const std::string kPeerName = "peer@127.0.0.1";

inline NodeOptions test_options() {
  NodeOptions options;
  options.alive = "gpu";
  options.host = "127.0.0.1";
  options.cookie = kCookie;
  options.use_epmd = false;
  options.creation = 77777;
  return options;
}

// A peer that speaks the protocol by hand. Everything returns false or an empty frame when the connection is gone.
class RawPeer {
 public:
  explicit RawPeer(int port) {
    auto connected = connect_to("127.0.0.1", port, Deadline::after_ms(5000));
    if (connected.ok()) socket = std::move(*connected);
  }
  RawPeer(const Node& node, Channel channel, const std::string& name = kPeerName) : RawPeer(node.port(channel)) {
    REQUIRE(handshake(name, kCookie));
  }

  bool write(std::span<const std::byte> bytes) { return write_all(socket.get(), bytes, Deadline::after_ms(5000)); }

  bool write_packet(std::vector<std::byte> packet) {
    const auto size = packet.size();
    packet.insert(packet.begin(), {static_cast<std::byte>(size >> 8), static_cast<std::byte>(size)});
    return write(packet);
  }

  static std::vector<std::byte> name_packet(const std::string& name) {
    std::vector<std::byte> packet = {std::byte{'N'}};
    append(packet, kFlags, 8);
    append(packet, 4242, 4);
    append(packet, name.size(), 2);
    for (const char c : name) packet.push_back(static_cast<std::byte>(c));
    return packet;
  }

  bool handshake(const std::string& name, const std::string& cookie) {
    if (!write_packet(name_packet(name))) return false;
    const auto status = read_packet();
    if (status.size() < 3 || status[0] != std::byte{'s'} || status[1] != std::byte{'o'}) return false;
    const auto challenge = read_packet();
    if (challenge.size() < 19 || challenge[0] != std::byte{'N'}) return false;
    node_flags = number(challenge, 1, 8);
    node_creation = static_cast<uint32_t>(number(challenge, 13, 4));
    std::vector<std::byte> reply = {std::byte{'r'}};
    append(reply, 99, 4);
    const auto digest = md5(cookie + std::to_string(number(challenge, 9, 4)));
    reply.insert(reply.end(), digest.begin(), digest.end());
    if (!write_packet(reply)) return false;
    const auto ack = read_packet();
    const auto expected = md5(cookie + "99");
    return ack.size() == 17 && std::equal(expected.begin(), expected.end(), ack.begin() + 1);
  }

  std::vector<std::byte> read_packet() {
    std::array<std::byte, 2> header{};
    if (!read_all(socket.get(), header, Deadline::after_ms(5000))) return {};
    std::vector<std::byte> packet(number(header, 0, 2));
    if (!read_all(socket.get(), packet, Deadline::after_ms(5000))) return {};
    return packet;
  }

  // The next frame, without its length; ticks are counted and left out.
  std::vector<std::byte> read_frame(int timeout_ms = 5000) {
    const Deadline deadline = Deadline::after_ms(timeout_ms);
    for (;;) {
      std::array<std::byte, 4> header{};
      if (!read_all(socket.get(), header, deadline)) return {};
      std::vector<std::byte> frame(number(header, 0, 4));
      if (frame.empty()) {
        ++ticks;
        continue;
      }
      return read_all(socket.get(), frame, deadline) ? frame : std::vector<std::byte>{};
    }
  }

  // Whether the node has closed the connection by then.
  bool closed_within(int timeout_ms) {
    const Deadline deadline = Deadline::after_ms(timeout_ms);
    for (std::array<std::byte, 1> byte{}; read_all(socket.get(), byte, deadline);) {
    }
    return !deadline.expired();
  }

  static std::vector<std::byte> frame_of(const std::vector<std::byte>& control,
                                         std::span<const std::byte> payload = {}) {
    std::vector<std::byte> frame;
    append(frame, 2 + control.size() + payload.size(), 4);
    frame.push_back(std::byte{112});
    frame.push_back(std::byte{131});
    frame.insert(frame.end(), control.begin(), control.end());
    frame.insert(frame.end(), payload.begin(), payload.end());
    return frame;
  }

  static std::vector<std::byte> pid(uint32_t number = 7) { return pid_term(kPeerName, number, 4242); }
  static std::vector<std::byte> reference(uint64_t number = 9) { return reference_term(kPeerName, number, 4242); }

  static std::vector<std::byte> reg_send(const std::string& to, std::span<const std::byte> payload) {
    return frame_of(etf::Writer().tuple(4).integer(6).raw(pid()).atom("").atom(to).take(), payload);
  }

  static std::vector<std::byte> gen_call(const std::vector<std::byte>& request) {
    etf::Writer writer;
    return writer.version().tuple(3).atom("$gen_call").tuple(2).raw(pid()).raw(reference()).raw(request).take();
  }

  static void append(std::vector<std::byte>& bytes, uint64_t value, int width) {
    for (int i = width - 1; i >= 0; --i) bytes.push_back(static_cast<std::byte>(value >> (8 * i)));
  }
  static uint64_t number(std::span<const std::byte> bytes, size_t at, size_t width) {
    uint64_t value = 0;
    for (size_t i = at; i < at + width; ++i) value = value << 8 | std::to_integer<uint64_t>(bytes[i]);
    return value;
  }

  Socket socket;
  uint64_t node_flags = 0;
  uint32_t node_creation = 0;
  int ticks = 0;

 private:
  static constexpr uint64_t kFlags = 0x407074F9C | 0x20;

  static std::vector<std::byte> md5(const std::string& text) {
    std::vector<std::byte> digest(16);
    unsigned size = 16;
    EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(digest.data()), &size, EVP_md5(), nullptr);
    return digest;
  }
};

// A handler that remembers what it was told; tests wait for it.
class RecordingHandler : public Handler {
 public:
  void on_up(const ConnectionRef& connection) override {
    note([&] { up.push_back(connection); });
  }
  void on_message(const ConnectionRef&, Message&& message) override {
    note([&] { messages.push_back(std::move(message)); });
  }
  void on_too_large(const ConnectionRef&, std::span<const std::byte> head, size_t bytes) override {
    note([&] { too_large.emplace_back(TermBytes(head.begin(), head.end()), bytes); });
  }
  std::optional<Claim> claim(const ConnectionRef&, std::span<const std::byte> head, size_t bytes) override {
    return on_claim ? on_claim(head, bytes) : std::nullopt;
  }
  void on_claimed(const ConnectionRef&, Claim&& claim) override {
    note([&] { claimed.push_back(std::move(claim)); });
  }
  void on_process_down(const ConnectionRef&, const TermBytes& pid) override {
    note([&] { dead.push_back(pid); });
  }
  void on_down(const ConnectionRef& connection) override {
    note([&] { down.push_back(connection); });
  }

  bool wait(const std::function<bool()>& done, int timeout_ms = 5000) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::milliseconds(timeout_ms), done);
  }

  // While other connections may come and go.
  ConnectionRef up_at(size_t i) { return at(up, i); }
  ConnectionRef down_at(size_t i) { return at(down, i); }

  std::mutex mutex;
  std::condition_variable changed;
  std::vector<ConnectionRef> up, down;
  std::deque<Message> messages;
  std::vector<std::pair<TermBytes, size_t>> too_large;  // heads and sizes
  std::vector<Claim> claimed;
  std::vector<TermBytes> dead;
  std::function<std::optional<Claim>(std::span<const std::byte>, size_t)> on_claim;

 private:
  ConnectionRef at(const std::vector<ConnectionRef>& connections, size_t i) {
    const std::lock_guard lock(mutex);
    return connections.at(i);
  }

  template <typename F>
  void note(F change) {
    const std::lock_guard lock(mutex);
    change();
    changed.notify_all();
  }
};

struct TestNode {
  explicit TestNode(const NodeOptions& options = test_options()) {
    auto started = Node::start(options, handler);
    if (!started.ok()) FAIL(started.error().message);
    node = std::move(*started);
    node->register_name("gpu_node");
  }
  RecordingHandler handler;
  std::unique_ptr<Node> node;
};

inline std::vector<std::byte> term(std::string_view atom) { return etf::Writer().version().atom(atom).take(); }

// A node and one peer that is up on |channel|.
struct Pair {
  explicit Pair(const NodeOptions& options = test_options(), Channel channel = Channel::kControl)
      : test(options), peer(*test.node, channel) {
    REQUIRE(test.handler.wait([&] { return test.handler.up.size() == 1; }));
    connection = test.handler.up_at(0);
  }
  // Answers to a call show that everything before it has been handled.
  bool alive() {
    const auto call = RawPeer::gen_call(etf::Writer().tuple(2).atom("is_auth").atom(kPeerName).take());
    return peer.write(RawPeer::reg_send("net_kernel", call)) && !peer.read_frame().empty();
  }
  TestNode test;
  RawPeer peer;
  ConnectionRef connection;
};

inline Bytes payload_of(const std::vector<std::byte>& frame, Op op) {
  Control control;
  REQUIRE(parse_control(frame, control) == Parsed::kControl);
  REQUIRE(control.op == op);
  return Bytes(frame).subspan(control.size_bytes);
}

}  // namespace gpu_node::dist
