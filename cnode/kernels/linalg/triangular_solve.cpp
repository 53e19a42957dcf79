// Plans triangular_solve: every kind is forward substitution in a view of the operands, transposed or backwards.
#include "kernels/elementwise/block.h"
#include "kernels/linalg/linalg.h"

namespace gpu_node::kernels {
namespace {

using Holds = LinalgBuffer::Holds;

constexpr LinalgBuffer kBuffers[] = {{"a", Holds::kNumbers, false}, {"x"}};
constexpr std::string_view kParameters[] = {"COUNT", "N", "M", "FROM", "TO", "CONJUGATE"};
constexpr LinalgKernel kRows = {
    .function = "solve_rows", .file = "solve.glsl", .buffers = kBuffers, .parameters = kParameters};
constexpr LinalgKernel kRest = {
    .function = "solve_rest", .file = "solve.glsl", .buffers = kBuffers, .parameters = kParameters};

// |b| as matrices: where it has an axis less than |a| each vector is a column.
Place as_matrices(Place b, const Shape& a) {
  if (b.map.shape.size() == a.size()) return b;
  b.map.shape.push_back(1);
  b.map.strides.push_back(1);
  return b;
}

}  // namespace

Result<void> plan_triangular_solve(const ir::Instruction& instruction, std::span<const Arg> operands,
                                   PlanBuilder& plan) {
  const auto& attributes = instruction.attributes.as<ir::TriangularSolveAttributes>();
  const bool transposes = attributes.transform_a == ir::TransformA::kTranspose;
  Place a = plan.placed(source_of(operands[0], 0));
  const Place given = plan.placed(source_of(operands[1], 1));
  const bool vectors = given.map.shape.size() < a.map.shape.size();
  // x a = b is a^T x^T = b^T, and backwards in rows and columns an upper triangle is a lower one.
  const bool right = !attributes.left_side;
  const auto lying = [&](const Place& place) {
    Place other = as_matrices(place, a.map.shape);
    if (right && !vectors) other = transposed_matrices(other);
    return attributes.lower == (transposes == right) ? other : backwards(other, 2);
  };
  Place b = lying(given), to = lying(plan.result());
  if (transposes != right) a = transposed_matrices(a);
  if (attributes.lower != (transposes == right)) a = backwards(backwards(a, 1), 2);
  const Dtype number = number_of(plan.result().dtype, false, plan);
  GPU_ASSIGN(const Matrices right_sides, matrices_of(b.map.shape, plan));
  GPU_ASSIGN(const Matrices size, matrices_of(a.map.shape, plan));
  GPU_ASSIGN(const Place matrix, computed(a, number, plan));
  GPU_ASSIGN(const Place x, computed(b, number, plan));
  const uint32_t n = size.rows, m = right_sides.columns;
  for (uint32_t from = 0, end = 0; from < n; from = end) {
    end = panel_end(from, n);
    const uint32_t conjugate = attributes.transform_a == ir::TransformA::kConjugate ? 1 : 0;
    const auto append = [&](const LinalgKernel& kernel, uint64_t count, uint64_t steps) {
      const LinalgRun run{&kernel, number, count, static_cast<double>(count * steps), steps};
      return append_linalg(run, {matrix, x}, {size.count, n, m, from, end, conjugate}, plan);
    };
    const uint64_t columns = uint64_t{size.count} * m, width = end - from;
    GPU_TRY(append(kRows, columns, width * width / 2 + width));
    if (end < n) GPU_TRY(append(kRest, columns * (n - end), width));
  }
  return append_conversion(x, to, plan);
}

}  // namespace gpu_node::kernels
