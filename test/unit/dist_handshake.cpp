// Who gets in and who does not: the handshake against a scripted peer, right, wrong, silent and dripping.
#include <chrono>
#include <thread>

#include "unit/dist_peer.h"

namespace gpu_node::dist {

TEST_CASE("dist handshake: a peer with the cookie is up, with the flags and the creation it needs") {
  TestNode test;
  CHECK(test.node->name() == "gpu@127.0.0.1");
  CHECK(test.node->bulk_name() == "gpu_bulk@127.0.0.1");
  RawPeer control(*test.node, Channel::kControl);
  RawPeer bulk(*test.node, Channel::kBulk);
  CHECK((control.node_flags & 0x20) != 0);  // monitors by name
  CHECK((control.node_flags & 0x08) != 0);
  CHECK((control.node_flags & 0x01) == 0);  // hidden
  CHECK(control.node_creation == 77777);
  REQUIRE(test.handler.wait([&] { return test.handler.up.size() == 2; }));
  CHECK(test.handler.up_at(0)->peer() == kPeerName);
  CHECK(test.handler.up_at(1)->peer() == kPeerName);
  CHECK(test.handler.up_at(0)->id() != test.handler.up_at(1)->id());
  REQUIRE(test.node->find(kPeerName, Channel::kBulk) != nullptr);
  CHECK(test.node->find(kPeerName, Channel::kBulk)->channel() == Channel::kBulk);
  CHECK(test.node->find("other@host", Channel::kBulk) == nullptr);
  CHECK(test.node->counters().connections == 2);
  control.socket.reset();
  REQUIRE(test.handler.wait([&] { return test.handler.down.size() == 1; }));
  CHECK(test.handler.down_at(0)->channel() == Channel::kControl);
}

TEST_CASE("dist handshake: a wrong cookie, a thousand times") {
  TestNode test;
  for (int i = 0; i < 1000; ++i) {
    RawPeer peer(test.node->port(Channel::kControl));
    CHECK_FALSE(peer.handshake(kPeerName, i % 2 == 0 ? "wrong" : ""));
  }
  RawPeer right(*test.node, Channel::kControl);
  CHECK(test.node->counters().handshakes_failed == 1000);
  CHECK(test.node->counters().connections <= 1);
}

TEST_CASE("dist handshake: malformed first packets are refused") {
  TestNode test;
  auto flagless = RawPeer::name_packet(kPeerName);
  std::fill(flagless.begin() + 1, flagless.begin() + 9, std::byte{0});
  auto long_name = RawPeer::name_packet(kPeerName);
  long_name[13] = std::byte{255};
  const std::vector<std::vector<std::byte>> packets = {
      {},
      {std::byte{'N'}},
      {std::byte{'n'}, std::byte{0}, std::byte{5}},
      RawPeer::name_packet("nohost"),
      RawPeer::name_packet("a@b@c"),
      RawPeer::name_packet("line\nbreak@host"),
      RawPeer::name_packet(std::string(300, 'x') + "@host"),
      std::vector<std::byte>(5000, std::byte{'N'}),
      flagless,
      long_name,
  };
  for (const auto& packet : packets) {
    CAPTURE(packet.size());
    RawPeer peer(test.node->port(Channel::kControl));
    CHECK(peer.write_packet(packet));
    CHECK(peer.closed_within(2000));
  }
  CHECK(test.handler.up.empty());
  RawPeer right(*test.node, Channel::kControl);
}

TEST_CASE("dist handshake: silent and dripping peers end at the deadline and delay nobody") {
  NodeOptions options = test_options();
  options.handshake_ms = 1500;
  options.max_handshakes = 16;
  TestNode test(options);
  std::vector<std::unique_ptr<RawPeer>> crowd;
  for (int i = 0; i < 50; ++i) crowd.push_back(std::make_unique<RawPeer>(test.node->port(Channel::kControl)));
  std::atomic<bool> dripping{true};
  std::jthread drip([&] {
    const auto packet = RawPeer::name_packet(kPeerName);
    for (size_t at = 0; dripping && at < packet.size(); ++at) {
      for (auto& peer : crowd) peer->write(std::span(packet).subspan(at, 1));
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  });
  const auto start = std::chrono::steady_clock::now();
  RawPeer honest(*test.node, Channel::kControl);
  RawPeer bulk(*test.node, Channel::kBulk);
  const auto spent = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
  CHECK(spent.count() < 1000);
  MESSAGE("both handshakes took ms: " << spent.count());
  REQUIRE(test.handler.wait([&] { return test.handler.up.size() == 2; }));
  for (auto& peer : crowd) CHECK(peer->closed_within(4000));
  dripping = false;
  drip.join();
  CHECK(test.node->counters().handshakes_failed == 50);
}

TEST_CASE("dist handshake: more connections than allowed are refused, the same peer may come again") {
  NodeOptions options = test_options();
  options.max_connections = 2;
  TestNode test(options);
  RawPeer first(*test.node, Channel::kControl, "one@host");
  RawPeer second(*test.node, Channel::kControl, "two@host");
  REQUIRE(test.handler.wait([&] { return test.handler.up.size() == 2; }));
  RawPeer third(*test.node, Channel::kControl, "three@host");
  CHECK(third.closed_within(2000));
  RawPeer again(*test.node, Channel::kControl, "two@host");
  CHECK(second.closed_within(2000));
  REQUIRE(test.handler.wait([&] { return test.handler.up.size() == 3; }));
  CHECK(test.node->find("two@host", Channel::kControl) == test.handler.up_at(2));
}

TEST_CASE("dist handshake: stopped, the node takes nobody, but keeps who is there") {
  TestNode test;
  RawPeer peer(*test.node, Channel::kControl);
  REQUIRE(test.handler.wait([&] { return test.handler.up.size() == 1; }));
  const int port = test.node->port(Channel::kControl);
  test.node->stop_accepting();
  CHECK_FALSE(RawPeer(port).socket.valid());
  CHECK(peer.write(RawPeer::reg_send("gpu_node", etf::Writer().version().atom("still_here").take())));
  CHECK(test.handler.wait([&] { return test.handler.messages.size() == 1; }));
}

TEST_CASE("dist node: bad options are errors that name them") {
  RecordingHandler handler;
  const auto message_of = [&](const std::function<void(NodeOptions&)>& change) {
    NodeOptions options = test_options();
    change(options);
    auto node = Node::start(options, handler);
    return node.ok() ? std::string() : node.error().message;
  };
  CHECK(message_of([](NodeOptions& o) { o.alive = "a@b"; }).find("'a@b'") != std::string::npos);
  CHECK(message_of([](NodeOptions& o) { o.cookie = ""; }).find("cookie") != std::string::npos);
  CHECK(message_of([](NodeOptions& o) { o.cookie = std::string(600, 'c'); }).find("600 bytes") != std::string::npos);
  CHECK(message_of([](NodeOptions& o) { o.port = 70000; }).find("70000") != std::string::npos);
  CHECK(message_of([](NodeOptions& o) { o.listen_address = "no.such.host.invalid"; }).find("no.such.host") !=
        std::string::npos);
  TestNode test;
  const int taken = test.node->port(Channel::kControl);
  CHECK(message_of([&](NodeOptions& o) { o.port = taken; }).find("port " + std::to_string(taken)) != std::string::npos);
}

}  // namespace gpu_node::dist
