// What travels on a connection: messages of every size, claims, bulk replies.
#include <chrono>
#include <cstring>
#include <thread>

#include "unit/dist_peer.h"

namespace gpu_node::dist {
namespace {

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

TEST_CASE("dist connection: a frame above the limit is dropped, its head told, and the connection goes on" *
          doctest::test_suite("truth")) {
  Pair pair;
  auto& told = pair.test.handler.too_large;
  const auto large = frame_of_size(NodeOptions{}.max_frame_bytes + 1);
  CHECK(pair.peer.write(large));
  CHECK(pair.peer.write(RawPeer::reg_send("gpu_node", term("after"))));
  REQUIRE(pair.test.handler.wait([&] { return pair.test.handler.messages.size() == 1; }));
  REQUIRE(told.size() == 1);
  CHECK(told[0].second > 8'000'000);
  CHECK(told[0].first.size() > 1000);
  CHECK(told[0].first[0] == std::byte{131});
  CHECK(pair.test.handler.down.empty());
  // The largest that is taken.
  CHECK(pair.peer.write(frame_of_size(NodeOptions{}.max_frame_bytes)));
  CHECK(pair.test.handler.wait([&] { return pair.test.handler.messages.size() == 2; }));
}

TEST_CASE("dist connection: the reason of an exit may be as deep as it likes" * doctest::test_suite("truth")) {
  Pair pair;
  etf::Writer exit;
  exit.tuple(4).integer(3).raw(RawPeer::pid()).raw(RawPeer::pid(8));
  for (int i = 0; i < 200; ++i) exit.tuple(1);
  CHECK(pair.peer.write(RawPeer::frame_of(exit.atom("deep").take())));
  CHECK(pair.peer.write(RawPeer::reg_send("gpu_node", term("after"))));
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
    return Claim{room.data() + 1, kind == "wrong" ? payload_bytes + 1 : size, std::make_shared<size_t>(head_bytes)};
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
    const Claim& claimed = pair.test.handler.claimed.back();
    CHECK(claimed.size_bytes == size);
    CHECK(*std::static_pointer_cast<size_t>(claimed.keep_alive) == head_bytes);
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
