// The watchdog: trips when something unfinished makes no progress for the limit, and only then.
#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "base/deadline.h"
#include "service/watchdog.h"

namespace gpu_node::service {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

struct Watched {
  std::atomic<Clock::rep> since{0};
  std::atomic<uint64_t> progress{0};
  std::atomic<int> trips{0}, ticks{0};
  std::atomic<Clock::rep> tripped_at{0};
  std::string what;

  Watchdog::Options options(int64_t limit_ms) {
    Watchdog::Options o;
    o.limit_ms = limit_ms;
    o.subjects.push_back({"the thing",
                          [this]() -> std::optional<Clock::time_point> {
                            const Clock::rep at = since;
                            if (at == 0) return std::nullopt;
                            return Clock::time_point(Clock::duration(at));
                          },
                          [this] { return progress.load(); }});
    o.tick = [this] { ++ticks; };
    o.on_trip = [this](const std::string& text) {
      what = text;
      tripped_at = Clock::now().time_since_epoch().count();
      ++trips;
    };
    return o;
  }
  void begin() { since = Clock::now().time_since_epoch().count(); }
};

}  // namespace

TEST_CASE("watchdog: says nothing while nothing is unfinished, and keeps the clocks") {
  Watched watched;
  const Watchdog watchdog(watched.options(50));
  std::this_thread::sleep_for(milliseconds(300));
  CHECK(watched.trips == 0);
  CHECK(watched.ticks >= 5);
}

TEST_CASE("watchdog: trips once, within a fifth of the limit") {
  Watched watched;
  const Watchdog watchdog(watched.options(500));
  watched.begin();
  const Deadline patience = Deadline::after_ms(10'000);
  while (watched.trips == 0 && !patience.expired()) std::this_thread::sleep_for(milliseconds(5));
  REQUIRE(watched.trips == 1);
  const auto took = std::chrono::duration_cast<milliseconds>(Clock::duration(watched.tripped_at - watched.since));
  CHECK(took.count() >= 500);
  CHECK(took.count() <= 700);
  CHECK(watched.what.find("the thing has made no progress for") == 0);
  CHECK(watched.what.find("the limit is 500") != std::string::npos);
  std::this_thread::sleep_for(milliseconds(100));
  CHECK(watched.trips == 1);
}

TEST_CASE("watchdog: old work that makes progress is left alone") {
  Watched watched;
  watched.begin();
  const Watchdog watchdog(watched.options(200));
  for (int i = 0; i < 60; ++i) {
    ++watched.progress;
    std::this_thread::sleep_for(milliseconds(10));
  }
  CHECK(watched.trips == 0);
}

}  // namespace gpu_node::service
