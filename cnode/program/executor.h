// Runs instructions on the device: resolves views, plans kernels, allocates results and scratch, records dispatches.
// Owned by the device thread. Nothing here submits or waits for the device: the caller decides when (Recorder::submit).
// Dispatches that are likely to take long are recorded in parts, between which he may do something else.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/thread_owner.h"
#include "ir/infer.h"
#include "kernels/plan.h"
#include "program/attempt.h"
#include "program/pace.h"
#include "program/plan_cache.h"
#include "program/tensor.h"
#include "vulkan/device.h"
#include "vulkan/kernel_cache.h"
#include "vulkan/recorder.h"

namespace gpu_node::program {

class CompiledProgram;

// What of an instruction is not recorded yet, and all that it takes to go on.
struct Rest {
  // The dispatch of the plan that is next, and its workgroup.
  struct Place {
    size_t dispatch = 0;
    uint32_t group = 0;
  };
  std::shared_ptr<CachedPlan> plan;
  Place at;
  std::vector<Value> operands;
  Tensors results;
  std::vector<vulkan::BufferRef> scratch;
  std::optional<Tensor> view;  // of the result, whose storage it lacks
  // The kernel that the next dispatch needs, while it is being compiled; else not valid.
  vulkan::KernelCache::Pending kernel;
};

using Kernels = std::vector<vulkan::KernelCache::Pending>;

class Executor {
 public:
  // |go_on| is asked between the parts of a long dispatch: whether to go on with it now.
  explicit Executor(vulkan::Device& device, std::function<bool()> go_on = [] { return true; });

  // While one lives, whatever would wait for a kernel or a large buffer fails instead with kBusy, and |attempt| says
  // what it lacks.
  class Trying {
   public:
    Trying(Executor& executor, Attempt& attempt) : executor_(executor) { executor_.try_on(&attempt); }
    ~Trying() { executor_.try_on(nullptr); }
    Trying(const Trying&) = delete;
    Trying& operator=(const Trying&) = delete;

   private:
    Executor& executor_;
  };

  const vulkan::DeviceInfo& info() const { return device_.info(); }
  vulkan::Device& device() const { return device_; }

  // While one lives, dispatches are carried out where |gate|, a u32 of its own storage, is not 0 by then
  // (vulkan::Recorder::gate); nullptr: all are.
  class Gated {
   public:
    Gated(Executor& executor, const Tensor* gate) : recorder_(executor.device_.recorder()) {
      if (gate != nullptr) recorder_.gate(gate->storage->parts[0]);
    }
    ~Gated() { recorder_.gate(nullptr); }
    Gated(const Gated&) = delete;
    Gated& operator=(const Gated&) = delete;

   private:
    vulkan::Recorder& recorder_;
  };

  // A tensor whose bytes are undefined (|zeroed| false) or zero. With |host_write| its memory may be written by the
  // host at once where it is mapped.
  Result<Tensor> allocate(Dtype dtype, const Shape& shape, bool zeroed, bool host_write, const Charge& charge);

  // Whether to go on now, as it is asked between the parts of a dispatch.
  bool goes_on() const { return go_on_(); }

  // A program of loops' own, made once: its plans belong to this executor's device.
  std::shared_ptr<CompiledProgram>& loop_gate() { return loop_gate_; }

  // Whom kernels are compiled for from now on: different owners take turns.
  void set_owner(uint64_t owner) { asker_.owner = owner; }
  // Asks for the kernels of |instruction|, its operands lying row-major, without waiting, so that those of one message
  // or program compile side by side: adds those to |kernels| that are not there yet, which is to be kept until then.
  // Nothing where the instruction is wrong: recording it says so. False where the owner has asked for so much that no
  // more is asked for ahead.
  bool prefetch(const ir::Instruction& instruction, std::span<const ir::OperandType> operands, Kernels& kernels);
  // The same of what is checked, and whose operands lie as |operands| do.
  bool prefetch(const ir::Instruction& instruction, std::span<const kernels::Arg> operands, Kernels& kernels);
  // Of a map, or of rows.
  template <typename Fused>
  bool prefetch(const Fused& fused, std::span<const kernels::Arg> operands, Kernels& kernels);
  // Why |instruction|, checked, can not be planned where its operands lie row-major; nothing where it can.
  std::optional<Error> refusal(const ir::Instruction& instruction, std::span<const ir::OperandType> operands) const;

  // Infers what |instruction| gives for |operands|, records it, and puts its results into |results|. Waits for kernels
  // that are still compiling. Errors name op, shapes and types.
  Result<void> record(const ir::Instruction& instruction, std::span<const Operand> operands, const Charge& charge,
                      Tensors& results);

  // The same without waiting. False when it was told not to go on, or when a kernel is not compiled yet: take_rest() is
  // what is left, for go_on().
  Result<bool> begin(const ir::Instruction& instruction, std::span<const Operand> operands, const Charge& charge,
                     Tensors& results);

  // The two halves of begin(), for who keeps the first: without inference, and without error contexts.
  Result<void> resolve(const ir::Instruction& instruction, std::span<const Operand> operands, Resolved& resolved);
  template <typename Fused>
  Result<void> resolve(const Fused& fused, std::span<const Operand> operands, Resolved& resolved);
  Result<bool> execute(const Resolved& resolved, std::span<const Operand> operands, const Charge& charge,
                       Tensors& results);

  // After false, from any of these.
  Rest take_rest() { return std::exchange(rest_, {}); }
  // Records more of |rest|, where its kernel is there; when that is all, |results| are the instruction's. Errors are
  // without context.
  Result<bool> go_on(Rest& rest, Tensors& results);

  // |tensor| in row-major order from offset 0 of its own storage: itself when it is so already, else a recorded copy.
  Result<Tensor> contiguous(const Tensor& tensor, const Charge& charge);

  // Whether the plan of the instruction that was recorded last had to be made.
  bool planned() const { return plans_.missed(); }

  struct Counters {
    uint64_t instructions = 0, failed = 0, validate_ns = 0, record_ns = 0;
  };
  const Counters& counters() const { return counters_; }
  // Counts time from now on as recording.
  void start_clock() { counted_ = Clock::now(); }
  // Leaves |time| out: it was spent on something else meanwhile.
  void stop_clock(Clock::duration time) { counted_ += time; }
  // Counts |instructions| that were executed and recorded since then.
  void count(uint64_t instructions);

 private:
  void try_on(Attempt* attempt);
  bool lacks() const { return attempt_ != nullptr && attempt_->lacks(); }
  Result<void> infer(const ir::Instruction& instruction, std::span<const Operand> operands, Resolved& resolved);
  // go_on() to the end, waiting for kernels where that is no attempt.
  Result<void> finish(Rest rest, Tensors& results);
  // The plan of an instruction or of what was fused, or of a row-major copy of |tensor|: made, or remembered.
  template <typename Work>
  Result<CachedPlan*> plan_of(const Work& work, std::span<const Operand> operands);
  bool ask_for(const Result<kernels::Plan>& plan, Kernels& kernels);
  Result<CachedPlan*> copy_of(const Tensor& tensor);
  Result<void> make_scratch(const kernels::Plan& plan, std::vector<vulkan::BufferRef>& scratch);
  // Allocates the results of |plan| and records its dispatches; false when |rest_| is left.
  Result<bool> run(CachedPlan& plan, std::span<const ir::TensorType> types, std::span<const Operand> operands,
                   const Charge& charge, Tensors& results);
  Result<bool> try_run(CachedPlan& plan, std::span<const ir::TensorType> types, std::span<const Operand> operands,
                       const Charge& charge, Tensors& results, Rest::Place& at);
  // What of |plan| lies behind |at|, which is moved on.
  Result<bool> record_from(Rest::Place& at, CachedPlan& plan, std::span<const Operand> operands,
                           std::span<const Tensor> results, std::span<const vulkan::BufferRef> scratch);
  vulkan::KernelCache::Pending missing_kernel(const kernels::Dispatch& dispatch);
  // |kernel|: of |dispatch|, found when it is nullptr. |group|: the first that is not recorded yet.
  Result<bool> dispatch(const kernels::Dispatch& dispatch, const vulkan::Kernel*& kernel,
                        std::span<const Operand> operands, std::span<const Tensor> results,
                        std::span<const vulkan::BufferRef> scratch, uint32_t& group);
  Result<bool> record_parts(const vulkan::Kernel& kernel, std::span<const std::byte> push, const vulkan::Grid& whole,
                            uint32_t& group);
  uint64_t lap();

  [[no_unique_address]] ThreadOwner thread_;
  vulkan::Device& device_;
  const std::function<bool()> go_on_;
  const Pace pace_;
  vulkan::Asker asker_;
  PlanCache plans_;
  Counters counters_;
  Clock::time_point counted_;
  // Of the instruction at hand; kept for their memory.
  Resolved resolved_;
  std::vector<ir::OperandType> operand_types_;
  std::vector<kernels::Arg> arguments_;
  std::vector<vulkan::BufferRef> scratch_;
  std::vector<vulkan::BufferRange> ranges_;
  Rest rest_;
  vulkan::KernelCache::Pending awaited_;  // why the last dispatch was not recorded
  Attempt* attempt_ = nullptr;
  std::shared_ptr<CompiledProgram> loop_gate_;
};

}  // namespace gpu_node::program
