// Plans divide and conquer (shaders/linalg/divide.glsl): leaves by Jacobi's method, then pairs of parts, all of a level
// side by side. Parts are of one size: what is missing to that is filled up behind.
#include <utility>

#include "base/divide_up.h"
#include "kernels/dot/product.h"
#include "kernels/linalg/linalg.h"

namespace gpu_node::kernels {
namespace {

using Holds = LinalgBuffer::Holds;

constexpr uint32_t kLeaf = 32;

constexpr LinalgBuffer kLeavesBuffers[] = {
    {"diagonal", Holds::kParts, false}, {"sides", Holds::kParts, false}, {"sizes", Holds::kParts, false}, {"t"}};
constexpr std::string_view kLeavesParameters[] = {"COUNT", "N", "PARTS", "LEAF"};
constexpr LinalgKernel kLeaves = {
    .function = "divide_leaves", .file = "divide.glsl", .buffers = kLeavesBuffers, .parameters = kLeavesParameters};

constexpr LinalgBuffer kSortBuffers[] = {
    {"a", Holds::kNumbers, false}, {"v", Holds::kNumbers, false}, {"q"}, {"d", Holds::kParts}};
constexpr std::string_view kSortParameters[] = {"COUNT", "LEAF"};
constexpr LinalgKernel kSort = {
    .function = "divide_sort", .file = "divide.glsl", .buffers = kSortBuffers, .parameters = kSortParameters};

constexpr std::string_view kParameters[] = {"COUNT", "N", "PARTS", "HALF"};

constexpr LinalgBuffer kDropBuffers[] = {
    {"d", Holds::kParts, false},     {"q", Holds::kNumbers, false}, {"sides", Holds::kParts, false},
    {"sizes", Holds::kParts, false}, {"sorted", Holds::kParts},     {"sorted_z", Holds::kParts},
    {"order", Holds::kIndices},      {"poles", Holds::kParts},      {"z", Holds::kParts},
    {"places", Holds::kIndices},     {"turns", Holds::kParts},      {"turned", Holds::kIndices},
    {"kept", Holds::kIndices}};
constexpr LinalgKernel kDrop = {.function = "divide_drop",
                                .file = "divide.glsl",
                                .buffers = kDropBuffers,
                                .parameters = kParameters,
                                .gathers = true};

constexpr LinalgBuffer kRootsBuffers[] = {{"poles", Holds::kParts, false},  {"z", Holds::kParts, false},
                                          {"kept", Holds::kIndices, false}, {"sides", Holds::kParts, false},
                                          {"sizes", Holds::kParts, false},  {"bases", Holds::kParts},
                                          {"offsets", Holds::kParts}};
constexpr LinalgKernel kRoots = {
    .function = "divide_roots", .file = "divide.glsl", .buffers = kRootsBuffers, .parameters = kParameters};
// What the bounded search for a root takes mostly.
constexpr uint32_t kRootSteps = 8;

constexpr LinalgBuffer kWeightsBuffers[] = {{"poles", Holds::kParts, false},
                                            {"z", Holds::kParts, false},
                                            {"kept", Holds::kIndices, false},
                                            {"bases", Holds::kParts, false},
                                            {"offsets", Holds::kParts, false},
                                            {"ranks", Holds::kIndices},
                                            {"d", Holds::kParts},
                                            {"weights", Holds::kParts}};
constexpr LinalgKernel kWeights = {
    .function = "divide_weights", .file = "divide.glsl", .buffers = kWeightsBuffers, .parameters = kParameters};

constexpr LinalgBuffer kVectorsBuffers[] = {{"poles", Holds::kParts, false},    {"weights", Holds::kParts, false},
                                            {"kept", Holds::kIndices, false},   {"bases", Holds::kParts, false},
                                            {"offsets", Holds::kParts, false},  {"ranks", Holds::kIndices, false},
                                            {"places", Holds::kIndices, false}, {"turns", Holds::kParts, false},
                                            {"turned", Holds::kIndices, false}, {"u"}};
constexpr LinalgKernel kVectors = {
    .function = "divide_vectors", .file = "divide.glsl", .buffers = kVectorsBuffers, .parameters = kParameters};

// What the levels share: of a row each, but for the vectors of pairs.
struct Workspace {
  Place sorted, sorted_z, order, poles, z, places, turns, turned, kept, bases, offsets, ranks, weights, u;
};

Result<Workspace> workspace_for(Dtype part, uint32_t count, uint32_t side, PlanBuilder& plan) {
  Workspace work;
  for (Place* place : {&work.sorted, &work.sorted_z, &work.poles, &work.z, &work.bases, &work.offsets, &work.weights}) {
    GPU_ASSIGN(*place, dense_of(part, {count, side}, plan));
  }
  for (Place* place : {&work.order, &work.places, &work.ranks, &work.kept}) {
    GPU_ASSIGN(*place, dense_of(Dtype::u32, {count, side}, plan));
  }
  GPU_ASSIGN(work.turns, dense_of(part, {count, side, 2}, plan));
  GPU_ASSIGN(work.turned, dense_of(Dtype::u32, {count, side, 2}, plan));
  GPU_ASSIGN(work.u, dense_of(part, {count, side, side}, plan));
  return work;
}

}  // namespace

Result<Eigen> append_divided(const Tridiagonal& of, PlanBuilder& plan) {
  const auto count = static_cast<uint32_t>(of.diagonal.map.shape[0]),
             n = static_cast<uint32_t>(of.diagonal.map.shape[1]);
  const Dtype part = of.diagonal.dtype;
  uint32_t parts = 1;
  while (divide_up(n, parts) > kLeaf) parts *= 2;
  const uint32_t leaf = divide_up(n, parts), side = leaf * parts;
  GPU_ASSIGN(const Place leaves, dense_of(part, {count * parts, leaf, leaf}, plan));
  const uint64_t elements = uint64_t{count} * side * leaf;
  GPU_TRY(append_linalg({&kLeaves, part, elements, 0, 1}, {of.diagonal, of.sides, of.sizes, leaves},
                        {count, n, parts, leaf}, plan));
  GPU_ASSIGN(const Turned turned, append_hermitian_turns(leaves, plan));
  GPU_ASSIGN(Place q, dense_of(part, {count, side, side}, plan));
  GPU_ASSIGN(Place other, dense_of(part, {count, side, side}, plan));
  GPU_ASSIGN(const Place d, dense_of(part, {count, side}, plan));
  GPU_TRY(append_linalg({&kSort, part, elements, static_cast<double>(elements * leaf), leaf},
                        {turned.a, turned.v, q, d}, {count * parts, leaf}, plan));
  GPU_ASSIGN(const Workspace w, workspace_for(part, count, side, plan));
  for (uint32_t half = leaf; half < side; half *= 2) {
    const uint32_t size = 2 * half, pairs = side / size, merges = count * pairs;
    const uint64_t rows = uint64_t{count} * side;
    const auto append = [&](const LinalgKernel& kernel, uint64_t invocations, uint64_t steps,
                            std::initializer_list<Place> buffers) {
      const LinalgRun run{&kernel, part, invocations, static_cast<double>(invocations * steps), steps};
      return append_linalg(run, buffers, {merges, n, pairs, half}, plan);
    };
    GPU_TRY(append(
        kDrop, merges, 2 * size,
        {d, q, of.sides, of.sizes, w.sorted, w.sorted_z, w.order, w.poles, w.z, w.places, w.turns, w.turned, w.kept}));
    GPU_TRY(append(kRoots, rows, uint64_t{kRootSteps} * size,
                   {w.poles, w.z, w.kept, of.sides, of.sizes, w.bases, w.offsets}));
    GPU_TRY(append(kWeights, rows, 2 * size, {w.poles, w.z, w.kept, w.bases, w.offsets, w.ranks, d, w.weights}));
    GPU_TRY(append(kVectors, rows, 4 * size,
                   {w.poles, w.weights, w.kept, w.bases, w.offsets, w.ranks, w.places, w.turns, w.turned, w.u}));
    GPU_TRY(append_product(shaped(q, {2 * merges, half, half}), shaped(w.u, {2 * merges, half, size}),
                           {{2}, {0}, {1}, {0}}, shaped(other, {2 * merges, half, size}), plan));
    std::swap(q, other);
  }
  return Eigen{d, q};
}

}  // namespace gpu_node::kernels
