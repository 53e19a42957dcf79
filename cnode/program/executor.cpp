#include "program/executor.h"

#include <algorithm>
#include <cstring>

#include "base/concat.h"
#include "kernels/elementwise/map.h"
#include "kernels/finished.h"
#include "kernels/reduce/rows.h"
#include "kernels/view/view.h"
#include "program/storage.h"

namespace gpu_node::program {
namespace {

constexpr double kFewUnits = 1000;  // never take long
// Kernels of an owner may wait to be compiled when more are asked for ahead: eight seconds of a compiler's work.
constexpr size_t kMostAhead = 256;

kernels::Arg argument(const Operand& operand) {
  if (operand.literal != nullptr) return *operand.literal;
  return kernels::TensorArg{operand.tensor->dtype, operand.tensor->map};
}

void see_as(const Tensor& view, Tensor& tensor) {
  tensor.dtype = view.dtype;
  tensor.map = view.map;
}

bool is_contiguous(const Tensor& tensor) {
  return tensor.storage == nullptr || (tensor.map.offset == 0 && tensor.map.is_row_major());
}

constexpr auto kNoElement = [](const ir::TensorType& type) { return element_count(type.shape) == 0; };
bool is_empty(std::span<const ir::TensorType> types) { return std::ranges::all_of(types, kNoElement); }
bool is_empty(const SmallList<ir::Definition, 1>& results) {
  return std::ranges::all_of(results, kNoElement, &ir::Definition::type);
}

std::vector<kernels::Arg> row_major(const ir::Instruction& instruction, std::span<const ir::OperandType> operands) {
  std::vector<kernels::Arg> arguments;
  for (size_t i = 0; i < operands.size(); ++i) {
    if (const auto* literal = std::get_if<Scalar>(&instruction.operands[i]))
      arguments.emplace_back(*literal);
    else
      arguments.emplace_back(kernels::TensorArg{operands[i].dtype, IndexMap::row_major(*operands[i].shape)});
  }
  return arguments;
}

}  // namespace

Executor::Executor(vulkan::Device& device, std::function<bool()> go_on)
    : device_(device), go_on_(std::move(go_on)), pace_(Pace::of(device.info())) {}

void Executor::try_on(Attempt* attempt) {
  thread_.check("an executor");
  attempt_ = attempt;
  if (attempt != nullptr) attempt->kernel = {};
  device_.pool().reserve_in(attempt != nullptr ? &attempt->buffers : nullptr);
}

uint64_t Executor::lap() {
  const Clock::time_point now = Clock::now();
  const uint64_t spent = nanoseconds_between(counted_, now);
  counted_ = now;
  return spent;
}

void Executor::count(uint64_t instructions) {
  counters_.instructions += instructions;
  counters_.record_ns += lap();
}

bool Executor::prefetch(const ir::Instruction& instruction, std::span<const ir::OperandType> operands,
                        Kernels& kernels) {
  ir::TensorTypes types;
  if (!ir::infer(instruction, operands, types).ok()) return true;
  return prefetch(instruction, row_major(instruction, operands), kernels);
}

bool Executor::prefetch(const ir::Instruction& instruction, std::span<const kernels::Arg> operands, Kernels& kernels) {
  thread_.check("an executor");
  if (device_.kernels().queued(asker_.owner) >= kMostAhead) return false;
  if (is_empty(instruction.results)) return true;
  if (!operands.empty())
    if (const auto* tensor = std::get_if<kernels::TensorArg>(&operands[0]);
        tensor != nullptr && kernels::is_view(instruction, tensor->dtype))
      return true;
  return ask_for(kernels::plan(instruction, operands, device_.info()), kernels);
}

template <typename Fused>
bool Executor::prefetch(const Fused& fused, std::span<const kernels::Arg> operands, Kernels& kernels) {
  thread_.check("an executor");
  if (device_.kernels().queued(asker_.owner) >= kMostAhead) return false;
  return ask_for(kernels::plan(fused, operands, device_.info()), kernels);
}
template bool Executor::prefetch(const ir::Map&, std::span<const kernels::Arg>, Kernels&);
template bool Executor::prefetch(const ir::Rows&, std::span<const kernels::Arg>, Kernels&);
template bool Executor::prefetch(const ir::Finished&, std::span<const kernels::Arg>, Kernels&);

bool Executor::ask_for(const Result<kernels::Plan>& plan, Kernels& kernels) {
  if (!plan.ok()) return true;
  for (const kernels::Dispatch& dispatch : plan->dispatches)
    if (vulkan::KernelCache::Pending missing = missing_kernel(dispatch); missing.valid())
      kernels.push_back(std::move(missing));
  return true;
}

std::optional<Error> Executor::refusal(const ir::Instruction& instruction,
                                       std::span<const ir::OperandType> operands) const {
  if (is_empty(instruction.results)) return std::nullopt;
  Result<kernels::Plan> plan = kernels::plan(instruction, row_major(instruction, operands), device_.info());
  if (plan.ok()) return std::nullopt;
  return std::move(plan).error();
}

Result<void> Executor::record(const ir::Instruction& instruction, std::span<const Operand> operands,
                              const Charge& charge, Tensors& results) {
  GPU_ASSIGN(const bool done, begin(instruction, operands, charge, results));
  if (done) return {};
  Result<void> finished = finish(take_rest(), results);
  if (finished.ok()) return finished;
  return ir::with_instruction(std::move(finished).error(), instruction, operand_types_);
}

Result<bool> Executor::begin(const ir::Instruction& instruction, std::span<const Operand> operands,
                             const Charge& charge, Tensors& results) {
  thread_.check("an executor");
  ++counters_.instructions;
  start_clock();
  Result<void> valid = infer(instruction, operands, resolved_);
  counters_.validate_ns += lap();
  if (!valid.ok()) {
    ++counters_.failed;
    return std::move(valid).error();
  }
  Result<bool> done = [&]() -> Result<bool> {
    GPU_TRY(resolve(instruction, operands, resolved_));
    return execute(resolved_, operands, charge, results);
  }();
  counters_.record_ns += lap();
  if (done.ok()) return done;
  if (lacks()) {
    --counters_.instructions;  // it comes again
    return done;
  }
  ++counters_.failed;
  return ir::with_instruction(std::move(done).error(), instruction, operand_types_);
}

Result<void> Executor::infer(const ir::Instruction& instruction, std::span<const Operand> operands,
                             Resolved& resolved) {
  operand_types_.clear();
  for (const Operand& operand : operands) operand_types_.push_back(operand.type());
  return ir::infer(instruction, operand_types_, resolved.types);
}

template <typename Work>
Result<CachedPlan*> Executor::plan_of(const Work& work, std::span<const Operand> operands) {
  plans_.begin(work);
  for (const Operand& operand : operands) {
    if (operand.tensor != nullptr)
      plans_.add(operand.tensor->dtype, operand.tensor->map);
    else
      plans_.add(*operand.literal);
  }
  if (CachedPlan* known = plans_.find(); known != nullptr) return known;
  arguments_.clear();
  for (const Operand& operand : operands) arguments_.push_back(argument(operand));
  GPU_ASSIGN(kernels::Plan plan, kernels::plan(work, arguments_, device_.info()));
  return &plans_.keep(std::move(plan));
}

Result<void> Executor::resolve(const ir::Instruction& instruction, std::span<const Operand> operands,
                               Resolved& resolved) {
  resolved.plan = nullptr;
  resolved.view.reset();
  if (is_empty(resolved.types.span())) return {};
  const Tensor* first = operands.empty() ? nullptr : operands[0].tensor;
  if (first == nullptr || !kernels::is_view(instruction, first->dtype)) {
    GPU_ASSIGN(resolved.plan, plan_of(instruction, operands));
    return {};
  }
  resolved.view = kernels::view_of(instruction, first->map);
  if (resolved.view) return {};
  GPU_ASSIGN(resolved.plan, copy_of(*first));
  resolved.view = kernels::view_of(instruction, IndexMap::row_major(first->map.shape));
  return {};
}

template <typename Fused>
Result<void> Executor::resolve(const Fused& fused, std::span<const Operand> operands, Resolved& resolved) {
  resolved.view.reset();
  GPU_ASSIGN(resolved.plan, plan_of(fused, operands));
  return {};
}
template Result<void> Executor::resolve(const ir::Map&, std::span<const Operand>, Resolved&);
template Result<void> Executor::resolve(const ir::Rows&, std::span<const Operand>, Resolved&);
template Result<void> Executor::resolve(const ir::Finished&, std::span<const Operand>, Resolved&);

Result<CachedPlan*> Executor::copy_of(const Tensor& tensor) {
  plans_.begin_copy();
  plans_.add(tensor.dtype, tensor.map);
  if (CachedPlan* known = plans_.find(); known != nullptr) return known;
  GPU_ASSIGN(kernels::Plan plan, kernels::plan_copy({tensor.dtype, tensor.map}, device_.info()));
  return &plans_.keep(std::move(plan));
}

Result<bool> Executor::execute(const Resolved& resolved, std::span<const Operand> operands, const Charge& charge,
                               Tensors& results) {
  thread_.check("an executor");
  results.clear();
  if (resolved.plan == nullptr) {
    for (const ir::TensorType& type : resolved.types) {
      if (resolved.view)
        results.push_back({type.dtype, *resolved.view, operands[0].tensor->storage});
      else
        results.push_back({type.dtype, IndexMap::row_major(type.shape), nullptr});
    }
    return true;
  }
  if (!resolved.view) return run(*resolved.plan, resolved.types.span(), operands, charge, results);
  const ir::TensorType copied = operands[0].tensor->type();
  GPU_ASSIGN(const bool done, run(*resolved.plan, {&copied, 1}, operands.first(1), charge, results));
  const Tensor view{resolved.types[0].dtype, *resolved.view, nullptr};
  if (done)
    see_as(view, results[0]);
  else
    rest_.view = view;
  return done;
}

Result<bool> Executor::go_on(Rest& rest, Tensors& results) {
  thread_.check("an executor");
  const std::vector<Operand> operands(rest.operands.begin(), rest.operands.end());
  GPU_ASSIGN(const bool done, record_from(rest.at, *rest.plan, operands, rest.results.span(), rest.scratch));
  rest.kernel = std::exchange(awaited_, {});
  if (!done) return false;
  results = std::move(rest.results);
  if (rest.view) see_as(*rest.view, results[0]);
  return true;
}

Result<void> Executor::finish(Rest rest, Tensors& results) {
  for (bool done = false; !done;) {
    if (rest.kernel.valid() && attempt_ != nullptr) {
      attempt_->kernel = std::move(rest.kernel);
      return Error{ErrorCode::kBusy, "a kernel is being compiled"};
    }
    if (rest.kernel.valid()) rest.kernel.wait();
    GPU_ASSIGN(done, go_on(rest, results));
  }
  return {};
}

Result<Tensor> Executor::contiguous(const Tensor& tensor, const Charge& charge) {
  thread_.check("an executor");
  if (is_contiguous(tensor)) return tensor;
  GPU_ASSIGN(CachedPlan * plan, copy_of(tensor));
  const ir::TensorType type = tensor.type();
  const Operand operand = tensor;
  Tensors results;
  GPU_ASSIGN(const bool done, run(*plan, {&type, 1}, {&operand, 1}, charge, results));
  if (!done) GPU_TRY(finish(take_rest(), results));
  return std::move(results[0]);
}

vulkan::KernelCache::Pending Executor::missing_kernel(const kernels::Dispatch& dispatch) {
  if (device_.kernels().find(dispatch.key, dispatch.emit) != nullptr) return {};
  vulkan::KernelCache::Pending pending = device_.kernels().request(dispatch.key, dispatch.emit, asker_);
  return pending.ready() ? vulkan::KernelCache::Pending() : pending;
}

Result<bool> Executor::run(CachedPlan& cached, std::span<const ir::TensorType> types, std::span<const Operand> operands,
                           const Charge& charge, Tensors& results) {
  Rest::Place at;
  Result<bool> recorded = try_run(cached, types, operands, charge, results, at);
  if (!recorded.ok()) {
    results.clear();  // what was allocated before something failed is nobody's
  } else if (!*recorded) {
    rest_ = {cached.shared_from_this(),  at, {}, std::move(results), std::move(scratch_), {},
             std::exchange(awaited_, {})};
    for (const Operand& operand : operands) rest_.operands.push_back(operand.value());
  }
  scratch_.clear();
  return recorded;
}

Result<bool> Executor::try_run(CachedPlan& cached, std::span<const ir::TensorType> types,
                               std::span<const Operand> operands, const Charge& charge, Tensors& results,
                               Rest::Place& at) {
  const kernels::Plan& plan = cached.plan;
  for (const Operand& operand : operands)
    if (const Tensor* tensor = operand.tensor;
        tensor != nullptr && tensor->storage != nullptr && tensor->storage->parts.size() > 1)
      GPU_TRY(check_one_part(tensor->type(), tensor->storage->size_bytes, device_.info()));
  for (const ir::TensorType& type : types) {
    GPU_TRY(check_one_part(type, storage_bytes(type), device_.info()));
    GPU_ASSIGN(results.emplace_back(), allocate(type.dtype, type.shape, false, false, charge));
  }
  if (!plan.scratch_bytes.empty()) GPU_TRY(make_scratch(plan, scratch_));
  return record_from(at, cached, operands, results.span(), scratch_);
}

Result<bool> Executor::record_from(Rest::Place& at, CachedPlan& cached, std::span<const Operand> operands,
                                   std::span<const Tensor> results, std::span<const vulkan::BufferRef> scratch) {
  for (bool first = true; at.dispatch < cached.plan.dispatches.size(); ++at.dispatch, at.group = 0, first = false) {
    // A plan may have thousands, minutes of work: it is submitted in slices, and others have their turns between them.
    if (!first && !go_on_()) return false;
    GPU_ASSIGN(const bool whole, dispatch(cached.plan.dispatches[at.dispatch], cached.kernels[at.dispatch], operands,
                                          results, scratch, at.group));
    if (!whole) return false;
  }
  return true;
}

Result<void> Executor::make_scratch(const kernels::Plan& plan, std::vector<vulkan::BufferRef>& scratch) {
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
  return {};
}

Result<bool> Executor::dispatch(const kernels::Dispatch& dispatch, const vulkan::Kernel*& kernel,
                                std::span<const Operand> operands, std::span<const Tensor> results,
                                std::span<const vulkan::BufferRef> scratch, uint32_t& group) {
  if (kernel == nullptr) kernel = device_.kernels().find(dispatch.key, dispatch.emit);
  if (kernel == nullptr) {
    vulkan::KernelCache::Pending pending = device_.kernels().request(dispatch.key, dispatch.emit, asker_);
    if (!pending.ready()) {
      awaited_ = std::move(pending);
      return false;
    }
    const auto& compiled = pending.get();
    if (!compiled.ok()) return compiled.error();
    kernel = compiled.value().get();
  }
  ranges_.clear();
  for (const kernels::Binding& binding : dispatch.bindings) {
    const vulkan::BufferRef* buffer = nullptr;
    if (binding.kind == kernels::Binding::Kind::kScratch) {
      buffer = &scratch[binding.index];
    } else {
      const Tensor* tensor =
          binding.kind == kernels::Binding::Kind::kResult ? &results[binding.index] : operands[binding.index].tensor;
      if (tensor == nullptr || tensor->storage == nullptr)
        return Error{ErrorCode::kInternal, concat(dispatch.key, " binds a tensor without elements")};
      buffer = &tensor->storage->parts[0];
    }
    const uint64_t size = binding.size_bytes != 0 ? binding.size_bytes : (*buffer)->size_bytes() - binding.offset_bytes;
    ranges_.push_back({buffer, binding.offset_bytes, size, binding.written});
  }
  const auto push = std::span(dispatch.push).first(dispatch.push_bytes);
  const bool is_long = dispatch.grid.work() > kFewUnits &&
                       device_.recorder().costs().estimate_ms(*kernel, dispatch.grid.work()) > pace_.dispatch_ms;
  if (is_long || group > 0) return record_parts(*kernel, push, dispatch.grid, group);
  GPU_TRY(device_.recorder().dispatch(*kernel, ranges_, push, dispatch.grid));
  return true;
}

// Parts of the dimension of most workgroups, which all give the same together as the whole. Kernels that count
// workgroups by y * gl_NumWorkGroups.x + x can be parted along x where there is one y alone.
Result<bool> Executor::record_parts(const vulkan::Kernel& kernel, std::span<const std::byte> push,
                                    const vulkan::Grid& whole, uint32_t& group) {
  size_t axis = whole.groups[1] > 1 || whole.groups[0] == 1 ? 1 : 0;
  if (whole.groups[2] > whole.groups[axis]) axis = 2;
  const uint32_t count = whole.groups[axis];
  for (bool first = true; group < count; first = false) {
    if (!first && !go_on_()) return false;
    // Estimated anew for every part: the first may tell how long they really take.
    const double each_ms = device_.recorder().costs().estimate_ms(kernel, whole.work()) / count;
    vulkan::Grid part = whole;
    part.first[axis] = group;
    part.groups[axis] = static_cast<uint32_t>(std::clamp<double>(pace_.part_ms / each_ms, 1, count - group));
    part.units = whole.work() * part.groups[axis] / count;
    GPU_TRY(device_.recorder().dispatch(kernel, ranges_, push, part));
    group += part.groups[axis];
  }
  return true;
}

}  // namespace gpu_node::program
