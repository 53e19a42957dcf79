// Jobs that take turns on one device. Each pass over them records a slice of every one whose last slice is complete;
// what other work is recorded in between shares the submissions. Where there are several, or other work is about, their
// slices are shorter. Device thread only.
#pragma once

#include <chrono>
#include <memory>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/thread_owner.h"
#include "jobs/job.h"

namespace gpu_node::jobs {

// What a task is and how far: of how much, 0 where nobody can say.
struct TaskView {
  std::string_view kind;
  uint64_t session = 0;
  uint64_t done = 0, of = 0;
};

// A job that somebody asked for.
class Task : public Job {
 public:
  virtual TaskView view() const { return {}; }
  // False once nobody waits for it any more: it is then dropped.
  virtual bool wanted() const = 0;

  // How often report() is called, after a slice that is not the last; 0: never.
  virtual std::chrono::milliseconds report_every() const { return std::chrono::milliseconds(0); }
  // Tells how far it is.
  virtual void report() {}

  // Hands over the results: nothing is left to record. An error fails it.
  virtual Result<void> finish() = 0;
  // It is over, with |error|.
  virtual void fail(const Error& error) = 0;
};

class Turns {
 public:
  void add(std::unique_ptr<Task> task) {
    thread_.check("the jobs");
    entries_.push_back({.task = std::move(task)});
  }

  // Records what comes next, |completed| being the timeline value that the device has reached. True when something was
  // recorded, which must then be submitted. |shared|: others than jobs want the device too. Error: kDeviceLost; all
  // other errors only fail their tasks.
  Result<bool> record(uint64_t completed, bool shared = false);
  // The submission of what record() recorded completes at |value|.
  void submitted(uint64_t value);

  bool empty() const { return entries_.empty(); }
  // Whether a task waits for something that no submission tells: a kernel.
  bool waiting() const;
  bool in_flight() const;

  // Calls |look| with each task's view, and when it was added.
  template <typename Look>
  void each(Look look) const {
    for (const Entry& entry : entries_) look(entry.task->view(), entry.begun);
  }

 private:
  struct Entry {
    std::unique_ptr<Task> task;
    bool recorded = false;      // since the last submission
    bool submitted = false;     // and waits for |value|
    bool waits = false;         // for a kernel
    uint64_t value = 0;         // 0 where nothing was ever submitted: what was recorded had nothing to do
    Clock::time_point since{};  // when that was made
    Clock::time_point begun = Clock::now();
    Clock::time_point reported = begun;
  };

  // False when the entry is done with.
  static Result<bool> advance(Entry& entry, uint64_t completed, double aim_ms);

  std::vector<Entry> entries_;
  [[no_unique_address]] ThreadOwner thread_;
};

}  // namespace gpu_node::jobs
