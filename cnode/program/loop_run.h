// One run of a loop, which goes on as long as its condition says so: nobody knows beforehand how long. From time to
// time the device is waited for, to see how far it has come; others have their turns meanwhile. Device thread.
#pragma once

#include <memory>
#include <span>

#include "program/compiled.h"
#include "program/executor.h"

namespace gpu_node::program {

// A submission that somebody waits for; of number 0 nobody does.
struct AwaitedSubmission {
  const vulkan::Recorder* recorder = nullptr;
  uint64_t value = 0;

  // Covers all that is recorded.
  static AwaitedSubmission of_all(const vulkan::Recorder& recorder) {
    return {&recorder, recorder.submitted() + (recorder.pending() > 0 ? 1 : 0)};
  }
  bool any() const { return value != 0; }
  bool is_made() const { return value == 0 || recorder->submitted() >= value; }
  bool is_over() const { return value == 0 || recorder->completed() >= value; }
};

// Who pays: for tensors, and for what is remembered of runs.
struct Charges {
  const Charge& device;
  const Charge& host;
};

class LoopRun {
 public:
  virtual ~LoopRun() = default;

  // Records more of it. True when the loop is over: |results| is the state then. False when the executor was told not
  // to go on, when a kernel is being compiled (rest()), or when the device is to be waited for (awaits()): call again.
  // So may whoever got an error because something was lacking. Errors name the instruction within condition or body.
  virtual Result<bool> advance(const Charges& charges, Tensors& results) = 0;

  // What is left of the dispatches at hand, where they are not all recorded; else nullptr.
  virtual const Rest* rest() const = 0;
  virtual AwaitedSubmission awaits() const = 0;

  // As many rounds, or more, are carried out or will be.
  uint64_t rounds() const { return known_rounds_; }

 protected:
  uint64_t known_rounds_ = 0;
};

// A run of the loop |step| from |state| on, whose first |results| values each round gives anew.
std::unique_ptr<LoopRun> begin_loop(Executor& executor, const CompiledProgram::Step& step,
                                    std::span<const Operand> state, size_t results);

}  // namespace gpu_node::program
