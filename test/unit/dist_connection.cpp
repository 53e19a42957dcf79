// What happens on a connection: messages, claims, bulk replies, ticks, silence, monitors, and what hostile frames do.
#include <chrono>
#include <cstring>
#include <thread>

#include "unit/dist_peer.h"

namespace gpu_node::dist {
namespace {

std::vector<std::byte> term(std::string_view atom) { return etf::Writer().version().atom(atom).take(); }

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

Bytes payload_of(const std::vector<std::byte>& frame, Op op) {
  Control control;
  REQUIRE(parse_control(frame, control) == Parsed::kControl);
  REQUIRE(control.op == op);
  return Bytes(frame).subspan(control.size_bytes);
}

std::vector<std::byte> frame_of_size(size_t size_bytes) {
  const auto empty = RawPeer::reg_send("gpu_node", etf::Writer().version().binary_header(0).take());
  const size_t overhead = empty.size() - 4;
  std::vector<std::byte> payload =
      etf::Writer().version().binary_header(static_cast<uint32_t>(size_bytes - overhead)).take();
  for (size_t i = 0; i < size_bytes - overhead; ++i) payload.push_back(static_cast<std::byte>(i % 251));
  return RawPeer::reg_send("gpu_node", payload);
}

}  // namespace

TEST_CASE("dist connection: messages to a name and to a pid arrive, in order, of every size") {
  Pair pair;
  CHECK(pair.peer.write(RawPeer::reg_send("gpu_node", term("first"))));
  CHECK(pair.peer.write(
      RawPeer::frame_of(etf::Writer().tuple(3).integer(2).atom("").raw(RawPeer::pid(3)).take(), term("second"))));
  // Traced and with a sender.
  CHECK(pair.peer.write(RawPeer::frame_of(
      etf::Writer().tuple(4).integer(12).atom("").raw(RawPeer::pid(3)).tuple(0).take(), term("third"))));
  CHECK(pair.peer.write(RawPeer::frame_of(
      etf::Writer().tuple(3).integer(22).raw(RawPeer::pid(4)).raw(RawPeer::pid(3)).take(), term("fourth"))));
  auto& messages = pair.test.handler.messages;
  REQUIRE(pair.test.handler.wait([&] { return messages.size() == 4; }));
  CHECK(messages[0].to_name == "gpu_node");
  CHECK(messages[0].from == RawPeer::pid());
  CHECK(messages[1].to_name.empty());
  CHECK(messages[1].from.empty());
  CHECK(messages[3].from == RawPeer::pid(4));
  const char* names[] = {"first", "second", "third", "fourth"};
  for (size_t i = 0; i < 4; ++i) {
    const auto expected = term(names[i]);
    CHECK(std::equal(messages[i].payload.begin(), messages[i].payload.end(), expected.begin(), expected.end()));
  }
  messages.clear();
  const std::vector<size_t> sizes = {200,   4095,   4096,   4097,   65530,   65536,
                                     70000, 262143, 262144, 300000, 1 << 20, 5'000'000};
  std::vector<std::byte> stream;
  for (const size_t size : sizes) {
    const auto frame = frame_of_size(size);
    stream.insert(stream.end(), frame.begin(), frame.end());
  }
  std::jthread writer([&] { CHECK(pair.peer.write(stream)); });
  REQUIRE(pair.test.handler.wait([&] { return messages.size() == sizes.size(); }));
  writer.join();
  for (size_t i = 0; i < sizes.size(); ++i) {
    const auto sent = frame_of_size(sizes[i]);
    CHECK(std::equal(messages[i].frame.begin(), messages[i].frame.end(), sent.begin() + 4, sent.end()));
  }
  CHECK(pair.test.node->counters().messages_in == 4 + sizes.size());
}

TEST_CASE("dist connection: a frame byte by byte") {
  Pair pair;
  const auto frame = RawPeer::reg_send("gpu_node", term("slow"));
  for (const std::byte byte : frame) CHECK(pair.peer.write({&byte, 1}));
  CHECK(pair.test.handler.wait([&] { return pair.test.handler.messages.size() == 1; }));
}

TEST_CASE("dist connection: sends arrive whole and small ones are not behind bulk that waits") {
  Pair pair(test_options(), Channel::kBulk);
  const auto data = std::make_shared<std::vector<std::byte>>(8 << 20);
  for (size_t i = 0; i < data->size(); ++i) (*data)[i] = static_cast<std::byte>(i % 251);
  const auto head = etf::Writer().version().tuple(2).binary_header(static_cast<uint32_t>(data->size())).take();
  const auto trailer = etf::Writer().atom("end").take();
  for (int i = 0; i < 3; ++i) CHECK(pair.connection->send_bulk(RawPeer::pid(), head, *data, trailer, data));
  CHECK(pair.connection->send(RawPeer::pid(), term("small")));
  int bulk_before_small = 0, bulk_frames = 0;
  bool small_seen = false;
  for (int i = 0; i < 4; ++i) {
    const auto frame = pair.peer.read_frame();
    const Bytes payload = payload_of(frame, Op::kSend);
    if (payload.size() < 100) {
      small_seen = true;
      bulk_before_small = bulk_frames;
      continue;
    }
    ++bulk_frames;
    REQUIRE(payload.size() == head.size() + data->size() + trailer.size());
    CHECK(std::memcmp(payload.data() + head.size(), data->data(), data->size()) == 0);
    CHECK(std::memcmp(payload.data() + head.size() + data->size(), trailer.data(), trailer.size()) == 0);
  }
  CHECK(small_seen);
  CHECK(bulk_before_small < 3);
  CHECK(pair.test.node->counters().messages_out == 4);
}

TEST_CASE("dist connection: many threads send, every message arrives whole") {
  Pair pair;
  constexpr int kThreads = 4, kEach = 500;
  std::vector<std::jthread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i)
        CHECK(pair.connection->send(RawPeer::pid(), etf::Writer().version().tuple(2).integer(t).integer(i).take()));
    });
  std::vector<int64_t> next(kThreads, 0);
  for (int i = 0; i < kThreads * kEach; ++i) {
    const auto frame = pair.peer.read_frame();
    etf::Reader reader(payload_of(frame, Op::kSend));
    uint32_t arity;
    int64_t thread = 0, number = 0;
    REQUIRE(
        (reader.read_version() && reader.read_tuple(arity) && reader.read_int64(thread) && reader.read_int64(number)));
    CHECK(number == next[static_cast<size_t>(thread)]++);
  }
  for (auto& thread : threads) thread.join();
}

TEST_CASE("dist connection: claimed tails land where the handler wants them, and only there") {
  Pair pair(test_options(), Channel::kBulk);
  std::vector<std::byte> room(3 << 20);
  size_t head_bytes = 0;
  pair.test.handler.on_claim = [&](std::span<const std::byte> head, size_t payload_bytes) -> std::optional<Claim> {
    CHECK(head.size() <= 512);
    etf::Reader reader(head);
    uint32_t arity, size;
    std::string_view kind;
    if (!reader.read_version() || !reader.read_tuple(arity) || !reader.read_atom(kind) || kind == "plain") return {};
    if (!reader.read_binary_header(size)) return {};
    head_bytes = reader.position();
    CHECK(payload_bytes == head_bytes + size);
    // A claim that does not fit what was shown is refused and the message arrives unclaimed.
    return Claim{room.data() + 1, kind == "wrong" ? payload_bytes + 1 : size, nullptr};
  };
  const auto send = [&](const char* kind, size_t size, uint8_t seed) {
    etf::Writer writer;
    writer.version().tuple(2).atom(kind).binary_header(static_cast<uint32_t>(size));
    auto payload = writer.take();
    for (size_t i = 0; i < size; ++i) payload.push_back(static_cast<std::byte>(i + seed));
    std::jthread thread([&pair, payload] { CHECK(pair.peer.write(RawPeer::reg_send("gpu_node", payload))); });
    return thread;
  };
  size_t expected = 0;
  for (const size_t size :
       {0ul, 1ul, 400ul, 511ul, 512ul, 513ul, 4096ul, 16384ul, 16400ul, 70000ul, 1048576ul, 3145727ul}) {
    CAPTURE(size);
    const auto seed = static_cast<uint8_t>(size * 7 + 3);
    std::fill(room.begin(), room.end(), std::byte{0xEE});
    auto thread = send("claim", size, seed);
    ++expected;
    REQUIRE(pair.test.handler.wait([&] { return pair.test.handler.claimed.size() == expected; }));
    thread.join();
    CHECK(pair.test.handler.claimed.back().size() == head_bytes);
    CHECK(room[0] == std::byte{0xEE});
    if (size + 1 < room.size()) CHECK(room[size + 1] == std::byte{0xEE});
    bool right = true;
    for (size_t i = 0; i < size; ++i) right = right && room[1 + i] == static_cast<std::byte>(i + seed);
    CHECK(right);
  }
  send("plain", 70000, 1).join();
  send("wrong", 70000, 1).join();
  CHECK(pair.test.handler.wait([&] { return pair.test.handler.messages.size() == 2; }));
  CHECK(pair.alive());
}

TEST_CASE("dist connection: a peer that goes in the middle of a claimed tail claims nothing") {
  Pair pair(test_options(), Channel::kBulk);
  auto room = std::make_shared<std::vector<std::byte>>(1 << 20);
  const std::weak_ptr<void> watch = room;
  pair.test.handler.on_claim = [&](std::span<const std::byte>, size_t) {
    std::byte* const data = room->data();
    return std::optional<Claim>(Claim{data, 1 << 20, std::move(room)});
  };
  auto payload = etf::Writer().version().binary_header(1 << 20).take();
  payload.resize(payload.size() + (1 << 20));
  auto frame = RawPeer::reg_send("gpu_node", payload);
  frame.resize(frame.size() / 2);
  CHECK(pair.peer.write(frame));
  pair.peer.socket.reset();
  REQUIRE(pair.test.handler.wait([&] { return pair.test.handler.down.size() == 1; }));
  CHECK(pair.test.handler.claimed.empty());
  CHECK(watch.expired());
}

TEST_CASE("dist connection: forged lengths and malformed frames close that connection and no other") {
  TestNode test;
  RawPeer other(*test.node, Channel::kControl, "other@host");
  using W = etf::Writer;
  const auto pid = RawPeer::pid(), ref = RawPeer::reference();
  std::vector<std::vector<std::byte>> attacks;
  for (const uint32_t length : {0x7fffffffu, 0x80000000u, 0xfffffff0u, 0xffffffffu, (8u << 20) + 1}) {
    attacks.emplace_back();
    RawPeer::append(attacks.back(), length, 4);
    attacks.back().resize(600);
  }
  attacks.push_back({std::byte{0}, std::byte{0}, std::byte{0}, std::byte{1}, std::byte{112}});
  attacks.push_back({std::byte{0}, std::byte{0}, std::byte{0}, std::byte{1}, std::byte{131}});
  const std::vector<std::vector<std::byte>> controls = {
      {},
      W().atom("no_tuple").take(),
      W().tuple(0).take(),
      W().tuple(1).atom("send").take(),
      W().tuple(2).integer(6).raw(pid).take(),                             // too short
      W().tuple(4).integer(6).atom("x").atom("").atom("gpu_node").take(),  // no pid
      W().tuple(4).integer(6).raw(pid).atom("").raw(pid).take(),           // no name
      W().tuple(4).integer(6).raw(pid).atom("").atom("gpu_node").take(),   // no payload
      W().tuple(3).integer(2).atom("").raw(ref).take(),
      W().tuple(4).integer(19).raw(pid).integer(5).raw(ref).take(),
      W().tuple(4).integer(35).integer(-1).raw(pid).raw(pid).take(),
      W().raw(std::vector<std::byte>(3000, std::byte{104})).take(),
  };
  for (const auto& control : controls) attacks.push_back(RawPeer::frame_of(control));
  attacks.push_back(RawPeer::frame_of(W().tuple(4).integer(6).raw(pid).atom("").atom("gpu_node").take(),
                                      std::vector<std::byte>(9, std::byte{9})));  // the payload is no term
  attacks.push_back(RawPeer::frame_of(W().tuple(3).integer(1).raw(pid).raw(pid).take(), term("unasked")));
  for (const Channel channel : {Channel::kControl, Channel::kBulk}) {
    for (size_t i = 0; i < attacks.size(); ++i) {
      CAPTURE(i);
      RawPeer peer(*test.node, channel);
      CHECK(peer.write(attacks[i]));
      CHECK(peer.closed_within(3000));
    }
  }
  CHECK(test.handler.messages.empty());
  CHECK(other.write(RawPeer::reg_send("gpu_node", term("still_here"))));
  CHECK(test.handler.wait([&] { return test.handler.messages.size() == 1; }));
}

TEST_CASE("dist connection: no signal ends anything, those that owe an answer get it") {
  Pair pair;
  const auto pid = RawPeer::pid(), ours = pid_term("gpu@127.0.0.1", 1, 77777), ref = RawPeer::reference();
  const auto send = [&](const std::vector<std::byte>& message, bool payload = false) {
    const auto reason = term("reason");
    CHECK(pair.peer.write(RawPeer::frame_of(message, payload ? Bytes(reason) : Bytes())));
  };
  using W = etf::Writer;
  send(W().tuple(4).integer(3).raw(pid).raw(ours).atom("killed").take());
  send(W().tuple(3).integer(4).raw(pid).raw(ours).take());
  send(W().tuple(1).integer(5).take());
  send(W().tuple(3).integer(7).raw(pid).raw(ours).take());
  send(W().tuple(4).integer(8).raw(pid).raw(ours).atom("kill").take());
  send(W().tuple(5).integer(13).raw(pid).raw(ours).nil().atom("x").take());
  send(W().tuple(5).integer(18).raw(pid).raw(ours).nil().atom("x").take());
  send(W().tuple(4).integer(20).raw(pid).raw(ours).raw(ref).take());
  send(W().tuple(5).integer(21).raw(pid).raw(ours).raw(ref).atom("x").take());
  send(W().tuple(4).integer(28).raw(pid).raw(ours).raw(ref).take(), true);
  for (const int op : {24, 26}) send(W().tuple(3).integer(op).raw(pid).raw(ours).take(), true);
  for (const int op : {25, 27}) send(W().tuple(4).integer(op).raw(pid).raw(ours).nil().take(), true);
  send(W().tuple(5).integer(31).raw(ref).raw(pid).integer(0).atom("x").take());
  send(W().tuple(3).integer(33).raw(pid).raw(ref).take(), true);
  send(W().tuple(4).integer(34).raw(pid).raw(ref).nil().take(), true);
  send(W().tuple(4).integer(36).integer(5).raw(pid).raw(ours).take());
  send(W().tuple(2).integer(99).atom("from_the_future").take(), true);
  send(W().tuple(2).integer(0).nil().take());
  CHECK(pair.peer.write(RawPeer::reg_send("nobody", term("dropped"))));
  CHECK(pair.alive());  // and its answer is the first frame that came

  const auto answered = [&](const std::vector<std::byte>& expected) {
    auto frame = pair.peer.read_frame();
    std::vector<std::byte> whole;
    RawPeer::append(whole, frame.size(), 4);
    whole.insert(whole.end(), frame.begin(), frame.end());
    CHECK(whole == RawPeer::frame_of(expected));
  };
  send(W().tuple(3).integer(1).raw(pid).raw(ours).take());
  answered(W().tuple(4).integer(3).raw(ours).raw(pid).atom("noproc").take());
  send(W().tuple(4).integer(35).unsigned_integer(1ull << 63).raw(pid).raw(ours).take());
  answered(W().tuple(4).integer(36).unsigned_integer(1ull << 63).raw(ours).raw(pid).take());
  send(W().tuple(6).integer(29).raw(ref).raw(pid).raw(pid).tuple(0).nil().take(), true);
  answered(W().tuple(5).integer(31).raw(ref).raw(pid).integer(0).atom("notsup").take());
  send(W().tuple(4).integer(19).raw(pid).atom("nobody").raw(ref).take());
  answered(W().tuple(5).integer(21).atom("nobody").raw(pid).raw(ref).atom("noproc").take());
  send(W().tuple(4).integer(19).raw(pid).raw(ours).raw(ref).take());
  answered(W().tuple(5).integer(21).raw(ours).raw(pid).raw(ref).atom("noproc").take());
}

TEST_CASE("dist connection: calls to nobody are answered with an error, ping with yes") {
  Pair pair;
  const auto ask = [&](const char* name, const std::vector<std::byte>& request) {
    CHECK(pair.peer.write(RawPeer::reg_send(name, RawPeer::gen_call(request))));
    const auto frame = pair.peer.read_frame();
    const Bytes payload = payload_of(frame, Op::kSend);
    return std::vector<std::byte>(payload.begin(), payload.end());
  };
  const auto reply = [] { return etf::Writer().version().tuple(2).raw(RawPeer::reference()); };
  CHECK(ask("net_kernel", etf::Writer().tuple(2).atom("is_auth").atom("x@y").take()) == reply().atom("yes").take());
  for (const char* name : {"net_kernel", "rex", "nobody"}) {
    const auto expected = reply()
                              .tuple(2)
                              .atom("error")
                              .tuple(2)
                              .atom("not_found")
                              .binary("nobody is registered as '" + std::string(name) + "' on gpu@127.0.0.1")
                              .take();
    CHECK(ask(name, etf::Writer().atom("hello").take()) == expected);
  }
}

TEST_CASE("dist connection: who monitors our name hears of the stop, unless they took it back") {
  auto pair = std::make_unique<Pair>();
  using W = etf::Writer;
  const auto monitor = [&](int op, uint64_t number, const char* name) {
    CHECK(pair->peer.write(RawPeer::frame_of(
        W().tuple(4).integer(op).raw(RawPeer::pid()).atom(name).raw(RawPeer::reference(number)).take())));
  };
  monitor(19, 1, "gpu_node");
  monitor(19, 2, "gpu_node");
  monitor(19, 3, "net_kernel");
  monitor(20, 1, "gpu_node");
  CHECK(pair->alive());
  RawPeer peer = std::move(pair->peer);
  pair->connection.reset();
  pair.reset();
  for (const auto& [number, name] : {std::pair(2, "gpu_node"), std::pair(3, "net_kernel")}) {
    const auto frame = peer.read_frame();
    Control control;
    REQUIRE(parse_control(frame, control) == Parsed::kControl);
    CHECK(control.op == Op::kMonitorExit);
    CHECK(control.from_name == name);
    CHECK(reference_number(control.reference) == static_cast<uint64_t>(number));
  }
  CHECK(peer.closed_within(2000));
}

TEST_CASE("dist connection: we monitor a process once and hear of its end") {
  Pair pair;
  using W = etf::Writer;
  const auto first = RawPeer::pid(21), second = RawPeer::pid(22);
  CHECK(pair.connection->monitor(first));
  CHECK(pair.connection->monitor(first));
  CHECK(pair.connection->monitor(second));
  std::vector<std::byte> references[2];
  for (auto& reference : references) {
    const auto frame = pair.peer.read_frame();
    Control control;
    REQUIRE(parse_control(frame, control) == Parsed::kControl);
    CHECK(control.op == Op::kMonitor);
    reference.assign(control.reference.begin(), control.reference.end());
  }
  const auto ours = pid_term("gpu@127.0.0.1", 1, 77777);
  const auto exits = [&](const std::vector<std::byte>& pid, const std::vector<std::byte>& reference) {
    CHECK(pair.peer.write(
        RawPeer::frame_of(W().tuple(5).integer(21).raw(pid).raw(ours).raw(reference).atom("killed").take())));
  };
  exits(second, references[1]);
  exits(second, references[1]);  // a lie the second time
  exits(first, RawPeer::reference(4711));
  CHECK(pair.alive());
  CHECK(pair.test.handler.dead == std::vector<TermBytes>{second});
  exits(first, references[0]);
  CHECK(pair.alive());
  CHECK(pair.test.handler.dead == std::vector<TermBytes>{second, first});
  CHECK(pair.connection->monitor(first));  // again: it may be asked once more
  CHECK_FALSE(pair.peer.read_frame().empty());
}

TEST_CASE("dist connection: ticks when nothing is sent, an answer to each tick, none while silent") {
  NodeOptions options = test_options();
  options.tick_ms = 60;
  options.silence_ms = 60'000;
  Pair pair(options);
  CHECK(pair.peer.read_frame(700).empty());
  CHECK(pair.peer.ticks >= 4);
  CHECK(pair.peer.ticks <= 12);
  pair.test.node->set_silent(true);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  pair.peer.read_frame(1);
  pair.peer.ticks = 0;
  const std::vector<std::byte> tick(4);
  CHECK(pair.peer.write(tick));
  CHECK(pair.peer.read_frame(300).empty());
  CHECK(pair.peer.ticks == 0);
  pair.test.node->set_silent(false);
  options.tick_ms = 60'000;
  Pair lazy(options);
  for (int i = 0; i < 3; ++i) CHECK(lazy.peer.write(tick));
  CHECK(lazy.peer.read_frame(300).empty());
  CHECK(lazy.peer.ticks == 3);
}

TEST_CASE("dist connection: a peer that sends nothing is dead, one that ticks is not") {
  NodeOptions options = test_options();
  options.silence_ms = 1500;
  TestNode test(options);
  RawPeer silent(*test.node, Channel::kControl, "silent@host");
  RawPeer ticking(*test.node, Channel::kControl, "ticking@host");
  std::atomic<bool> stop{false};
  std::jthread ticker([&] {
    const std::vector<std::byte> tick(4);
    while (!stop) {
      ticking.write(tick);
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  });
  CHECK(silent.closed_within(6000));
  REQUIRE(test.handler.wait([&] { return test.handler.down.size() == 1; }));
  CHECK(test.handler.down_at(0)->peer() == "silent@host");
  CHECK_FALSE(test.handler.down_at(0)->send(RawPeer::pid(), term("too_late")));
  CHECK(ticking.write(RawPeer::reg_send("gpu_node", term("here"))));
  CHECK(test.handler.wait([&] { return test.handler.messages.size() == 1; }));
  stop = true;
  ticker.join();
}

TEST_CASE("dist connection: a peer that does not read is closed at the limit, others are not disturbed") {
  NodeOptions options = test_options();
  options.max_send_queue_bytes = 1 << 20;
  TestNode test(options);
  RawPeer lazy(*test.node, Channel::kControl, "lazy@host");
  RawPeer eager(*test.node, Channel::kControl, "eager@host");
  REQUIRE(test.handler.wait([&] { return test.handler.up.size() == 2; }));
  const ConnectionRef to_lazy = test.node->find("lazy@host", Channel::kControl);
  const std::vector<std::byte> message = etf::Writer().version().binary(std::string(60'000, 'x')).take();
  int sent = 0;
  while (sent < 10'000 && to_lazy->send(RawPeer::pid(), message)) ++sent;
  CHECK(sent > 10);
  CHECK(sent < 10'000);
  CHECK(test.handler.wait([&] { return test.handler.down.size() == 1; }));
  CHECK(test.node->find("eager@host", Channel::kControl)->send(RawPeer::pid(), term("hello")));
  CHECK_FALSE(eager.read_frame().empty());
}

TEST_CASE("dist connection: a bulk reply to a peer that does not read ends with the connection, its memory goes") {
  NodeOptions options = test_options();
  options.silence_ms = 1500;  // also the longest stall of a write
  Pair pair(options, Channel::kBulk);
  auto data = std::make_shared<std::vector<std::byte>>(64 << 20);
  const std::weak_ptr<void> watch = data;
  const auto head = etf::Writer().version().binary_header(64 << 20).take();
  CHECK(pair.connection->send_bulk(RawPeer::pid(), head, *data, {}, data));
  data.reset();
  CHECK_FALSE(watch.expired());
  CHECK(pair.test.handler.wait([&] { return pair.test.handler.down.size() == 1; }, 8000));
  CHECK(watch.expired());
  CHECK_FALSE(pair.connection->send_bulk(RawPeer::pid(), head, {}, {}, nullptr));
}

TEST_CASE("dist connection: the newest connection of a peer wins, channel by channel") {
  TestNode test;
  RawPeer bulk(*test.node, Channel::kBulk);
  RawPeer first(*test.node, Channel::kControl);
  REQUIRE(test.handler.wait([&] { return test.handler.up.size() == 2; }));
  RawPeer second(*test.node, Channel::kControl);
  CHECK(first.closed_within(2000));
  REQUIRE(test.handler.wait([&] { return test.handler.up.size() == 3 && test.handler.down.size() == 1; }));
  CHECK(test.node->find(kPeerName, Channel::kControl) == test.handler.up_at(2));
  CHECK(second.write(RawPeer::reg_send("gpu_node", term("two"))));
  CHECK(bulk.write(RawPeer::reg_send("gpu_node", term("bulk"))));
  CHECK(test.handler.wait([&] { return test.handler.messages.size() == 2; }));
}

TEST_CASE("dist connection: the node goes while peers send and handlers answer") {
  for (int round = 0; round < 5; ++round) {
    auto test = std::make_unique<TestNode>();
    std::vector<std::unique_ptr<RawPeer>> peers;
    for (int i = 0; i < 4; ++i)
      peers.push_back(std::make_unique<RawPeer>(*test->node, i % 2 == 0 ? Channel::kControl : Channel::kBulk,
                                                "peer" + std::to_string(i) + "@host"));
    std::vector<std::jthread> threads;
    for (auto& peer : peers)
      threads.emplace_back([&peer] {
        const auto call = RawPeer::gen_call(etf::Writer().atom("x").take());
        while (peer->write(RawPeer::reg_send("nobody", call)) && !peer->read_frame().empty()) {
        }
      });
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    test.reset();
    for (auto& thread : threads) thread.join();
  }
}

TEST_CASE("dist connection: bulk both ways, bytes a second") {
  Pair pair(test_options(), Channel::kBulk);
  std::vector<std::byte> room(1 << 20);
  pair.test.handler.on_claim = [&](std::span<const std::byte>, size_t) {
    return std::optional<Claim>(Claim{room.data(), 1 << 20, nullptr});
  };
  auto payload = etf::Writer().version().binary_header(1 << 20).take();
  payload.resize(payload.size() + (1 << 20));
  const auto frame = RawPeer::reg_send("gpu_node", payload);
  constexpr size_t kFrames = 256;
  const auto rate = [](auto start) {
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
    return static_cast<double>(kFrames << 20) / spent.count() / 1e9;
  };
  auto start = std::chrono::steady_clock::now();
  for (size_t i = 0; i < kFrames; ++i) REQUIRE(pair.peer.write(frame));
  REQUIRE(pair.test.handler.wait([&] { return pair.test.handler.claimed.size() == kFrames; }));
  MESSAGE("up GB/s: " << rate(start));
  const auto data = std::make_shared<std::vector<std::byte>>(kFrames << 20);
  std::vector<std::byte> sink(1 << 20);
  start = std::chrono::steady_clock::now();
  const auto head = etf::Writer().version().binary_header(kFrames << 20).take();
  CHECK(pair.connection->send_bulk(RawPeer::pid(), head, *data, {}, data));
  for (size_t i = 0; i < kFrames; ++i) REQUIRE(read_all(pair.peer.socket.get(), sink, Deadline::after_ms(5000)));
  MESSAGE("down GB/s: " << rate(start));
}

}  // namespace gpu_node::dist
