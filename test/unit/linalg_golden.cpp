// The texts of kernels of matrices, reviewed in test/golden (golden.h), and how many dispatches their plans have.
#include <doctest/doctest.h>

#include "golden.h"
#include "ir/infer.h"

namespace gpu_node::test {
namespace {

using enum Dtype;

// Of |op| on one matrix in f32, or on two operands of its shape, for a device that has everything.
size_t dispatches(std::string_view op, const Shape& shape, const std::vector<ir::TensorType>& results,
                  size_t operands = 1) {
  ir::Instruction instruction;
  instruction.op = &ir::op_called(op);
  for (const ir::TensorType& result : results) instruction.results.push_back({0, result});
  const vulkan::DeviceInfo device = full_device();
  const Result<kernels::Plan> plan =
      kernels::plan(instruction, std::vector<kernels::Arg>(operands, tensor(f32, shape)), device);
  REQUIRE(plan.ok());
  return plan->dispatches.size();
}

}  // namespace

TEST_CASE("emitter: golden kernels of matrices") {
  for (const PlannedKernel& kernel : std::vector<PlannedKernel>{
           {"triangular_solve_f32",
            "triangular_solve",
            {tensor(f32, {65, 65}), turned(f32, {3, 65})},
            {f32, {65, 3}},
            ir::TriangularSolveAttributes{false},
            8},
           {"cholesky_c64", "cholesky", {tensor(c64, {2, 8, 8})}, {c64, {2, 8, 8}}, {}, 1},
       })
    check_golden(kernel, {});
}

TEST_CASE("kernels: small matrices take few dispatches, large ones are parted") {
  const auto square = [](int64_t n) { return ir::TensorType{f32, {n, n}}; };
  // Factored, and where what is computed in is another type converted before and behind.
  CHECK(dispatches("cholesky", {64, 64}, {square(64)}) == 1);
  CHECK(dispatches("lu", {64, 64}, {square(64), square(64), square(64)}) == 4);
  CHECK(dispatches("triangular_solve", {64, 64}, {square(64)}, 2) == 4);
  // 32 panels of three dispatches, of which the last has one.
  CHECK(dispatches("lu", {1000, 1000}, {square(1000), square(1000), square(1000)}) == 3 + 3 * 31 + 1);
  CHECK(dispatches("eigh", {8, 8}, {{f32, {8}}, square(8)}) < 20);
}

}  // namespace gpu_node::test
