// Plans Jacobi's method (shaders/linalg/jacobi.glsl): sweeps over pairs of rows, or of blocks of columns. A plan has as
// many sweeps as may be needed; behind the last that found something to turn the others return at once. What is not
// done by then stays as far as it came.
#include <algorithm>
#include <utility>

#include "base/divide_up.h"
#include "kernels/dot/product.h"
#include "kernels/elementwise/block.h"
#include "kernels/linalg/linalg.h"

namespace gpu_node::kernels {
namespace {

using Holds = LinalgBuffer::Holds;

constexpr LinalgBuffer kSweepBuffers[] = {{"g"}, {"v"}, {"state", Holds::kIndices}};
constexpr std::string_view kSweepParameters[] = {"COUNT",  "PAIRS", "SIZE",   "SWEEPS",
                                                 "BEGINS", "ALONE", "ANGLES", "LENGTH"};
constexpr LinalgKernel kSweep = {.function = "jacobi_sweep",
                                 .file = "jacobi.glsl",
                                 .buffers = kSweepBuffers,
                                 .parameters = kSweepParameters,
                                 .gathers = true};

constexpr LinalgBuffer kTurnBuffers[] = {{"state", Holds::kIndices}};
constexpr std::string_view kTurnParameters[] = {"COUNT"};
constexpr LinalgKernel kTurn = {
    .function = "jacobi_turn", .file = "jacobi.glsl", .buffers = kTurnBuffers, .parameters = kTurnParameters};

constexpr LinalgBuffer kBeginBuffers[] = {{"from", Holds::kNumbers, false}, {"a"}, {"v"}, {"state", Holds::kIndices}};
constexpr std::string_view kBeginParameters[] = {"COUNT", "ROWS", "COLUMNS", "HEIGHT", "SIDE", "READS"};
constexpr LinalgKernel kBegin = {
    .function = "jacobi_begin", .file = "jacobi.glsl", .buffers = kBeginBuffers, .parameters = kBeginParameters};

constexpr std::string_view kBlockParameters[] = {"COUNT", "HEIGHT", "SIDE", "BLOCK", "ROUND"};
constexpr LinalgBuffer kTakeBuffers[] = {{"a", Holds::kNumbers, false}, {"g"}, {"state", Holds::kIndices, false}};
constexpr LinalgKernel kGram = {
    .function = "jacobi_gram", .file = "jacobi.glsl", .buffers = kTakeBuffers, .parameters = kBlockParameters};
constexpr LinalgBuffer kColumnsBuffers[] = {
    {"a", Holds::kNumbers, false}, {"v", Holds::kNumbers, false}, {"to"}, {"state", Holds::kIndices, false}};
constexpr LinalgKernel kColumns = {
    .function = "jacobi_columns", .file = "jacobi.glsl", .buffers = kColumnsBuffers, .parameters = kBlockParameters};
constexpr LinalgBuffer kCopyBuffers[] = {{"a", Holds::kNumbers, false}, {"to"}, {"state", Holds::kIndices, false}};
constexpr LinalgKernel kCopy = {
    .function = "jacobi_copy", .file = "jacobi.glsl", .buffers = kCopyBuffers, .parameters = kBlockParameters};

// Sweeps in all: convergence is quadratic at the end, so matrices of any size that fits are done in about ten.
constexpr uint32_t kSmallSweeps = 30, kBlockSweeps = 16;
// Steps of a workgroup in one dispatch.
constexpr uint64_t kSteps = 20'000;

enum class Reads : uint8_t { kAsItIs, kHermitian, kConjugated };

// A batch on its way: what is turned, by what, and how it is parted.
struct Turning {
  Turned turned;
  Place state;
  uint32_t count = 1, height = 1, block = 1;

  uint32_t pairs() const { return turned.side / (2 * block); }
  uint32_t size() const { return 2 * block; }
};

// Steps of an invocation for a sweep of matrices of |size|.
uint64_t sweep_steps(uint64_t size, const PlanBuilder& plan) {
  const uint64_t half = (size + 1) / 2, lanes = gathered(plan);
  return 2 * half * (divide_up(half * half, lanes) + divide_up(size * half, lanes) + divide_up(half, lanes));
}

Result<Turning> begin(const Place& from, uint32_t block, uint32_t side, Reads reads, PlanBuilder& plan) {
  GPU_ASSIGN(const Matrices size, matrices_of(from.map.shape, plan));
  Turning turning;
  turning.count = size.count;
  turning.block = block;
  turning.height = size.rows;
  turning.turned.side = side;
  GPU_ASSIGN(turning.turned.a, dense_of(from.dtype, {size.count, turning.height, side}, plan));
  GPU_ASSIGN(turning.turned.v, dense_of(from.dtype, {size.count, side, side}, plan));
  GPU_ASSIGN(turning.state, dense_of(Dtype::u32, {size.count, 2}, plan));
  const uint64_t count = uint64_t{size.count} * std::max(turning.height, side) * side;
  const LinalgRun run{&kBegin, from.dtype, count, 0, 1};
  GPU_TRY(append_linalg(run, {from, turning.turned.a, turning.turned.v, turning.state},
                        {size.count, size.rows, size.columns, turning.height, side, static_cast<uint32_t>(reads)},
                        plan));
  return turning;
}

// Scratch that the rounds share: what pairs of blocks are, what turns them, and what columns become meanwhile.
struct Workspace {
  Place g, v, columns;
};

// All pairs of blocks of round |round|, |sweeps| over each.
Result<void> append_round(const Turning& turning, const Workspace& work, uint32_t round, uint32_t sweeps,
                          PlanBuilder& plan) {
  const Turned& turned = turning.turned;
  const Dtype number = turned.a.dtype;
  const uint64_t size = turning.size(), side = turned.side, count = turning.count;
  const auto append = [&](const LinalgKernel& kernel, uint64_t height, uint64_t invocations, uint64_t steps,
                          std::initializer_list<Place> buffers) {
    const LinalgRun run{&kernel, number, invocations, static_cast<double>(invocations * steps), steps};
    return append_linalg(run, buffers,
                         {turning.count, static_cast<uint32_t>(height), turned.side, turning.block, round}, plan);
  };
  const uint64_t height = turning.height;
  GPU_TRY(append(kGram, height, count * side * size, height, {turned.a, work.g, turning.state}));
  const uint64_t problems = count * turning.pairs(), steps = sweeps * sweep_steps(size, plan);
  const LinalgRun sweep{&kSweep, number, problems, static_cast<double>(problems * steps), steps};
  GPU_TRY(append_linalg(
      sweep, {work.g, work.v, turning.state},
      {static_cast<uint32_t>(problems), turning.pairs(), turning.size(), sweeps, 1, 0, 1, turning.height}, plan));
  GPU_TRY(append(kColumns, height, count * height * side, size, {turned.a, work.v, work.columns, turning.state}));
  GPU_TRY(append(kCopy, height, count * height * side, 1, {work.columns, turned.a, turning.state}));
  GPU_TRY(append(kColumns, side, count * side * side, size, {turned.v, work.v, work.columns, turning.state}));
  return append(kCopy, side, count * side * side, 1, {work.columns, turned.v, turning.state});
}

Result<Turned> append_blocks(const Turning& turning, uint32_t sweeps, PlanBuilder& plan) {
  const Turned& turned = turning.turned;
  Workspace work;
  const Shape parts = {turning.count, turning.pairs(), turning.size(), turning.size()};
  GPU_ASSIGN(work.g, dense_of(turned.a.dtype, parts, plan));
  GPU_ASSIGN(work.v, dense_of(turned.a.dtype, parts, plan));
  GPU_ASSIGN(work.columns,
             dense_of(turned.a.dtype, {turning.count, std::max(turning.height, turned.side), turned.side}, plan));
  const uint32_t rounds = 2 * turning.pairs() - 1;
  for (uint32_t sweep = 0; sweep < kBlockSweeps; ++sweep) {
    for (uint32_t round = 0; round < rounds; ++round) GPU_TRY(append_round(turning, work, round, sweeps, plan));
    const LinalgRun turn{&kTurn, turned.a.dtype, turning.count, 0, 1};
    GPU_TRY(append_linalg(turn, {turning.state}, {turning.count}, plan));
  }
  return turned;
}

// The columns of |from|, turned by the vectors of their products: orthogonal but for what rounding those costs, which
// is the square of what rounding |from| would. That is less than a result of half the digits shows; else what is left
// is little for the sweeps.
Result<Turned> append_nearly_turned(const Place& from, const Place& sizes, bool conjugated, PlanBuilder& plan) {
  GPU_ASSIGN(const Matrices size, matrices_of(from.map.shape, plan));
  const Dtype number = from.dtype;
  const int64_t count = size.count, m = size.rows, n = size.columns;
  const Shape tall = {count, m, n}, square = {count, n, n};
  Place a = from, other = from;
  a.map = other.map = IndexMap::row_major(tall);
  if (is_complex(number)) {
    GPU_ASSIGN(other, dense_of(number, tall, plan));
    GPU_TRY(append_conjugate(a, other, plan));
    if (conjugated) std::swap(a, other);
  }
  GPU_ASSIGN(const Place products, dense_of(number, square, plan));
  GPU_TRY(append_product(other, a, {{1}, {0}, {1}, {0}}, products, plan));
  GPU_ASSIGN(const Eigen eigen, append_hermitian(products, sizes, plan));
  GPU_ASSIGN(const Place turned, dense_of(number, tall, plan));
  GPU_TRY(append_product(a, eigen.vectors, {{2}, {0}, {1}, {0}}, turned, plan));
  if (component_type(number) != component_type(plan.result().dtype)) return Turned{turned, eigen.vectors, size.columns};
  const uint32_t side = divide_up(size.columns, 2 * kMostPairs) * 2 * kMostPairs;
  GPU_ASSIGN(const Turning turning, begin(turned, kMostPairs, side, Reads::kAsItIs, plan));
  GPU_TRY(append_copy(eigen.vectors, part_of(turning.turned.v, {0, 0, 0}, square), plan));
  return append_blocks(turning, 2, plan);
}

}  // namespace

Result<Turned> append_hermitian_turns(const Place& from, PlanBuilder& plan) {
  const Shape& shape = from.map.shape;
  const auto n = static_cast<uint32_t>(shape[shape.size() - 1]);
  GPU_ASSIGN(const Turning turning, begin(from, 1, n, Reads::kHermitian, plan));
  const uint64_t once = sweep_steps(n, plan);
  const auto sweeps = static_cast<uint32_t>(std::clamp<uint64_t>(kSteps / once, 1, kSmallSweeps));
  for (uint32_t done = 0; done < kSmallSweeps; done += sweeps) {
    const uint64_t steps = sweeps * once;
    const LinalgRun run{&kSweep, from.dtype, turning.count, static_cast<double>(turning.count * steps), steps};
    GPU_TRY(append_linalg(run, {turning.turned.a, turning.turned.v, turning.state},
                          {turning.count, 1, n, sweeps, 0, 1, 0, n}, plan));
  }
  return turning.turned;
}

Result<Turned> append_column_turns(const Place& from, const Place& sizes, bool conjugated, PlanBuilder& plan) {
  const Shape& shape = from.map.shape;
  const auto n = static_cast<uint32_t>(shape[shape.size() - 1]);
  if (n > kSmallMatrix) return append_nearly_turned(from, sizes, conjugated, plan);
  const uint32_t block = divide_up(n, 2U);
  GPU_ASSIGN(const Turning turning,
             begin(from, block, 2 * block, conjugated ? Reads::kConjugated : Reads::kAsItIs, plan));
  // One pair alone is turned until it is done, and looked at again: its products have the rounding of large columns.
  const uint64_t most = std::clamp<uint64_t>(kSteps / sweep_steps(turning.size(), plan), 1, 10);
  return append_blocks(turning, static_cast<uint32_t>(most), plan);
}

}  // namespace gpu_node::kernels
