// What recording would wait for is said beforehand, so that nobody else waits with it.
#include <doctest/doctest.h>

#include <future>
#include <string>
#include <vector>

#include "gpu/device.h"
#include "gpu/service_client.h"
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
  program::Attempt attempt;
  const auto contiguous = [&](const program::Tensor& wanted) {
    const program::Executor::Trying trying(executor, attempt);
    return executor.contiguous(wanted, {});
  };
  CHECK(contiguous(tensor).ok());

  program::Tensor turned = tensor;
  turned.map = {Shape{5, 3}, {1, 5}, 0};
  const uint64_t before = gpu.counters().pipelines_created;
  CHECK(contiguous(turned).error().code == ErrorCode::kBusy);
  REQUIRE(attempt.kernel.valid());
  CHECK(attempt.kernel.get().ok());
  CHECK(contiguous(turned).ok());
  CHECK_FALSE(attempt.lacks());

  ir::Instruction convert;
  convert.op = &ir::op_called("as_type");
  convert.results.emplace_back(0, ir::TensorType{Dtype::f64, turned.map.shape});
  convert.operands.emplace_back(ir::ValueName{0});
  const program::Operand operand = turned;
  program::Tensors doubles;
  const auto converted = [&] {
    const program::Executor::Trying trying(executor, attempt);
    return executor.record(convert, {&operand, 1}, {}, doubles);
  };
  CHECK(converted().error().code == ErrorCode::kBusy);
  REQUIRE(attempt.kernel.valid());
  CHECK(attempt.kernel.get().ok());
  CHECK(converted().ok());
  CHECK(gpu.counters().pipelines_created == before + 2);
}

TEST_CASE("executor: who has asked for much asks for no more ahead, another does") {
  vulkan::DeviceOptions options = device_options();
  options.compile_threads = 1;
  auto opened = vulkan::Device::create(options);
  if (!opened.ok()) FAIL(opened.error().message);
  vulkan::Device& gpu = **opened;
  std::promise<void> begin;
  const std::shared_future<void> begun = begin.get_future().share();
  std::vector<vulkan::KernelCache::Pending> asked;
  for (int i = 0; i <= 256; ++i)
    asked.push_back(gpu.kernels().request("test/much " + std::to_string(i),
                                          [begun]() -> Result<vulkan::KernelSource> {
                                            begun.wait();
                                            return Error{ErrorCode::kUnsupported, "nothing"};
                                          },
                                          {7, vulkan::KernelAuthor::kClient}));
  ir::Instruction instruction;
  instruction.op = &ir::op_called("iota");
  instruction.results.emplace_back(1, ir::TensorType{Dtype::f32, Shape{4}});
  program::Executor executor(gpu);
  program::Kernels kernels;
  executor.set_owner(7);
  REQUIRE(eventually([&] { return gpu.kernels().queued(7) == 256; }));
  CHECK_FALSE(executor.prefetch(instruction, std::span<const ir::OperandType>(), kernels));
  CHECK(kernels.empty());
  executor.set_owner(8);
  CHECK(executor.prefetch(instruction, std::span<const ir::OperandType>(), kernels));
  CHECK(kernels.size() == 1);
  begin.set_value();
  CHECK(eventually([&] { return gpu.kernels().queued(7) == 0; }));
  executor.set_owner(7);
  CHECK(executor.prefetch(instruction, std::span<const ir::OperandType>(), kernels));
}

}  // namespace
}  // namespace gpu_node::test
