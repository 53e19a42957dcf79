// Time: deadlines, cancelling, queues that are full, draining. All while the device is busy.
#include <doctest/doctest.h>

#include <chrono>
#include <thread>

#include "gpu/service_client.h"

namespace gpu_node::test {
namespace {

using etf::Writer;
using Clock = std::chrono::steady_clock;

int64_t milliseconds_since(Clock::time_point since) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - since).count();
}

struct Fixture : Connected {
  int64_t next_id = 1000;

  Fixture() {
    client.run(Commands().alloc(2, "f32", {4}));
    // A matrix so large that a few hundred products keep this device busy for a second.
    int64_t each_us = 0;
    for (; each_us < 2500 && side < 8192; each_us = time_of_one()) {
      side *= 2;
      matrix = next_id++;
      client.run(Commands().alloc(matrix, "f32", {side, side}));
    }
    per_second = static_cast<int>(std::max<int64_t>(1'000'000 / each_us, 4));
  }

  int64_t time_of_one() {
    dot(next_id++);
    REQUIRE(client.sync().ok());  // compiled
    const Clock::time_point began = Clock::now();
    for (int i = 0; i < 4; ++i) dot(next_id++);
    REQUIRE(client.sync().ok());
    return std::max<int64_t>(1,
                             std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - began).count() / 4);
  }

  void dot(int64_t id) {
    Writer command;
    command.tuple(4).atom("dot").list(1).tuple(3).integer(id).atom("f32");
    write_shape(command, {side, side});
    command.nil().list(2).integer(matrix).integer(matrix).nil().map(4);
    command.atom("contract_left").list(1).integer(1).nil().atom("batch_left").nil();
    command.atom("contract_right").list(1).integer(0).nil().atom("batch_right").nil();
    client.run(Commands().raw(command));
  }
  // Keeps the device busy for about |seconds|.
  void busy(double seconds) {
    for (int i = 0; i < static_cast<int>(per_second * seconds) + 1; ++i) dot(next_id++);
  }

  // So many submissions in flight that the device thread takes nothing more for a while.
  void saturate() {
    for (int i = 0; i < 12; ++i) {
      busy(0.15);
      reads.push_back(client.send_call(client.download_request(2, 0, -1)));
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }

  std::vector<uint64_t> reads;
  int64_t side = 128;
  int64_t matrix = 0;
  int per_second = 0;
};

}  // namespace

TEST_CASE("service: a read whose time runs out is told so, on time, and the others are served") {
  Fixture f;
  f.busy(1.5);
  const uint64_t slow = f.client.send_call(f.client.download_request(2, 0, -1));
  const Clock::time_point began = Clock::now();
  const Reply late = f.client.call(f.client.download_request(2, 0, -1, 100));
  const int64_t took = milliseconds_since(began);
  CHECK(late.code == "deadline");
  CHECK(took >= 95);
  CHECK(took < 1000);
  CHECK(f.client.await(slow).ok());
  CHECK(f.client.call(f.client.download_request(2, 0, -1, 60'000)).ok());
  CHECK(f.client.call(f.client.download_request(2, 0, -1, 0)).code == "deadline");
}

TEST_CASE("service: recording goes on while a read waits") {
  Fixture f;
  f.busy(1.0);
  const uint64_t slow = f.client.send_call(f.client.download_request(2, 0, -1));
  Client other(*f.service, f.peer, 2);
  REQUIRE(other.open().ok());
  const Clock::time_point began = Clock::now();
  other.run(Commands().alloc(1, "f32", {4}), 1);
  CHECK(other.acked(1));
  MESSAGE("acknowledged after " << milliseconds_since(began) << " ms");
  CHECK(f.client.await(slow, 1).answered == false);
  CHECK(f.client.await(slow).ok());
}

TEST_CASE("service: a cancelled request is answered, once") {
  Fixture f;
  f.busy(1.0);
  const uint64_t slow = f.client.send_call(f.client.download_request(2, 0, -1, -1, 77));
  const auto cancel = [&](int64_t ref) {
    return f.client.call(Writer().tuple(3).atom("cancel").unsigned_integer(f.client.session).integer(ref));
  };
  CHECK(cancel(78).numbers.at("") == 0);
  CHECK(cancel(77).numbers.at("") == 1);
  const Reply cancelled = f.client.await(slow);
  CHECK(cancelled.code == "deadline");
  CHECK(cancelled.message == "the request was cancelled");
  CHECK(cancel(77).numbers.at("") == 0);
  CHECK(f.client.sync().ok());
  CHECK(!f.client.await(slow, 50).answered);
}

TEST_CASE("service: more commands than a session may have waiting are refused as busy") {
  Fixture f;
  f.saturate();
  Client flood(*f.service, f.peer, 2);
  REQUIRE(flood.open().ok());
  const auto send = [&](int64_t first, int64_t seq) {
    Commands commands;
    for (int64_t i = 0; i < 4096; ++i) commands.alloc(first + i, "f32", {1});
    flood.run(commands, seq);
  };
  send(0, 1);
  send(4096, 2);
  const Reply beat = flood.call(Writer().tuple(2).atom("heartbeat").unsigned_integer(flood.session));
  CHECK(beat.numbers.at("queued") == 8192);
  CHECK(beat.numbers.at("busy_ms") >= 0);
  for (const uint64_t read : f.reads) CHECK(f.client.await(read).ok());
  CHECK(flood.acked(1));
  CHECK(flood.acked(2));
  CHECK(flood.download(0).ok());
  const Reply refused = flood.download(4096);
  CHECK(refused.code == "busy");
  CHECK(refused.message.find("8192 commands of the session are queued, the limit is 4096") != std::string::npos);
  flood.run(Commands().alloc(10'000, "f32", {1}));
  CHECK(flood.download(10'000).ok());
}

TEST_CASE("service: a session that floods the queue in spite of that is ended") {
  Fixture f;
  f.saturate();
  Client flood(*f.service, f.peer, 2);
  REQUIRE(flood.open().ok());
  Commands commands;
  for (int64_t i = 0; i < 4096; ++i) commands.alloc(i, "f32", {1});
  for (int64_t seq = 0; seq < 5; ++seq) flood.run(commands, seq);
  CHECK(flood.call(Writer().tuple(2).atom("heartbeat").unsigned_integer(flood.session)).code == "not_found");
  for (const uint64_t read : f.reads) CHECK(f.client.await(read).ok());
  CHECK(f.client.sync().ok());
}

TEST_CASE("service: draining finishes what is queued and refuses the rest") {
  Fixture f;
  f.busy(0.5);
  const uint64_t slow = f.client.send_call(f.client.download_request(2, 0, -1));
  std::thread drainer([&] { CHECK(f.service->drain(Deadline::after_ms(30'000))); });
  CHECK(eventually([&] { return f.client.stats().numbers["draining"] == 1; }));
  CHECK(f.client.download(2).code == "shutting_down");
  CHECK(f.client.call(Writer().tuple(3).atom("open").raw(f.client.pid()).map(0)).code == "shutting_down");
  CHECK(f.client.call(Writer().atom("ping")).ok());
  drainer.join();
  CHECK(f.client.await(slow, 1000).ok());
}

}  // namespace gpu_node::test
