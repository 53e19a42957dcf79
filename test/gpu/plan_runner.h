// Runs plans without the executor: tests of one op family, and the benchmark, which times the dispatches alone.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "gpu/host_tensor.h"
#include "ir/infer.h"
#include "kernels/plan_builder.h"
#include "vulkan/buffer_pool.h"
#include "vulkan/device.h"

namespace gpu_node::test {

// Waits for the plan's kernels, allocates its scratch and records its dispatches. |operands| and |results| by
// number; nullptr for an operand that has no storage.
Result<void> record_plan(vulkan::Device& device, const kernels::Plan& plan, std::span<const vulkan::BufferRef> operands,
                         std::span<const vulkan::BufferRef> results);

using Planner = Result<void> (*)(const ir::Instruction&, std::span<const kernels::Arg>, kernels::PlanBuilder&);

// What run_op and run_work plan for: the device of the tests, or while one of these lives a device with other limits,
// which the tests' device then runs.
class PlannedFor {
 public:
  explicit PlannedFor(const vulkan::DeviceInfo& info);
  ~PlannedFor();
  PlannedFor(const PlannedFor&) = delete;
  PlannedFor& operator=(const PlannedFor&) = delete;

 private:
  const vulkan::DeviceInfo info_;
};

// Plans and runs |op| on |operands|, validating first; the result as a row-major tensor. An error anywhere is a failed
// test.
HostTensor run_op(Planner planner, std::string_view op, const std::vector<HostTensor>& operands, Dtype result_dtype,
                  const Shape& result_shape, const ir::Attributes& attributes);
// The same of an op with several results.
std::vector<HostTensor> run_op(Planner planner, std::string_view op, const std::vector<HostTensor>& operands,
                               const std::vector<ir::TensorType>& results, const ir::Attributes& attributes);
// The same of a step of a fused program, rows or a finished instruction, of the program's |inputs|.
template <typename Work>
std::vector<HostTensor> run_work(const Work& work, const std::vector<HostTensor>& inputs);
// The error of planning the same.
Error plan_error(Planner planner, std::string_view op, const std::vector<HostTensor>& operands, Dtype result_dtype,
                 const Shape& result_shape, const ir::Attributes& attributes);
Error plan_error(Planner planner, std::string_view op, const std::vector<HostTensor>& operands,
                 const std::vector<ir::TensorType>& results, const ir::Attributes& attributes);

}  // namespace gpu_node::test
