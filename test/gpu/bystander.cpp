#include "gpu/bystander.h"

#include <doctest/doctest.h>

#include "base/clock.h"

namespace gpu_node::test {
namespace {

// It looks after its waits, and leaves the processors to the work.
constexpr std::chrono::milliseconds kBetween{2};

constexpr int64_t kMostSubmits = 12;

// As often as fits until |done|. The client has done one before.
Waits waits_of(Client& client, int64_t& id, const std::function<bool()>& done) {
  Waits waits;
  const auto submits = [&] { return client.stats().numbers.at("counters.submits"); };
  for (; !done(); ++id) {
    const int64_t before = submits();
    const Clock::time_point began = Clock::now();
    client.run(Commands().op("add", id, "f32", {1}, {1, 1}).free({id - 1}));
    CHECK(client.floats(id) == std::vector<float>{2});
    waits.ms.push_back(in_milliseconds(Clock::now() - began));
    waits.most_submits = std::max(waits.most_submits, submits() - before);
    if (waits.ms.back() > 200)
      MESSAGE("big " << waits.ms.back() << " as number " << waits.ms.size() << " submits " << before << " to "
                     << submits());
    std::this_thread::sleep_for(kBetween);
  }
  std::sort(waits.ms.begin(), waits.ms.end());
  return waits;
}

}  // namespace

Two::Two(int64_t watchdog_ms, int64_t quota_bytes) : service(make_service({.watchdog_ms = watchdog_ms})) {
  REQUIRE(busy.open(300'000, quota_bytes).ok());
  REQUIRE(other.open(300'000).ok());
  const std::vector<float> one = {1};
  other.run(Commands().alloc(1, "f32", {1}, std::as_bytes(std::span(one))).op("add", 9, "f32", {1}, {1, 1}));
  CHECK(other.floats(9) == std::vector<float>{2});
}

Waits waits_beside(Two& two, uint64_t tag, Reply& reply) {
  std::atomic<bool> over{false};
  std::thread waiting([&] {
    reply = two.busy.await(tag, 100'000);
    over = true;
  });
  const Clock::time_point began = Clock::now();
  Waits waits = waits_of(two.other, two.next_id, [&] { return over.load(); });
  waiting.join();
  REQUIRE_FALSE(waits.ms.empty());
  waits.work_ms = in_milliseconds(Clock::now() - began);
  MESSAGE("work of " << waits.work_ms << " ms; beside it " << waits.ms.size() << " adds of another client: median "
                     << waits.median() << " ms, worst " << waits.worst() << ", most submissions "
                     << waits.most_submits);
  return waits;
}

void check_served(const Waits& waits) {
  CHECK(waits.median() <= 100);
  CHECK(waits.most_submits <= kMostSubmits);
  CHECK(waits.worst() <= std::max<int64_t>(1000, waits.work_ms * 3 / 4));
}

}  // namespace gpu_node::test
