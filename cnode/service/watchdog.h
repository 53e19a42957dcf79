// The thread that bounds what nobody else can: a submission that does not finish, a device thread stuck in the driver.
// It also keeps the clocks of others: deadlines and leases.
//
// A hung dispatch is process death: when the limit is passed |on_trip| is called once, and is expected to end the
// process. The watchdog itself waits for nothing but its clock.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/mutex.h"

namespace gpu_node::service {

class Watchdog {
 public:
  struct Options {
    int64_t limit_ms = 30'000;
    // Since when something has been unfinished, and a number that changes with every step made; asked together.
    struct Subject {
      std::string name;
      std::function<std::optional<Clock::time_point>()> since;
      std::function<uint64_t()> progress;
    };
    std::vector<Subject> subjects;
    std::function<void()> tick;                            // every 20 ms
    std::function<void(const std::string& what)> on_trip;  // names the subject and its age
  };

  explicit Watchdog(Options options);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

 private:
  struct Watch {
    uint64_t progress = 0;
    Clock::time_point changed{};
  };

  void loop();
  void look();

  const Options options_;
  std::vector<Watch> watches_;  // and tripped_: of the watchdog's thread
  bool tripped_ = false;
  Mutex mutex_;
  Condition wake_;
  bool stopping_ GPU_NODE_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace gpu_node::service
