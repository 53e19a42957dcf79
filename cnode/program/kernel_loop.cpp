#include "program/kernel_loop.h"

#include <algorithm>
#include <cstring>

namespace gpu_node::program {
namespace {

constexpr size_t kMostParts = 16;  // until a look

}  // namespace

KernelLoop::KernelLoop(Executor& executor, std::shared_ptr<const kernels::LoopCode> code, kernels::LoopPlan first,
                       kernels::LoopPlan next, std::span<const Operand> state)
    : executor_(executor),
      transfer_(executor.device()),
      code_(std::move(code)),
      first_(std::make_shared<CachedPlan>(std::move(first.plan))),
      next_(std::make_shared<CachedPlan>(std::move(next.plan))),
      rounds_of_part_(next.rounds) {
  for (const Operand& operand : state) state_.push_back(*operand.tensor);
}

Result<bool> KernelLoop::advance(const Charges& charges, Tensors& results) {
  for (;;) {
    while (parts_ < wanted_) {
      GPU_ASSIGN(const bool done, record_part(charges.device));
      if (!done) return false;
      ++parts_;
      if (!executor_.goes_on()) return false;
    }
    if (!readback_) {
      GPU_ASSIGN(readback_, transfer_.read(*goes_on_, 0, size_bytes(*goes_on_)));
      awaits_ = AwaitedSubmission::of_all(executor_.device().recorder());
    }
    if (!awaits_.is_over()) return false;
    uint32_t goes_on = 0;
    std::memcpy(&goes_on, readback_->bytes.data(), sizeof goes_on);
    readback_.reset();
    awaits_ = {};
    if (goes_on == 0) break;
    known_rounds_ += parts_ * rounds_of_part_;
    parts_ = 0;
    wanted_ = std::min(2 * wanted_, kMostParts);
  }
  results.clear();
  for (size_t k = 0; k < code_->changed(); ++k) results.push_back(std::move(state_[k]));
  return true;
}

Result<bool> KernelLoop::record_part(const Charge& charge) {
  Result<bool> done = rest_ ? executor_.go_on(*rest_, made_) : record_plan(charge);
  if (!done.ok()) return done;
  if (!*done) {
    if (!rest_) rest_ = executor_.take_rest();
    return false;
  }
  rest_.reset();
  for (size_t k = 0; k < code_->changed(); ++k) state_[k] = std::move(made_[k]);
  goes_on_ = std::move(made_[code_->changed()]);
  return true;
}

Result<bool> KernelLoop::record_plan(const Charge& charge) {
  // What was made by a part lies so; what was given may not.
  for (Tensor& tensor : state_) {
    GPU_ASSIGN(tensor, executor_.contiguous(tensor, charge));
  }
  std::vector<Operand> operands(state_.begin(), state_.end());
  if (goes_on_) operands.emplace_back(*goes_on_);
  Resolved resolved;
  for (size_t k = 0; k < code_->changed(); ++k) resolved.types.push_back(state_[k].type());
  resolved.types.push_back({Dtype::u32, {}});
  resolved.plan = goes_on_ ? next_.get() : first_.get();
  return executor_.execute(resolved, operands, charge, made_);
}

}  // namespace gpu_node::program
