// Whose tensors are whose, and when they go: owners that die, connections that close, leases, quotas, cycles.
#include <doctest/doctest.h>

#include <atomic>
#include <cstring>
#include <thread>

#include "gpu/service_client.h"

namespace gpu_node::test {
namespace {

using etf::Writer;

using Fixture = Connected;

constexpr int64_t kMebi = 1 << 20;

}  // namespace

TEST_CASE("service: 200 owners that die give all their memory back") {
  Fixture f;
  const int64_t baseline = f.client.live_bytes();
  std::vector<std::unique_ptr<Client>> owners;
  for (uint32_t i = 0; i < 200; ++i) {
    owners.push_back(std::make_unique<Client>(*f.service, f.peer, 100 + i));
    REQUIRE(owners.back()->open().ok());
    owners.back()->run(Commands().alloc(1, "u8", {kMebi}), 1);
  }
  for (auto& owner : owners) REQUIRE(owner->acked(1));
  CHECK(f.client.live_bytes() == baseline + 200 * kMebi);
  CHECK(f.client.stats().numbers["sessions"] == 201);
  for (auto& owner : owners) f.service->on_process_down(f.peer, owner->pid());
  CHECK(eventually([&] { return f.client.live_bytes() == baseline; }));
  CHECK(f.client.stats().numbers["sessions"] == 1);
  CHECK(owners[0]->download(1).code == "not_found");
}

TEST_CASE("service: a connection that closes takes its sessions, and no other's") {
  Fixture f;
  const int64_t baseline = f.client.live_bytes();
  const auto other = std::make_shared<Peer>("b@test");
  Client mine(*f.service, other, 1), also_mine(*f.service, other, 2);
  REQUIRE(mine.open().ok());
  REQUIRE(also_mine.open().ok());
  mine.run(Commands().alloc(1, "u8", {kMebi}), 1);
  also_mine.run(Commands().alloc(1, "u8", {kMebi}), 1);
  f.client.run(Commands().alloc(1, "u8", {kMebi}), 1);
  REQUIRE((mine.acked(1) && also_mine.acked(1) && f.client.acked(1)));
  f.service->on_link_down(other);
  CHECK(eventually([&] { return f.client.live_bytes() == baseline + kMebi; }));
  CHECK(f.client.download(1).ok());
}

TEST_CASE("service: close, and a lease that runs out") {
  Fixture f;
  const int64_t baseline = f.client.live_bytes();
  Client second(*f.service, f.peer, 2), third(*f.service, f.peer, 3);
  REQUIRE(second.open().ok());
  REQUIRE(third.open(1000).ok());
  second.run(Commands().alloc(1, "u8", {kMebi}));
  third.run(Commands().alloc(1, "u8", {kMebi}), 1);
  REQUIRE(third.acked(1));
  CHECK(second.call(Writer().tuple(2).atom("close").unsigned_integer(second.session)).ok());
  CHECK(eventually([&] { return f.client.live_bytes() == baseline + kMebi; }));
  // A heartbeat renews the lease.
  for (int i = 0; i < 3; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    CHECK(third.call(Writer().tuple(2).atom("heartbeat").unsigned_integer(third.session)).ok());
  }
  CHECK(f.client.live_bytes() == baseline + kMebi);
  CHECK(eventually([&] { return f.client.live_bytes() == baseline; }, 5000));
  CHECK(third.call(Writer().tuple(2).atom("heartbeat").unsigned_integer(third.session)).code == "not_found");
}

TEST_CASE("service: who may open a session") {
  Fixture f;
  Client stranger(*f.service, f.peer, 9);
  const Bytes foreign = Peer("c@test").pid(1);
  const Reply refused = stranger.call(Writer().tuple(3).atom("open").raw(foreign).map(0));
  CHECK(refused.code == "invalid_argument");
  CHECK(refused.message == "open: the owner must be a process of a@test");
}

TEST_CASE("service: a quota refuses, says the numbers, and harms nobody else") {
  Fixture f;
  Client small(*f.service, f.peer, 2);
  REQUIRE(small.open(30'000, 3 * kMebi).ok());
  small.run(Commands()
                .alloc(1, "u8", {2 * kMebi})
                .alloc(2, "u8", {2 * kMebi})
                .op("bitwise_not", 3, "u8", {2 * kMebi}, {1})
                .alloc(4, "u8", {kMebi}));
  CHECK(small.sync({1}).ok());
  const Reply over = small.download(2, 0, 1);
  CHECK(over.code == "quota");
  CHECK(over.message.find("asked for 2097152 bytes, the session holds 2097152 of its quota of 3145728") !=
        std::string::npos);
  CHECK(small.download(3, 0, 1).code == "quota");
  CHECK(small.sync({4}).ok());
  CHECK(small.upload_open(5, "u8", {1}).code == "quota");
  f.client.run(Commands().alloc(1, "u8", {8 * kMebi}));
  CHECK(f.client.sync({1}).ok());
  small.run(Commands().free({1, 2}).alloc(6, "u8", {2 * kMebi}));
  CHECK(small.sync({6}).ok());
}

TEST_CASE("service: out of memory names who holds what, and what lives is intact") {
  vulkan::DeviceOptions options;
  options.memory_limit_bytes = 64 * kMebi;
  const auto service = make_service({}, &options);
  const auto peer = std::make_shared<Peer>("a@test");
  Client client(*service, peer);
  REQUIRE(client.open().ok());
  const std::vector<float> values = {5, 6};
  client.run(Commands()
                 .alloc(1, "f32", {2}, std::as_bytes(std::span(values)))
                 .alloc(2, "u8", {40 * kMebi})
                 .alloc(3, "u8", {40 * kMebi}));
  const Reply out = client.download(3, 0, 1);
  CHECK(out.code == "out_of_memory");
  CHECK(out.message.find("1 session: a@test holds") != std::string::npos);
  CHECK(client.floats(1) == values);
  client.run(Commands().free({2, 3}).alloc(4, "u8", {40 * kMebi}));
  CHECK(client.sync({4}).ok());
}

TEST_CASE("service: 6,000 cycles of making and freeing need the memory of one") {
  Fixture f;
  const auto cycle = [&](int64_t id) {
    f.client.run(Commands()
                     .alloc(3 * id, "f32", {16'384})
                     .op("add", 3 * id + 1, "f32", {16'384}, {3 * id, 3 * id})
                     .free({3 * id, 3 * id + 1}));
    CHECK(f.client.sync().ok());
  };
  const int64_t baseline = f.client.live_bytes();
  cycle(0);
  const int64_t peak = f.client.stats().numbers["memory.peak_bytes"];
  for (int64_t id = 1; id <= 6000; ++id) cycle(id);
  const Reply after = f.client.stats();
  CHECK(after.numbers.at("memory.peak_bytes") == peak);
  CHECK(eventually([&] { return f.client.live_bytes() == baseline; }));
}

TEST_CASE("service: 100 processes race, and every result is right") {
  Fixture f;
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 10; ++t) {
    threads.emplace_back([&, t] {
      const auto peer = std::make_shared<Peer>("n" + std::to_string(t) + "@test");
      std::vector<std::unique_ptr<Client>> processes;
      for (uint32_t p = 0; p < 10; ++p) {
        processes.push_back(std::make_unique<Client>(*f.service, peer, p));
        if (!processes.back()->open().ok()) ++wrong;
      }
      for (int64_t round = 0; round < 5; ++round) {
        for (uint32_t p = 0; p < 10; ++p) {
          const std::vector<float> value(
              100, static_cast<float>(t * 1000 + static_cast<int>(p) * 10) + static_cast<float>(round));
          processes[p]->run(Commands()
                                .alloc(3 * round, "f32", {100}, std::as_bytes(std::span(value)))
                                .op("add", 3 * round + 1, "f32", {100}, {3 * round, 3 * round})
                                .op("multiply", 3 * round + 2, "f32", {100}, {3 * round + 1, 3 * round}));
        }
        for (uint32_t p = 0; p < 10; ++p) {
          const float v = static_cast<float>(t * 1000 + static_cast<int>(p) * 10) + static_cast<float>(round);
          const Reply reply = processes[p]->download(3 * round + 2);
          std::vector<float> got(100);
          if (reply.bytes.size() != 400) {
            ++wrong;
            continue;
          }
          std::memcpy(got.data(), reply.bytes.data(), 400);
          for (const float x : got) wrong += x != (v + v) * v;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}

}  // namespace gpu_node::test
