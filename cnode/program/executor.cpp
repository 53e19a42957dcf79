#include "program/executor.h"

#include <cstring>

#include "base/clock.h"
#include "kernels/view/view.h"
#include "program/storage.h"
#include "vulkan/recorder.h"

namespace gpu_node::program {
namespace {

// The most operands an op takes.
constexpr size_t kMaxOperands = 3;

struct OperandTypes {
  std::array<ir::TensorType, kMaxOperands> types;
  size_t count = 0;

  std::span<const ir::TensorType> span() const { return {types.data(), count}; }
};

OperandTypes types_of(std::span<const Value> operands) {
  OperandTypes all;
  for (const Value& operand : operands) {
    if (all.count == kMaxOperands) break;
    ir::TensorType& type = all.types[all.count++];
    if (const auto* tensor = std::get_if<Tensor>(&operand)) {
      type.dtype = tensor->dtype;
      type.shape = tensor->map.shape;
    } else {
      type.dtype = std::get<Scalar>(operand).dtype;
    }
  }
  return all;
}

kernels::Arg argument(const Value& operand) {
  if (const auto* scalar = std::get_if<Scalar>(&operand)) return *scalar;
  const auto& tensor = std::get<Tensor>(operand);
  return kernels::TensorArg{tensor.dtype, tensor.map, tensor.storage != nullptr ? tensor.storage->size_bytes : 0};
}

}  // namespace

Executor::Executor(vulkan::Device& device) : device_(device) {}

void Executor::prefetch(const ir::Instruction& instruction, std::span<const ir::TensorType> operand_types) {
  if (!ir::validate(instruction, operand_types).ok()) return;
  if (element_count(instruction.results[0].second.shape) == 0) return;
  std::array<kernels::Arg, kMaxOperands> arguments;
  for (size_t i = 0; i < operand_types.size(); ++i) {
    const ir::TensorType& type = operand_types[i];
    if (const auto* literal = std::get_if<Scalar>(&instruction.operands[i]))
      arguments[i] = *literal;
    else
      arguments[i] = kernels::TensorArg{type.dtype, IndexMap::row_major(type.shape), storage_bytes(type)};
  }
  if (!operand_types.empty() && std::holds_alternative<kernels::TensorArg>(arguments[0]) &&
      kernels::is_view(instruction, operand_types[0].dtype))
    return;
  const Result<kernels::Plan> plan =
      kernels::plan(instruction, std::span(arguments).first(operand_types.size()), device_.info());
  if (!plan.ok()) return;
  for (const kernels::Dispatch& dispatch : plan->dispatches)
    if (device_.kernels().find(dispatch.key) == nullptr) device_.kernels().request(dispatch.key, dispatch.emit);
}

Result<Tensor> Executor::record(const ir::Instruction& instruction, std::span<const Value> operands,
                                const Charge& charge) {
  const Clock::time_point start = Clock::now();
  ++counters_.instructions;
  const OperandTypes types = types_of(operands);
  const Result<void> valid =
      operands.size() > kMaxOperands ? ir::validate(instruction, {}) : ir::validate(instruction, types.span());
  const Clock::time_point validated = Clock::now();
  counters_.validate_ns += nanoseconds_between(start, validated);
  if (!valid.ok()) {
    ++counters_.failed;
    return valid.error();
  }
  Result<Tensor> result = record_valid(instruction, operands, charge);
  counters_.record_ns += nanoseconds_between(validated, Clock::now());
  if (!result.ok()) {
    ++counters_.failed;
    return with_context(std::move(result).error(), ir::instruction_text(instruction, types.span()));
  }
  return result;
}

Result<Tensor> Executor::record_valid(const ir::Instruction& instruction, std::span<const Value> operands,
                                      const Charge& charge) {
  const ir::TensorType& type = instruction.results[0].second;
  if (element_count(type.shape) == 0) return Tensor{type.dtype, IndexMap::row_major(type.shape), nullptr};
  if (!operands.empty())
    if (const auto* tensor = std::get_if<Tensor>(&operands[0]);
        tensor != nullptr && kernels::is_view(instruction, tensor->dtype))
      return record_view(instruction, *tensor, charge);
  GPU_ASSIGN(CachedPlan * plan, plan_of(instruction, operands));
  return run(*plan, type, operands, charge);
}

Result<CachedPlan*> Executor::plan_of(const ir::Instruction& instruction, std::span<const Value> operands) {
  plans_.begin(instruction);
  for (const Value& operand : operands) {
    if (const auto* tensor = std::get_if<Tensor>(&operand))
      plans_.add(tensor->dtype, tensor->map, tensor->storage != nullptr ? tensor->storage->size_bytes : 0);
    else
      plans_.add(std::get<Scalar>(operand));
  }
  if (CachedPlan* known = plans_.find(); known != nullptr) return known;
  std::array<kernels::Arg, kMaxOperands> arguments;
  for (size_t i = 0; i < operands.size(); ++i) arguments[i] = argument(operands[i]);
  GPU_ASSIGN(kernels::Plan plan,
             kernels::plan(instruction, std::span(arguments).first(operands.size()), device_.info()));
  return &plans_.keep(std::move(plan));
}

Result<Tensor> Executor::record_view(const ir::Instruction& instruction, const Tensor& operand, const Charge& charge) {
  const ir::TensorType& type = instruction.results[0].second;
  if (std::optional<IndexMap> map = kernels::view_of(instruction, operand.map))
    return Tensor{type.dtype, *map, operand.storage};
  GPU_ASSIGN(const Tensor copy, contiguous(operand, charge));
  return Tensor{type.dtype, *kernels::view_of(instruction, copy.map), copy.storage};
}

Result<Tensor> Executor::contiguous(const Tensor& tensor, const Charge& charge) {
  if (tensor.storage == nullptr || (tensor.map.offset == 0 && tensor.map.is_row_major())) return tensor;
  const Value operand = tensor;
  const auto source = std::get<kernels::TensorArg>(argument(operand));
  GPU_ASSIGN(kernels::Plan plan, kernels::plan_copy(source, device_.info()));
  CachedPlan once(std::move(plan));
  return run(once, tensor.type(), {&operand, 1}, charge);
}

Result<Tensor> Executor::run(CachedPlan& cached, const ir::TensorType& type, std::span<const Value> operands,
                             const Charge& charge) {
  const kernels::Plan& plan = cached.plan;
  for (const Value& operand : operands)
    if (const auto* tensor = std::get_if<Tensor>(&operand);
        tensor != nullptr && tensor->storage != nullptr && tensor->storage->parts.size() > 1)
      GPU_TRY(check_one_part(tensor->type(), tensor->storage->size_bytes, device_.info()));
  GPU_TRY(check_one_part(type, storage_bytes(type), device_.info()));
  GPU_ASSIGN(const Tensor result, allocate(type.dtype, type.shape, false, false, charge));
  GPU_ASSIGN(const std::vector<vulkan::BufferRef> scratch, make_scratch(plan));
  for (size_t i = 0; i < plan.dispatches.size(); ++i)
    GPU_TRY(dispatch(plan.dispatches[i], cached.kernels[i], operands, result, scratch));
  return result;
}

Result<std::vector<vulkan::BufferRef>> Executor::make_scratch(const kernels::Plan& plan) {
  std::vector<vulkan::BufferRef> scratch;
  const bool unified = device_.info().unified_memory;
  std::vector<bool> written(plan.scratch_bytes.size());
  for (const auto& [index, bytes] : plan.scratch_data) written[index] = true;
  for (size_t i = 0; i < plan.scratch_bytes.size(); ++i) {
    GPU_ASSIGN(vulkan::BufferRef buffer,
               device_.pool().allocate(plan.scratch_bytes[i], vulkan::BufferUse::kDevice, written[i] && unified));
    scratch.push_back(std::move(buffer));
  }
  for (const auto& [index, bytes] : plan.scratch_data) {
    if (unified) {
      std::memcpy(scratch[index]->mapped(), bytes.data(), bytes.size());
      continue;
    }
    GPU_ASSIGN(const vulkan::BufferRef staging,
               device_.pool().allocate(bytes.size(), vulkan::BufferUse::kUpload, true));
    std::memcpy(staging->mapped(), bytes.data(), bytes.size());
    GPU_TRY(device_.recorder().copy(staging, 0, scratch[index], 0, bytes.size()));
  }
  return scratch;
}

Result<void> Executor::dispatch(const kernels::Dispatch& dispatch, const vulkan::Kernel*& kernel,
                                std::span<const Value> operands, const Tensor& result,
                                std::span<const vulkan::BufferRef> scratch) {
  if (kernel == nullptr) kernel = device_.kernels().find(dispatch.key);
  vulkan::KernelCache::Pending pending;
  if (kernel == nullptr) {
    pending = device_.kernels().request(dispatch.key, dispatch.emit);
    const auto& compiled = pending.get();
    if (!compiled.ok()) return compiled.error();
    kernel = compiled.value().get();
  }
  std::array<vulkan::BufferRange, 8> ranges;
  if (dispatch.bindings.size() > ranges.size())
    return Error{ErrorCode::kInternal,
                 dispatch.key + " binds " + std::to_string(dispatch.bindings.size()) + " buffers"};
  for (size_t i = 0; i < dispatch.bindings.size(); ++i) {
    const kernels::Binding& binding = dispatch.bindings[i];
    const vulkan::BufferRef* buffer = nullptr;
    if (binding.kind == kernels::Binding::Kind::kScratch) {
      buffer = &scratch[binding.index];
    } else {
      const Tensor& tensor =
          binding.kind == kernels::Binding::Kind::kResult ? result : std::get<Tensor>(operands[binding.index]);
      if (tensor.storage == nullptr)
        return Error{ErrorCode::kInternal, dispatch.key + " binds a tensor without elements"};
      buffer = &tensor.storage->parts[0];
    }
    const uint64_t size = binding.size_bytes != 0 ? binding.size_bytes : (*buffer)->size_bytes() - binding.offset_bytes;
    ranges[i] = {buffer, binding.offset_bytes, size, binding.written};
  }
  return device_.recorder().dispatch(*kernel, std::span(ranges).first(dispatch.bindings.size()),
                                     std::span(dispatch.push).first(dispatch.push_bytes), dispatch.groups[0],
                                     dispatch.groups[1], dispatch.groups[2]);
}

}  // namespace gpu_node::program
