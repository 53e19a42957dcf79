#include "gpu/plan_runner.h"

#include <doctest/doctest.h>

#include <chrono>

#include "gpu/device.h"
#include "kernels/finished.h"
#include "kernels/reduce/rows.h"

namespace gpu_node::test {
namespace {

constexpr auto kCompileTime = std::chrono::minutes(2);

const vulkan::DeviceInfo* g_planned_for = nullptr;
int g_planned_count = 0;
const vulkan::DeviceInfo& planned_for() { return g_planned_for != nullptr ? *g_planned_for : device().info(); }

// An instruction with what its planner is given.
struct Call {
  ir::Instruction instruction;
  std::vector<ir::TensorType> types;
  std::vector<kernels::Arg> args;

  std::vector<ir::OperandType> operand_types() const {
    std::vector<ir::OperandType> all;
    for (const ir::TensorType& type : types) all.push_back(ir::OperandType::of(type));
    return all;
  }
};

Call make_call(std::string_view op, const std::vector<HostTensor>& operands, const std::vector<ir::TensorType>& results,
               const ir::Attributes& attributes) {
  Call call;
  call.instruction.op = ir::find_op(op);
  REQUIRE(call.instruction.op != nullptr);
  call.instruction.attributes = attributes;
  for (const ir::TensorType& type : results)
    call.instruction.results.push_back({-1 - static_cast<ir::ValueName>(call.instruction.results.size()), type});
  for (size_t i = 0; i < operands.size(); ++i) {
    call.instruction.operands.emplace_back(static_cast<ir::ValueName>(i));
    call.types.push_back({operands[i].dtype, operands[i].map.shape});
    call.args.push_back(kernels::TensorArg{operands[i].dtype, operands[i].map});
  }
  const std::vector<ir::OperandType> types = call.operand_types();
  ir::TensorTypes inferred;
  const Result<void> valid = ir::infer(call.instruction, types, inferred);
  if (!valid.ok()) FAIL(ir::instruction_text(call.instruction, types) << ": " << valid.error().message);
  return call;
}

// A key is one device's: what is planned for another one is another kernel.
kernels::Plan of_planned_device(kernels::Plan plan) {
  if (g_planned_for != nullptr)
    for (kernels::Dispatch& dispatch : plan.dispatches)
      dispatch.key += " for device " + std::to_string(g_planned_count);
  return plan;
}

// What |plan| makes of |operands|.
Result<std::vector<HostTensor>> run(const kernels::Plan& plan, const std::vector<HostTensor>& operands,
                                    const std::vector<ir::TensorType>& types) {
  std::vector<HostTensor> results;
  for (const ir::TensorType& type : types) results.emplace_back(type.dtype, type.shape);
  std::vector<vulkan::BufferRef> buffers;
  for (const HostTensor& operand : operands)
    buffers.push_back(operand.bytes.empty() ? nullptr : upload(device(), operand.bytes));
  // Bytes that no kernel writes must not look like a result by chance.
  std::vector<vulkan::BufferRef> outputs;
  for (const HostTensor& result : results)
    outputs.push_back(upload(device(), std::vector<std::byte>(result.bytes.size(), std::byte{0xa5})));
  GPU_TRY(record_plan(device(), plan, buffers, outputs));
  for (size_t k = 0; k < results.size(); ++k)
    results[k].bytes = download(device(), outputs[k], results[k].bytes.size());
  return results;
}

Result<kernels::Plan> plan_of(const Call& call, Planner planner) {
  kernels::PlanBuilder plan(call.instruction.op->name, planned_for());
  for (const auto& [name, type] : call.instruction.results) plan.add_result(type);
  GPU_TRY(planner(call.instruction, call.args, plan));
  return of_planned_device(plan.take());
}

Result<const vulkan::Kernel*> wait_for_kernel(vulkan::Device& device, const kernels::Dispatch& dispatch) {
  if (const vulkan::Kernel* kernel = device.kernels().find(dispatch.key, dispatch.emit)) return kernel;
  const vulkan::KernelCache::Pending pending = device.kernels().request(dispatch.key, dispatch.emit);
  if (!pending.wait_for(kCompileTime)) return Error{ErrorCode::kDeadline, dispatch.key + " does not compile in time"};
  const auto& outcome = pending.get();
  if (!outcome.ok()) return with_context(outcome.error(), dispatch.key);
  return outcome->get();
}

}  // namespace

Result<void> record_plan(vulkan::Device& device, const kernels::Plan& plan, std::span<const vulkan::BufferRef> operands,
                         std::span<const vulkan::BufferRef> results) {
  std::vector<const vulkan::Kernel*> kernels;
  for (const kernels::Dispatch& dispatch : plan.dispatches) {
    GPU_ASSIGN(const vulkan::Kernel* kernel, wait_for_kernel(device, dispatch));
    kernels.push_back(kernel);
  }
  std::vector<vulkan::BufferRef> scratch;
  for (const uint64_t bytes : plan.scratch_bytes) {
    GPU_ASSIGN(vulkan::BufferRef buffer, device.pool().allocate(bytes, vulkan::BufferUse::kDevice));
    scratch.push_back(std::move(buffer));
  }
  for (const auto& [index, bytes] : plan.scratch_data) scratch[index] = upload(device, bytes);
  for (size_t i = 0; i < plan.dispatches.size(); ++i) {
    const kernels::Dispatch& dispatch = plan.dispatches[i];
    std::vector<vulkan::BufferRange> ranges;
    for (const kernels::Binding& binding : dispatch.bindings) {
      const auto buffers = binding.kind == kernels::Binding::Kind::kOperand  ? operands
                           : binding.kind == kernels::Binding::Kind::kResult ? results
                                                                             : std::span(scratch);
      const vulkan::BufferRef* buffer = &buffers[binding.index];
      if (*buffer == nullptr) return Error{ErrorCode::kInternal, dispatch.key + " binds an operand without storage"};
      const uint64_t size =
          binding.size_bytes != 0 ? binding.size_bytes : (*buffer)->size_bytes() - binding.offset_bytes;
      ranges.push_back({buffer, binding.offset_bytes, size, binding.written});
    }
    GPU_TRY(device.recorder().dispatch(*kernels[i], ranges, std::span(dispatch.push).first(dispatch.push_bytes),
                                       dispatch.grid));
  }
  return {};
}

PlannedFor::PlannedFor(const vulkan::DeviceInfo& info) : info_(info) {
  g_planned_for = &info_;
  ++g_planned_count;
}

PlannedFor::~PlannedFor() { g_planned_for = nullptr; }

HostTensor run_op(Planner planner, std::string_view op, const std::vector<HostTensor>& operands, Dtype result_dtype,
                  const Shape& result_shape, const ir::Attributes& attributes) {
  return std::move(run_op(planner, op, operands, {{result_dtype, result_shape}}, attributes)[0]);
}

std::vector<HostTensor> run_op(Planner planner, std::string_view op, const std::vector<HostTensor>& operands,
                               const std::vector<ir::TensorType>& types, const ir::Attributes& attributes) {
  const Call call = make_call(op, operands, types, attributes);
  const auto check = [&call](const auto& outcome) {
    if (!outcome.ok())
      FAIL(ir::instruction_text(call.instruction, call.operand_types()) << ": " << outcome.error().message);
  };
  if (element_count(types[0].shape) == 0) return {HostTensor(types[0].dtype, types[0].shape)};
  const Result<kernels::Plan> plan = plan_of(call, planner);
  check(plan);
  auto results = run(*plan, operands, types);
  check(results);
  return std::move(results).value();
}

template <typename Work>
std::vector<HostTensor> run_work(const Work& work, const std::vector<HostTensor>& inputs) {
  std::vector<HostTensor> operands;
  std::vector<kernels::Arg> args;
  for (const ir::ValueName name : work.operands) {
    operands.push_back(inputs[static_cast<size_t>(name)]);
    args.push_back(kernels::TensorArg{operands.back().dtype, operands.back().map});
  }
  auto plan = kernels::plan(work, args, planned_for());
  if (!plan.ok()) FAIL(plan.error().message);
  std::vector<ir::TensorType> types;
  for (const auto& [name, type] : work.results) types.push_back(type);
  auto results = run(of_planned_device(std::move(plan).value()), operands, types);
  if (!results.ok()) FAIL(results.error().message);
  return std::move(results).value();
}
template std::vector<HostTensor> run_work(const ir::Rows&, const std::vector<HostTensor>&);
template std::vector<HostTensor> run_work(const ir::Finished&, const std::vector<HostTensor>&);

Error plan_error(Planner planner, std::string_view op, const std::vector<HostTensor>& operands, Dtype result_dtype,
                 const Shape& result_shape, const ir::Attributes& attributes) {
  return plan_error(planner, op, operands, {{result_dtype, result_shape}}, attributes);
}

Error plan_error(Planner planner, std::string_view op, const std::vector<HostTensor>& operands,
                 const std::vector<ir::TensorType>& results, const ir::Attributes& attributes) {
  const Call call = make_call(op, operands, results, attributes);
  const Result<kernels::Plan> plan = plan_of(call, planner);
  REQUIRE(!plan.ok());
  return plan.error();
}

}  // namespace gpu_node::test
