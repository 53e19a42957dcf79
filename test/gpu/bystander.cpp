#include "gpu/bystander.h"

#include <doctest/doctest.h>

#include <atomic>
#include <utility>

#include "base/clock.h"

namespace gpu_node::test {
namespace {

// It looks after its waits, and leaves the processors to the work.
constexpr std::chrono::milliseconds kBetween{2};

// A thread that only sleeps, and notes when it was not woken: nothing of the node can hold it up but work for all
// processors, and that for less than kNoticed.
class Standstills {
 public:
  Standstills() : thread_([this] { watch(); }) {}
  ~Standstills() { join(); }
  void join() {
    over_ = true;
    if (thread_.joinable()) thread_.join();
  }
  // How much of the time from |began| to |ended| was none. After join().
  Clock::duration within(Clock::time_point began, Clock::time_point ended) const {
    Clock::duration sum{};
    for (const auto& [from, to] : found_) {
      const Clock::time_point first = std::max(from, began), last = std::min(to, ended);
      if (first < last) sum += last - first;
    }
    return sum;
  }

 private:
  static constexpr std::chrono::milliseconds kNoticed{40};

  void watch() {
    found_.reserve(1000);
    for (Clock::time_point last = Clock::now(); !over_;) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      const Clock::time_point now = Clock::now();
      if (now - last > kNoticed) found_.emplace_back(last, now);
      last = now;
    }
  }

  std::atomic<bool> over_{false};
  std::vector<std::pair<Clock::time_point, Clock::time_point>> found_;
  std::thread thread_;
};

// As often as fits until |done|. The client has done one before.
Waits waits_of(Client& client, int64_t& id, const std::function<bool()>& done) {
  Standstills standstills;
  std::vector<std::pair<Clock::time_point, Clock::time_point>> times;
  for (; !done(); ++id) {
    const Clock::time_point began = Clock::now();
    client.run(Commands().op("add", id, "f32", {1}, {1, 1}).free({id - 1}));
    CHECK(client.floats(id) == std::vector<float>{2});
    times.emplace_back(began, Clock::now());
    std::this_thread::sleep_for(kBetween);
  }
  standstills.join();
  Waits waits;
  for (const auto& [began, ended] : times)
    waits.ms.push_back(in_milliseconds(ended - began - standstills.within(began, ended)));
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
  MESSAGE("work of " << in_milliseconds(Clock::now() - began) << " ms; beside it " << waits.ms.size()
                     << " adds of another client: median " << waits.median() << " ms, worst " << waits.worst());
  return waits;
}

void check_served(const Waits& waits) {
  CHECK(waits.median() <= 100);
  CHECK(waits.worst() <= 1000);
}

}  // namespace gpu_node::test
