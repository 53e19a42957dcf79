// One run of a compiled program: step by step, so that whoever drives it can say that it goes on, and try a step again
// when he has made room. Device thread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "program/compiled.h"
#include "program/executor.h"
#include "program/loop_run.h"

namespace gpu_node::program {

class ProgramRun {
 public:
  // |who|: what errors begin with.
  explicit ProgramRun(Executor& executor, std::string who = "run_program")
      : executor_(executor), who_(std::move(who)) {}

  // Begins a run of |program| with |inputs|, whose tensors it holds. Errors: kInvalidArgument where they are not as the
  // program declares them.
  Result<void> begin(std::shared_ptr<CompiledProgram> program, std::span<const Operand> inputs);

  size_t steps() const { return program_->steps().size(); }
  // Records step |i|; steps go in order, one that failed may be tried again. False when the executor was told not to go
  // on, or when the device is to be waited for: the same step again records the rest of it. Errors name the
  // instruction.
  Result<bool> step(size_t i, const Charges& charges);

  // What is left of a step that is not wholly recorded; nullptr: nothing is.
  const Rest* rest() const { return rest_ ? &*rest_ : loop_ ? loop_->rest() : nullptr; }
  // Whether a step is a loop that is not over, and what it waits for.
  bool is_looping() const { return loop_ != nullptr; }
  uint64_t rounds() const { return loop_ ? loop_->rounds() : 0; }
  AwaitedSubmission awaits() const { return loop_ ? loop_->awaits() : AwaitedSubmission(); }

  // The outputs, after the last step. The run is over then; what it was planned as is remembered where |host| pays for
  // the memory.
  void finish(Tensors& outputs, const Charge& host);
  // Ends a run early: what it made is dropped.
  void clear();

 private:
  Result<void> check_input(size_t i, const Operand& input) const;
  Result<bool> record(size_t i, const Charge& charge);
  Result<bool> record_loop(size_t i, const Charges& charges);
  // Has operands of step |i| that are numbers in this run be tensors: a loop's state is.
  Result<bool> place_numbers(size_t i, const Charge& charge);
  // Step |i|'s, as they lie now.
  void find_operands(size_t i);
  // |error| of step |i| as one of the instruction that was sent.
  Error explained(size_t i, Error error) const;
  void remember(const Resolved& resolved);
  void remember_run(const Charge& host);

  Executor& executor_;
  const std::string who_;
  std::shared_ptr<CompiledProgram> program_;
  std::shared_ptr<const CompiledProgram::Known> known_;
  CompiledProgram::Known learned_;            // while nothing is known
  std::vector<std::optional<Value>> values_;  // by place
  std::optional<Rest> rest_;                  // of a step
  std::unique_ptr<LoopRun> loop_;             // a step
  // Of the step at hand; kept for their memory.
  std::vector<Operand> operands_;
  Resolved resolved_;
  Tensors results_;
  ir::LayoutKey key_;
};

}  // namespace gpu_node::program
