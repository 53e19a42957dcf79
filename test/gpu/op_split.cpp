// Tensors larger than the device's storage range: planned for a device whose range is tiny, run on the real one.
#include <doctest/doctest.h>

#include "gpu/op_case.h"
#include "gpu/plan_runner.h"
#include "kernels/box.h"

namespace gpu_node::test {
namespace {

using enum Dtype;

vulkan::DeviceInfo narrow_device(uint64_t range) {
  vulkan::DeviceInfo info = device().info();
  info.max_storage_range = range;
  return info;
}

ir::Instruction instruction_of(const char* op, const ir::TensorType& result) {
  ir::Instruction instruction;
  instruction.op = ir::find_op(op);
  instruction.results.emplace_back(1, result);
  return instruction;
}

kernels::TensorArg argument(const program::Tensor& tensor) { return {tensor.dtype, tensor.map}; }

HostTensor numbers(Dtype dtype, const Shape& shape) {
  return {dtype, shape, sample(dtype, static_cast<size_t>(element_count(shape)), 11)};
}

// Runs |plan| into a new tensor; every binding must fit |range|.
program::Tensor run(const kernels::Plan& plan, const std::vector<program::Tensor>& operands, const ir::TensorType& type,
                    uint64_t range) {
  std::vector<vulkan::BufferRef> buffers;
  for (const program::Tensor& operand : operands) buffers.push_back(operand.storage->parts[0]);
  for (const kernels::Dispatch& dispatch : plan.dispatches)
    for (const kernels::Binding& binding : dispatch.bindings) {
      CHECK(binding.size_bytes > 0);
      CHECK(binding.size_bytes <= range);
      CHECK(binding.offset_bytes % device().info().storage_alignment == 0);
    }
  auto result = executor().allocate(type.dtype, type.shape, true, false, {});
  REQUIRE(result.ok());
  const auto recorded = record_plan(device(), plan, buffers, {&result->storage->parts[0], 1});
  if (!recorded.ok()) FAIL(recorded.error().message);
  return *result;
}

}  // namespace

TEST_CASE("split: row-major work runs in parts of exact ranges") {
  constexpr uint64_t kRange = 16384;
  const auto info = narrow_device(kRange);
  const HostTensor a = numbers(s32, {100'003});
  const HostTensor b = numbers(u8, {100'003});
  const std::vector<program::Tensor> operands = {to_device(a), to_device(b)};
  const ir::TensorType type{s64, {100'003}};
  const std::vector<kernels::Arg> arguments = {argument(operands[0]), argument(operands[1])};
  const auto plan = kernels::plan(instruction_of("add", type), arguments, info);
  REQUIRE(plan.ok());
  CHECK(plan->dispatches.size() >= 100'003 * 8 / kRange);
  CHECK(plan->dispatches.size() <= 2 * 100'003 * 8 / kRange);
  const HostTensor got = from_device(run(*plan, operands, type, kRange));
  for (int64_t i = 0; i < a.count(); ++i) REQUIRE(got.number(i).integer == a.number(i).integer + b.number(i).integer);
}

TEST_CASE("split: a transposed operand is cut into tiles") {
  constexpr uint64_t kRange = 8192;
  const auto info = narrow_device(kRange);
  const HostTensor a = numbers(s32, {150, 210});
  const HostTensor b = numbers(s32, {210});
  const std::vector<program::Tensor> operands = {to_device(a, Placement::kTransposed), to_device(b)};
  const ir::TensorType type{s32, {150, 210}};
  const std::vector<kernels::Arg> arguments = {argument(operands[0]), argument(operands[1])};
  const auto plan = kernels::plan(instruction_of("bitwise_xor", type), arguments, info);
  REQUIRE(plan.ok());
  CHECK(plan->dispatches.size() > 15);
  const HostTensor got = from_device(run(*plan, operands, type, kRange));
  for (int64_t i = 0; i < a.count(); ++i)
    REQUIRE(got.number(i).integer == (a.number(i).integer ^ b.number(i % 210).integer));
}

TEST_CASE("split: copies of many dimensions and creation") {
  constexpr uint64_t kRange = 1024;
  const auto info = narrow_device(kRange);
  const HostTensor a = numbers(u16, {3, 5, 7, 2, 9, 4});
  const program::Tensor tensor = to_device(a, Placement::kTransposed);
  const ir::TensorType type{u16, a.map.shape};
  const auto plan = kernels::plan_copy(argument(tensor), info);
  REQUIRE(plan.ok());
  const HostTensor got = from_device(run(*plan, {tensor}, type, kRange));
  for (int64_t i = 0; i < a.count(); ++i) REQUIRE(got.number(i).integer == a.number(i).integer);

  const ir::TensorType counts{s32, {3000}};
  const auto iota = kernels::plan(instruction_of("iota", counts), {}, info);
  REQUIRE(iota.ok());
  CHECK(iota->dispatches.size() > 10);
  const HostTensor counted = from_device(run(*iota, {}, counts, kRange));
  for (int64_t i = 0; i < 3000; ++i) REQUIRE(counted.number(i).integer == static_cast<__int128>(i));
}

TEST_CASE("split: what would take too many parts is refused, with the numbers") {
  const auto info = narrow_device(64);
  const kernels::TensorArg wide{f32, transposed(IndexMap::row_major({4096, 4096}), {1, 0})};
  const kernels::TensorArg plain{f32, IndexMap::row_major({4096, 4096})};
  for (const kernels::TensorArg& large : {wide, plain}) {
    const auto plan = kernels::plan_copy(large, info);
    REQUIRE_FALSE(plan.ok());
    CHECK(plan.error().code == ErrorCode::kUnsupported);
    CHECK(plan.error().message ==
          "copy: too large, or strided too widely, for the device's storage range of 64 bytes: more than 16384 parts "
          "would be needed");
  }
}

TEST_CASE("split: grids spill into y beyond the device's group count") {
  vulkan::DeviceInfo info = device().info();
  info.max_groups[0] = 7;
  const HostTensor a = numbers(s32, {20'000});
  const std::vector<program::Tensor> operands = {to_device(a)};
  const ir::TensorType type{s32, {20'000}};
  const std::vector<kernels::Arg> arguments = {argument(operands[0])};
  const auto plan = kernels::plan(instruction_of("bitwise_not", type), arguments, info);
  REQUIRE(plan.ok());
  CHECK(plan->dispatches[0].grid.groups[0] == 7);
  CHECK(plan->dispatches[0].grid.groups[1] > 1);
  const HostTensor got = from_device(run(*plan, operands, type, 1 << 30));
  for (int64_t i = 0; i < a.count(); ++i) REQUIRE(got.number(i).integer == ~a.number(i).integer);
}

}  // namespace gpu_node::test
