// Plans what makes Hermitian matrices tridiagonal (shaders/linalg/tridiagonal.glsl), finds values and vectors of that,
// and takes the vectors back.
#include <algorithm>

#include "base/divide_up.h"
#include "kernels/linalg/linalg.h"
#include "kernels/linalg/reflect.h"

namespace gpu_node::kernels {
namespace {

using Holds = LinalgBuffer::Holds;

constexpr LinalgBuffer kBeginBuffers[] = {{"from", Holds::kNumbers, false}, {"sizes", Holds::kParts, false}, {"a"}};
constexpr std::string_view kBeginParameters[] = {"COUNT", "N"};
constexpr LinalgKernel kBegin = {.function = "tridiagonal_begin",
                                 .file = "tridiagonal.glsl",
                                 .buffers = kBeginBuffers,
                                 .parameters = kBeginParameters};

constexpr LinalgBuffer kColumnBuffers[] = {
    {"a", Holds::kNumbers, false}, {"p", Holds::kNumbers, false}, {"v"},     {"w"},
    {"factors", Holds::kParts},    {"diagonal", Holds::kParts},   {"beside"}};
constexpr std::string_view kStepParameters[] = {"COUNT", "N", "STEP", "CHUNKS", "ROWS", "MOST"};
constexpr LinalgKernel kColumn = {.function = "tridiagonal_column",
                                  .file = "tridiagonal.glsl",
                                  .buffers = kColumnBuffers,
                                  .parameters = kStepParameters,
                                  .gathers = true,
                                  .adds_up = true};

constexpr LinalgBuffer kPassBuffers[] = {{"a"}, {"v", Holds::kNumbers, false}, {"w", Holds::kNumbers, false}, {"p"}};
constexpr LinalgKernel kPass = {
    .function = "tridiagonal_pass", .file = "tridiagonal.glsl", .buffers = kPassBuffers, .parameters = kStepParameters};

constexpr LinalgBuffer kRealBuffers[] = {{"diagonal", Holds::kParts, false},
                                         {"beside", Holds::kNumbers, false},
                                         {"sides", Holds::kParts},
                                         {"phases"},
                                         {"sizes", Holds::kParts}};
constexpr LinalgKernel kReal = {.function = "tridiagonal_real",
                                .file = "tridiagonal.glsl",
                                .buffers = kRealBuffers,
                                .parameters = kBeginParameters,
                                .gathers = true,
                                .adds_up = true};

constexpr LinalgBuffer kVectorsBuffers[] = {{"phases", Holds::kNumbers, false},
                                            {"z", Holds::kParts, false},
                                            {"found", Holds::kParts, false},
                                            {"sizes", Holds::kParts, false},
                                            {"x"},
                                            {"values", Holds::kParts}};
constexpr std::string_view kVectorsParameters[] = {"COUNT", "N", "SIDE"};
constexpr LinalgKernel kVectors = {.function = "tridiagonal_vectors",
                                   .file = "tridiagonal.glsl",
                                   .buffers = kVectorsBuffers,
                                   .parameters = kVectorsParameters};

// Rows that an invocation goes over: fewer keep a device of many busy, more leave less to add up.
uint32_t chunk_rows(const PlanBuilder& plan) { return plan.device().software ? 128 : 32; }

// The matrix as reflections leave it.
struct Reduced {
  Reflectors reflectors;
  Place diagonal, beside;
};

Result<Reduced> append_reduction_of(const Place& from, const Place& sizes, PlanBuilder& plan) {
  GPU_ASSIGN(const Matrices size, matrices_of(from.map.shape, plan));
  const Dtype number = from.dtype, part = component_type(number);
  const uint32_t count = size.count, n = size.rows, rows = chunk_rows(plan), most = divide_up(n, rows);
  Reduced reduced;
  GPU_ASSIGN(reduced.reflectors, reflectors_of(number, count, n, n, plan));
  reduced.reflectors.count = n - 2;
  reduced.reflectors.shift = 1;
  GPU_ASSIGN(reduced.diagonal, dense_of(part, {count, n}, plan));
  GPU_ASSIGN(reduced.beside, dense_of(number, {count, n}, plan));
  GPU_ASSIGN(const Place a, dense_of(number, {count, n, n}, plan));
  GPU_ASSIGN(const Place w, dense_of(number, {count, n}, plan));
  GPU_ASSIGN(const Place p, dense_of(number, {count, most, n}, plan));
  const Place& v = reduced.reflectors.rows;
  GPU_TRY(append_linalg({&kBegin, number, uint64_t{count} * n * n, 0, 1}, {from, sizes, a}, {count, n}, plan));
  for (uint32_t step = 0, before = 0; step < n; ++step) {
    const uint32_t left = n - step;
    const uint64_t steps = divide_up<uint64_t>(left, gathered(plan)) * (before + 4);
    GPU_TRY(append_linalg({&kColumn, number, count, static_cast<double>(steps * count), steps},
                          {a, p, v, w, reduced.reflectors.factors, reduced.diagonal, reduced.beside},
                          {count, n, step, before, rows, most}, plan));
    if (left == 1) break;
    before = divide_up(left - 1, rows);
    const uint64_t invocations = uint64_t{count} * before * (left - 1);
    GPU_TRY(append_linalg({&kPass, number, invocations, static_cast<double>(invocations * rows), rows}, {a, v, w, p},
                          {count, n, step, before, rows, most}, plan));
  }
  if (is_complex(number)) GPU_TRY(append_conjugate(v, reduced.reflectors.adjoints, plan));
  return reduced;
}

}  // namespace

Result<Eigen> append_hermitian(const Place& from, const Place& sizes, PlanBuilder& plan) {
  GPU_ASSIGN(const Matrices size, matrices_of(from.map.shape, plan));
  const Dtype number = from.dtype, part = component_type(number);
  const uint32_t count = size.count, n = size.rows;
  GPU_ASSIGN(const Reduced reduced, append_reduction_of(from, sizes, plan));
  Tridiagonal real;
  GPU_ASSIGN(real.sides, dense_of(part, {count, n}, plan));
  GPU_ASSIGN(real.sizes, dense_of(part, {count}, plan));
  real.diagonal = reduced.diagonal;
  GPU_ASSIGN(const Place phases, dense_of(number, {count, n}, plan));
  GPU_TRY(append_linalg({&kReal, number, count, static_cast<double>(n) * count, n},
                        {reduced.diagonal, reduced.beside, real.sides, phases, real.sizes}, {count, n}, plan));
  GPU_ASSIGN(const Eigen found, append_divided(real, plan));
  Eigen eigen;
  GPU_ASSIGN(eigen.values, dense_of(part, {count, n}, plan));
  GPU_ASSIGN(eigen.vectors, dense_of(number, {count, n, n}, plan));
  const auto side = static_cast<uint32_t>(found.values.map.shape[1]);
  GPU_TRY(append_linalg({&kVectors, number, uint64_t{count} * n * n, 0, 1},
                        {phases, found.vectors, found.values, real.sizes, eigen.vectors, eigen.values},
                        {count, n, side}, plan));
  GPU_ASSIGN(const BlockReflection blocks, BlockReflection::over(reduced.reflectors, eigen.vectors, plan));
  GPU_TRY(blocks.append_all_back(false, plan));
  return eigen;
}

}  // namespace gpu_node::kernels
