// Signals of links, monitors and spawns, calls to nobody, and frames that no peer of good will sends.
#include "unit/dist_peer.h"

namespace gpu_node::dist {

TEST_CASE("dist connection: forged lengths and malformed frames close that connection and no other") {
  TestNode test;
  RawPeer other(*test.node, Channel::kControl, "other@host");
  using W = etf::Writer;
  const auto pid = RawPeer::pid(), ref = RawPeer::reference();
  std::vector<std::vector<std::byte>> attacks;
  for (const uint32_t length : {0x7fffffffu, 0x80000000u, 0xfffffff0u, 0xffffffffu, (8u << 20) + 1}) {
    attacks.emplace_back();
    RawPeer::append(attacks.back(), length, 4);
    attacks.back().resize(5000);
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

}  // namespace gpu_node::dist
