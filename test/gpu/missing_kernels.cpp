// What recording would wait for is said beforehand, so that nobody else waits with it.
#include <doctest/doctest.h>

#include "gpu/device.h"
#include "ir/op.h"
#include "program/executor.h"
#include "program/transfer.h"

namespace gpu_node::test {
namespace {

program::Tensor iota(program::Executor& executor, const Shape& shape) {
  ir::Instruction instruction;
  instruction.op = &ir::op_called("iota");
  instruction.results.emplace_back(1, ir::TensorType{Dtype::f32, shape});
  program::Tensors results;
  const auto recorded = executor.record(instruction, {}, {}, results);
  if (!recorded.ok()) FAIL(recorded.error().message);
  return results[0];
}

TEST_CASE("executor: a kernel that a copy or an op lacks is asked for, and not waited for") {
  auto opened = vulkan::Device::create(device_options());  // whose kernels nobody has asked for
  if (!opened.ok()) FAIL(opened.error().message);
  vulkan::Device& gpu = **opened;
  program::Executor executor(gpu);
  const program::Tensor tensor = iota(executor, {3, 5});
  CHECK_FALSE(executor.missing_kernel(tensor).valid());

  program::Tensor turned = tensor;
  turned.map = {Shape{5, 3}, {1, 5}, 0};
  const uint64_t before = gpu.counters().pipelines_created;
  const vulkan::KernelCache::Pending copy = executor.missing_kernel(turned);
  REQUIRE(copy.valid());
  CHECK(copy.get().ok());
  CHECK_FALSE(executor.missing_kernel(turned).valid());
  CHECK(executor.contiguous(turned, {}).ok());

  ir::Instruction convert;
  convert.op = &ir::op_called("as_type");
  convert.results.emplace_back(0, ir::TensorType{Dtype::f64, turned.map.shape});
  convert.operands.emplace_back(ir::ValueName{0});
  const program::Operand operand = turned;
  const vulkan::KernelCache::Pending conversion = executor.missing_kernel(convert, {&operand, 1});
  REQUIRE(conversion.valid());
  CHECK(conversion.get().ok());
  CHECK_FALSE(executor.missing_kernel(convert, {&operand, 1}).valid());
  CHECK(gpu.counters().pipelines_created == before + 2);
}

}  // namespace
}  // namespace gpu_node::test
