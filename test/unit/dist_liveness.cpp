// Who is alive: ticks, silence, peers that do not read, newer connections, the end of the node.
#include <chrono>
#include <thread>

#include "unit/dist_peer.h"

namespace gpu_node::dist {

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

}  // namespace gpu_node::dist
