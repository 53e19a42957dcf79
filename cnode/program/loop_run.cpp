#include "program/loop_run.h"

#include "program/kernel_loop.h"
#include "program/recorded_loop.h"

namespace gpu_node::program {

// What the device lacks for the whole the rounds name by its instruction.
std::unique_ptr<LoopRun> begin_loop(Executor& executor, const CompiledProgram::Step& step,
                                    std::span<const Operand> state, size_t results) {
  if (step.code != nullptr) {
    Result<kernels::LoopPlan> first = kernels::plan_loop(*step.code, true, executor.info());
    Result<kernels::LoopPlan> next = kernels::plan_loop(*step.code, false, executor.info());
    if (first.ok() && next.ok())
      return std::make_unique<KernelLoop>(executor, step.code, std::move(first).value(), std::move(next).value(),
                                          state);
  }
  return std::make_unique<RecordedLoop>(executor, step.condition, step.body, state, results);
}

}  // namespace gpu_node::program
