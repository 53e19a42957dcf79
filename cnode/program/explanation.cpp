#include "program/explanation.h"

#include <algorithm>

#include "fuse/apart.h"
#include "fuse/fuse.h"
#include "kernels/elementwise/map.h"
#include "kernels/finished.h"
#include "kernels/reduce/rows.h"
#include "kernels/view/view.h"
#include "program/storage.h"

namespace gpu_node::program {
namespace {

// Of the elements that |tensor| has, each once however often it is repeated.
uint64_t bytes_in(const kernels::TensorArg& tensor) {
  int64_t elements = 1;
  for (int d = 0; d < tensor.map.shape.size(); ++d)
    if (tensor.map.strides[d] != 0) elements *= tensor.map.shape[d];
  return storage_bytes({tensor.dtype, Shape{elements}});
}

}  // namespace

Explainer::Explainer(CompiledProgramRef program, const vulkan::DeviceInfo& device)
    : program_(std::move(program)), device_(device) {
  for (const ir::TensorType& type : program_->types()) values_.push_back({type.dtype, IndexMap::row_major(type.shape)});
}

Result<kernels::Plan> Explainer::plan(ExplainedStep& step) {
  const fuse::Step& work = program_->work()[next_];
  if (const auto* map = std::get_if<ir::Map>(&work.work)) return kernels::plan(*map, operands_, device_);
  if (const auto* rows = std::get_if<ir::Rows>(&work.work)) return kernels::plan(*rows, operands_, device_);
  if (const auto* finished = std::get_if<ir::Finished>(&work.work)) return kernels::plan(*finished, operands_, device_);
  const ir::Instruction& instruction = *work.instruction();
  const auto* first = operands_.empty() ? nullptr : std::get_if<kernels::TensorArg>(&operands_[0]);
  if (first == nullptr || !kernels::is_view(instruction, first->dtype))
    return kernels::plan(instruction, operands_, device_);
  step.is_view = true;
  IndexMap& result = values_[program_->steps()[next_].first_result].map;
  std::optional<IndexMap> view = kernels::view_of(instruction, first->map);
  if (view) {
    result = *std::move(view);
    return kernels::Plan();
  }
  result = *kernels::view_of(instruction, IndexMap::row_major(first->map.shape));
  return kernels::plan_copy(*first, device_);
}

ExplainedStep Explainer::next() {
  const CompiledProgram::Step& places = program_->steps()[next_];
  const fuse::Step& work = program_->work()[next_];
  ExplainedStep step;
  step.instructions = fuse::instructions_of(work);
  operands_.clear();
  for (size_t k = 0; k < places.operands.size(); ++k) {
    if (places.operands[k] == CompiledProgram::kLiteral)
      operands_.emplace_back(std::get<Scalar>(work.instruction()->operands[k]));
    else
      operands_.emplace_back(values_[places.operands[k]]);
  }
  step.is_loop = work.instruction() != nullptr && work.instruction()->op->has_bodies();
  bool is_empty = true;
  for (const ir::Definition& result : work.results()) is_empty = is_empty && element_count(result.type.shape) == 0;
  if (!is_empty && !step.is_loop) {
    const Result<kernels::Plan> planned = plan(step);
    if (planned.ok())
      count(*planned, step);
    else
      step.refusal = planned.error();
  }
  ++next_;
  return step;
}

std::vector<ExplainedPair> Explainer::apart() const {
  std::vector<ExplainedPair> pairs;
  if (!program_->limits()) return pairs;
  for (const fuse::Apart& pair : fuse::apart(program_->sent(), program_->fused(), *program_->limits()))
    pairs.push_back({pair.maker, pair.user, fuse::word(pair.why)});
  return pairs;
}

Clock::duration Explainer::time_fusing() const {
  const Clock::time_point begun = Clock::now();
  if (program_->limits()) (void)fuse::fused(program_->sent(), *program_->limits());
  return Clock::now() - begun;
}

void Explainer::count(const kernels::Plan& plan, ExplainedStep& step) const {
  using Kind = kernels::Binding::Kind;
  for (const kernels::Dispatch& dispatch : plan.dispatches) {
    step.dispatches.push_back({dispatch.key, dispatch.grid.groups, dispatch.emit});
    for (const kernels::Binding& binding : dispatch.bindings) {
      if (binding.kind == Kind::kScratch) {
        const uint64_t whole = plan.scratch_bytes[binding.index] - binding.offset_bytes;
        (binding.written ? step.written_bytes : step.read_bytes) +=
            binding.size_bytes != 0 ? std::min(binding.size_bytes, whole) : whole;
      } else if (binding.kind == Kind::kOperand) {
        const uint64_t all = bytes_in(std::get<kernels::TensorArg>(operands_[binding.index]));
        step.read_bytes += binding.size_bytes != 0 ? std::min(binding.size_bytes, all) : all;
      }
    }
  }
  if (plan.dispatches.empty() || step.is_view) {
    // What a copy for a view writes is what it reads.
    if (step.is_view) step.written_bytes += step.read_bytes;
    return;
  }
  for (const ir::Definition& result : program_->work()[next_].results())
    step.written_bytes += storage_bytes(result.type);
}

}  // namespace gpu_node::program
