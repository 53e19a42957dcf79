// What `gpu_node status` shows: what went on of late, units for people.
#include "command/status_text.h"

#include <doctest/doctest.h>

#include "service/activity.h"

namespace gpu_node {

TEST_CASE("status: sizes and times in units of people" * doctest::test_suite("truth")) {
  CHECK(bytes_text(0) == "0 B");
  CHECK(bytes_text(1023) == "1023 B");
  CHECK(bytes_text(1536) == "1.5 KiB");
  CHECK(bytes_text(18957376512.0) == "17.7 GiB");
  CHECK(duration_text(999) == "999 ms");
  CHECK(duration_text(61'000) == "1 min 1 s");
  CHECK(duration_text(7'500'000) == "2 h 5 min");
  CHECK(duration_text(200'000'000) == "2 d 7 h");
}

TEST_CASE("status: a job with its progress, rates, one tensor" * doctest::test_suite("truth")) {
  Leaves node{{"name", "gpu0@h"}};
  Leaves stats{{"activity.window_ms", "5000"},
               {"activity.busy_ms", "1250"},
               {"activity.instructions", "10000"},
               {"activity.bytes_in", "5242880"},
               {"activity.jobs", "1"},
               {"activity.jobs.0.kind", "sample"},
               {"activity.jobs.0.session", "7"},
               {"activity.jobs.0.done", "500"},
               {"activity.jobs.0.of", "2000"},
               {"activity.jobs.0.elapsed_ms", "10000"},
               {"sessions", "1"},
               {"sessions.0.owner_node", "a@h"},
               {"sessions.0.bytes", "2048"},
               {"sessions.0.tensors", "1"}};
  const std::string text = status_text(node, stats);
  for (const char* part :
       {"busy 25 % of the last 5 s; 2000 ops/s, 1.0 MiB/s in, 0 B/s out",
        "sample of session 7, 500 of 2000 (25 %), for 10 s, about 30 s left", "a@h: 2.0 KiB in 1 tensor, idle"}) {
    CAPTURE(part);
    CHECK(text.find(part) != std::string::npos);
  }
}

TEST_CASE("activity: the last five seconds, and the share of looks that found the device at work") {
  using service::Activity;
  Activity activity;
  CHECK(activity.rates().window_ms == 0);
  Clock::time_point now = Clock::now();
  const auto seconds = [&](int count, int busy_of_ten, uint64_t& done) {
    for (int i = 0; i < count * 50; ++i) {
      activity.look(now, i % 10 < busy_of_ten, {done, 0, 0});
      now += std::chrono::milliseconds(20);
      done += 2;
    }
  };
  uint64_t done = 0;
  seconds(2, 5, done);
  service::Rates rates = activity.rates();
  CHECK(rates.window_ms == doctest::Approx(1980).epsilon(0.02));
  CHECK(rates.busy_ms == doctest::Approx(990).epsilon(0.05));
  CHECK(rates.done.instructions == doctest::Approx(198).epsilon(0.02));
  // What is long ago counts no more.
  seconds(60, 0, done);
  rates = activity.rates();
  CHECK(rates.busy_ms == 0);
  CHECK(rates.window_ms >= 4300);
  CHECK(rates.window_ms <= 5100);
}

}  // namespace gpu_node
