// A loop that is a kernel: parts of as many rounds as a dispatch may have, one after the other, each from where the one
// before ended. One that finds the loop over hands the state on.
#pragma once

#include <optional>
#include <vector>

#include "kernels/loop/loop.h"
#include "program/loop_run.h"
#include "program/transfer.h"

namespace gpu_node::program {

class KernelLoop final : public LoopRun {
 public:
  // |first|, |next|: the plans of the first part and of each other.
  KernelLoop(Executor& executor, std::shared_ptr<const kernels::LoopCode> code, kernels::LoopPlan first,
             kernels::LoopPlan next, std::span<const Operand> state);

  Result<bool> advance(const Charges& charges, Tensors& results) override;
  const Rest* rest() const override { return rest_ ? &*rest_ : nullptr; }
  AwaitedSubmission awaits() const override { return awaits_; }

 private:
  // False where it is to be called again.
  Result<bool> record_part(const Charge& charge);
  Result<bool> record_plan(const Charge& charge);

  Executor& executor_;
  Transfer transfer_;
  const std::shared_ptr<const kernels::LoopCode> code_;
  const std::shared_ptr<CachedPlan> first_, next_;
  const uint64_t rounds_of_part_;
  std::vector<Tensor> state_;
  std::optional<Tensor> goes_on_;  // u32, of the last part
  size_t parts_ = 0, wanted_ = 1;  // recorded since the last look, and to be until the next
  Tensors made_;
  std::optional<Rest> rest_;
  std::optional<Readback> readback_;
  AwaitedSubmission awaits_;
};

}  // namespace gpu_node::program
