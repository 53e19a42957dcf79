// A loop whose rounds are recorded as the runs of programs that they are, many ahead: each is switched off by the
// conditions before it (Executor::Gated), and a count says how many were not. Where dispatches cannot be switched off,
// or a round holds a loop itself, each condition is looked at before its round is recorded.
#pragma once

#include <optional>
#include <vector>

#include "program/loop_run.h"
#include "program/program_run.h"
#include "program/transfer.h"

namespace gpu_node::program {

class RecordedLoop final : public LoopRun {
 public:
  RecordedLoop(Executor& executor, CompiledProgramRef condition, CompiledProgramRef body,
               std::span<const Operand> state, size_t results);

  Result<bool> advance(const Charges& charges, Tensors& results) override;
  const Rest* rest() const override { return run_ ? run_->rest() : nullptr; }
  AwaitedSubmission awaits() const override { return !awaits_.any() && run_ ? run_->awaits() : awaits_; }

 private:
  enum class Phase : uint8_t { kCondition, kGate, kBody, kLook };

  // Does what the phase is about; false where it is to be called again. Moves on to the next phase.
  Result<bool> take_phase(const Charges& charges);
  // Runs |program| for |inputs|, which are asked for when it begins.
  template <typename Inputs>
  Result<bool> run(const char* who, const CompiledProgramRef& program, Inputs inputs, const Tensor* gate,
                   const Charges& charges);
  std::vector<Operand> inputs() const;
  Result<void> begin_look(const Charges& charges);
  // Of what is there now: true when the loop is over.
  bool is_over();

  Executor& executor_;
  Transfer transfer_;
  const CompiledProgramRef condition_, body_;
  const bool ahead_;  // rounds are recorded ahead
  Tensors fixed_;     // what all rounds have alike
  // The states that the rounds since the last look begin with, and that behind the last of them.
  std::vector<Tensors> states_;
  size_t rounds_;  // that there are to be until the next look
  Phase phase_ = Phase::kCondition;
  Tensors made_;                        // what was run last gave
  std::optional<Tensor> gate_, count_;  // u32: whether the round at hand is wanted; how many were
  std::optional<ProgramRun> run_;       // of the condition, the gate or the body
  size_t step_ = 0;                     // its next
  std::optional<Readback> readback_;
  AwaitedSubmission awaits_;
};

}  // namespace gpu_node::program
