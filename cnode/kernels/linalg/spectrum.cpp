// Plans eigh and svd: what is Hermitian, or the columns of a tall matrix, is turned, then values and vectors are put in
// order.
#include <algorithm>

#include "kernels/linalg/linalg.h"

namespace gpu_node::kernels {
namespace {

using Holds = LinalgBuffer::Holds;

constexpr LinalgBuffer kValuesBuffers[] = {{"a", Holds::kNumbers, false}, {"values", Holds::kParts}};
constexpr std::string_view kValuesParameters[] = {"COUNT", "N", "HEIGHT", "SIDE", "NORMS"};
constexpr LinalgKernel kValues = {
    .function = "spectrum_values", .file = "spectrum.glsl", .buffers = kValuesBuffers, .parameters = kValuesParameters};

constexpr LinalgBuffer kOrderBuffers[] = {
    {"values", Holds::kParts, false}, {"sizes", Holds::kParts, false}, {"order", Holds::kIndices}};
constexpr std::string_view kOrderParameters[] = {"COUNT", "N"};
constexpr LinalgKernel kOrder = {.function = "spectrum_order",
                                 .file = "spectrum.glsl",
                                 .buffers = kOrderBuffers,
                                 .parameters = kOrderParameters,
                                 .knows_result = true};

constexpr LinalgBuffer kSortedBuffers[] = {
    {"values", Holds::kParts, false}, {"sizes", Holds::kParts, false}, {"order", Holds::kIndices, false}, {"to"}};
constexpr std::string_view kSortedParameters[] = {"COUNT", "N", "TALL"};
constexpr LinalgKernel kSorted = {.function = "spectrum_sorted",
                                  .file = "spectrum.glsl",
                                  .buffers = kSortedBuffers,
                                  .parameters = kSortedParameters,
                                  .knows_result = true};

constexpr LinalgBuffer kVectorsBuffers[] = {{"v", Holds::kNumbers, false},
                                            {"values", Holds::kParts, false},
                                            {"sizes", Holds::kParts, false},
                                            {"order", Holds::kIndices, false},
                                            {"to"}};
constexpr std::string_view kVectorsParameters[] = {"COUNT", "N", "ROWS", "HEIGHT", "SIDE", "ADJOINT", "NORMED"};
constexpr LinalgKernel kVectors = {.function = "spectrum_vectors",
                                   .file = "spectrum.glsl",
                                   .buffers = kVectorsBuffers,
                                   .parameters = kVectorsParameters,
                                   .knows_result = true};

constexpr LinalgBuffer kSignedBuffers[] = {{"q", Holds::kNumbers, false}, {"r", Holds::kNumbers, false}, {"to"}};
constexpr std::string_view kSignedParameters[] = {"COUNT", "N", "ROWS", "COLUMNS", "ADJOINT"};
constexpr LinalgKernel kSigned = {.function = "spectrum_signed",
                                  .file = "spectrum.glsl",
                                  .buffers = kSignedBuffers,
                                  .parameters = kSignedParameters,
                                  .knows_result = true};

// Values and their order, of matrices that were divided by |sizes|.
struct Spectrum {
  Turned turned;
  Place sizes, values, order;
  uint32_t count = 1, n = 1;
};

// Of the diagonals of |turned|.a, or with |norms| the norms of its columns.
Result<Place> append_values(const Turned& turned, uint32_t count, uint32_t n, bool norms, PlanBuilder& plan) {
  const Dtype number = turned.a.dtype;
  GPU_ASSIGN(const Place values, dense_of(component_type(number), {count, n}, plan));
  const auto height = static_cast<uint32_t>(turned.a.map.shape[1]);
  const uint64_t all = uint64_t{count} * n;
  const LinalgRun run{&kValues, number, all, norms ? static_cast<double>(all * height) : 0, height};
  GPU_TRY(append_linalg(run, {turned.a, values}, {count, n, height, turned.side, norms ? 1U : 0U}, plan));
  return values;
}

Result<Spectrum> append_order(const Turned& turned, const Place& sizes, const Place& values, PlanBuilder& plan) {
  const auto count = static_cast<uint32_t>(values.map.shape[0]), n = static_cast<uint32_t>(values.map.shape[1]);
  GPU_ASSIGN(const Place order, dense_of(Dtype::u32, {count, n}, plan));
  const uint64_t all = uint64_t{count} * n;
  const LinalgRun run{&kOrder, turned.v.dtype, all, static_cast<double>(all * n), n};
  GPU_TRY(append_linalg(run, {values, sizes, order}, {count, n}, plan));
  return Spectrum{turned, sizes, values, order, count, n};
}

// |tall|: of singular values the longer side of their matrix, else 0.
Result<void> append_sorted(const Spectrum& of, uint32_t tall, const Place& to, PlanBuilder& plan) {
  const LinalgRun run{&kSorted, of.turned.v.dtype, uint64_t{of.count} * of.n, 0, 1};
  return append_linalg(run, {of.values, of.sizes, of.order, to}, {of.count, of.n, tall}, plan);
}

// |rows| rows of the columns of |from|: of the vectors that turned, or of |turned|.a over its values.
Result<void> append_vectors(const Spectrum& of, const Place& from, uint32_t rows, bool adjoint, bool normed,
                            const Place& to, PlanBuilder& plan) {
  const LinalgRun run{&kVectors, from.dtype, uint64_t{of.count} * rows * of.n, 0, 1};
  return append_linalg(run, {from, of.values, of.sizes, of.order, to},
                       {of.count, of.n, rows, static_cast<uint32_t>(from.map.shape[1]), of.turned.side,
                        adjoint ? 1U : 0U, normed ? 1U : 0U},
                       plan);
}

// The same made orthogonal to the last digit, |columns| of them: those of |turned|.a over their values are so already,
// but where a value is 0 one is missing, and thousands of rotations leave a trace.
Result<void> append_orthogonal(const Spectrum& of, const Place& from, uint32_t rows, uint32_t columns, bool adjoint,
                               bool normed, const Place& to, PlanBuilder& plan) {
  const Dtype number = to.dtype;
  GPU_ASSIGN(const Place left, dense_of(number, {of.count, rows, of.n}, plan));
  GPU_TRY(append_vectors(of, from, rows, false, normed, left, plan));
  GPU_ASSIGN(const Reflectors reflectors, append_reflections(left, plan));
  GPU_ASSIGN(const Place q, dense_of(number, {of.count, rows, columns}, plan));
  GPU_TRY(append_q(left, reflectors, q, plan));
  const LinalgRun run{&kSigned, number, uint64_t{of.count} * rows * columns, 0, 1};
  return append_linalg(run, {q, left, to}, {of.count, of.n, rows, columns, adjoint ? 1U : 0U}, plan);
}

// What turned, as columns or with |adjoint| as rows. Where they are computed in more digits than |result| has they are
// orthogonal enough as they are.
Result<void> append_turns(const Spectrum& of, bool adjoint, const Place& to, const Place& result, PlanBuilder& plan) {
  if (component_type(to.dtype) == component_type(result.dtype))
    return append_orthogonal(of, of.turned.v, of.n, of.n, adjoint, false, to, plan);
  return append_vectors(of, of.turned.v, of.n, adjoint, false, to, plan);
}

// Of a Hermitian matrix: small ones are turned as they are.
Result<Eigen> append_eigen(const Place& a, const Place& sizes, PlanBuilder& plan) {
  GPU_ASSIGN(const Matrices size, matrices_of(a.map.shape, plan));
  if (size.rows > kSmallMatrix) return append_hermitian(a, sizes, plan);
  GPU_ASSIGN(const Turned turned, append_hermitian_turns(a, plan));
  GPU_ASSIGN(const Place values, append_values(turned, size.count, size.rows, false, plan));
  return Eigen{values, turned.v};
}

}  // namespace

Result<void> plan_eigh(const ir::Instruction& /*instruction*/, std::span<const Arg> operands, PlanBuilder& plan) {
  const Dtype number = number_of(plan.result().dtype, false, plan);
  GPU_ASSIGN(const Place a, computed(source_of(operands[0], 0), number, plan));
  GPU_ASSIGN(const Matrices size, matrices_of(a.map.shape, plan));
  GPU_ASSIGN(const Place sizes, append_scale(a, plan));
  GPU_ASSIGN(const Eigen eigen, append_eigen(a, sizes, plan));
  GPU_ASSIGN(const Spectrum spectrum, append_order({{}, eigen.vectors, size.rows}, sizes, eigen.values, plan));
  const Place w = written_for(plan.result(0), number, plan), v = written_for(plan.result(1), number, plan);
  GPU_TRY(append_sorted(spectrum, 0, w, plan));
  if (size.rows > kSmallMatrix)
    GPU_TRY(append_vectors(spectrum, eigen.vectors, size.rows, false, false, v, plan));
  else
    GPU_TRY(append_turns(spectrum, false, v, plan.result(1), plan));
  GPU_TRY(finish_result(w, plan.result(0), plan));
  return finish_result(v, plan.result(1), plan);
}

Result<void> plan_svd(const ir::Instruction& /*instruction*/, std::span<const Arg> operands, PlanBuilder& plan) {
  const Dtype number = number_of(plan.result().dtype, false, plan);
  const Place given = plan.placed(source_of(operands[0], 0));
  GPU_ASSIGN(const Matrices size, matrices_of(given.map.shape, plan));
  // A wide matrix is the adjoint of a tall one, whose U and V change places.
  const bool wide = size.rows < size.columns;
  GPU_ASSIGN(const Place a, computed(wide ? transposed_matrices(given) : given, number, plan));
  const uint32_t m = std::max(size.rows, size.columns), n = std::min(size.rows, size.columns);
  GPU_ASSIGN(const Place sizes, append_scale(a, plan));
  GPU_ASSIGN(const Turned turned, append_column_turns(a, sizes, wide, plan));
  GPU_ASSIGN(const Place values, append_values(turned, size.count, n, true, plan));
  GPU_ASSIGN(const Spectrum spectrum, append_order(turned, sizes, values, plan));
  const Place u = written_for(plan.result(0), number, plan), s = written_for(plan.result(1), number, plan),
              v = written_for(plan.result(2), number, plan);
  GPU_TRY(append_sorted(spectrum, m, s, plan));
  const Place& left = wide ? v : u;
  const Place& right = wide ? u : v;
  const Shape& shape = left.map.shape;
  const auto columns = static_cast<uint32_t>(shape[shape.size() - (wide ? 2 : 1)]);
  GPU_TRY(append_orthogonal(spectrum, turned.a, m, columns, wide, true, left, plan));
  GPU_TRY(append_turns(spectrum, !wide, right, plan.result(0), plan));
  GPU_TRY(finish_result(u, plan.result(0), plan));
  GPU_TRY(finish_result(s, plan.result(1), plan));
  return finish_result(v, plan.result(2), plan);
}

}  // namespace gpu_node::kernels
