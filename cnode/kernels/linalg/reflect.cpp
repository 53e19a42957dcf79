#include "kernels/linalg/reflect.h"

#include <algorithm>

#include "kernels/dot/product.h"

namespace gpu_node::kernels {
namespace {

using Holds = LinalgBuffer::Holds;

constexpr LinalgBuffer kRowsBuffers[] = {{"r", Holds::kNumbers, false}, {"v"}, {"adjoints"}};
constexpr std::string_view kRowsParameters[] = {"COUNT", "M", "N", "K", "FROM", "TO"};
constexpr LinalgKernel kRows = {
    .function = "reflect_rows", .file = "reflect.glsl", .buffers = kRowsBuffers, .parameters = kRowsParameters};

constexpr LinalgBuffer kFactorBuffers[] = {{"s", Holds::kNumbers, false}, {"factors", Holds::kParts, false}, {"to"}};
constexpr std::string_view kFactorParameters[] = {"COUNT", "WIDTH", "K", "FROM", "ADJOINT"};
constexpr LinalgKernel kFactor = {.function = "reflect_factor",
                                  .file = "reflect.glsl",
                                  .buffers = kFactorBuffers,
                                  .parameters = kFactorParameters,
                                  .gathers = true};

constexpr LinalgBuffer kIdentityBuffers[] = {{"x"}};
constexpr std::string_view kIdentityParameters[] = {"COUNT", "ROWS", "COLUMNS"};
constexpr LinalgKernel kIdentity = {.function = "reflect_identity",
                                    .file = "reflect.glsl",
                                    .buffers = kIdentityBuffers,
                                    .parameters = kIdentityParameters};

constexpr LinalgBuffer kMinusBuffers[] = {{"x"}, {"y", Holds::kNumbers, false}};
constexpr std::string_view kMinusParameters[] = {"COUNT", "ROWS", "COLUMNS", "ROW", "COLUMN", "SETTLES"};
constexpr LinalgKernel kMinus = {.function = "reflect_minus",
                                 .file = "reflect.glsl",
                                 .buffers = kMinusBuffers,
                                 .parameters = kMinusParameters,
                                 .knows_result = true};

constexpr LinalgBuffer kConjugateBuffers[] = {{"from", Holds::kNumbers, false}, {"to"}};
constexpr std::string_view kConjugateParameters[] = {"COUNT"};
constexpr LinalgKernel kConjugate = {.function = "reflect_conjugate",
                                     .file = "reflect.glsl",
                                     .buffers = kConjugateBuffers,
                                     .parameters = kConjugateParameters};

uint32_t axis_of(const Place& place, int axis) { return static_cast<uint32_t>(place.map.shape[axis]); }

// Products of matrices of a batch: axis |left| of the one and |right| of the other are contracted.
Result<void> append_products(const Place& a, int left, const Place& b, int right, const Place& to, PlanBuilder& plan) {
  return append_product(a, b, {{left}, {0}, {right}, {0}}, to, plan);
}

}  // namespace

Result<Reflectors> reflectors_of(Dtype number, uint32_t batch, uint32_t count, uint32_t length, PlanBuilder& plan) {
  Reflectors of;
  of.count = count;
  GPU_ASSIGN(of.rows, dense_of(number, {batch, count, length}, plan));
  of.adjoints = of.rows;
  if (is_complex(number)) {
    GPU_ASSIGN(of.adjoints, dense_of(number, {batch, count, length}, plan));
  }
  GPU_ASSIGN(of.factors, dense_of(component_type(number), {batch, count}, plan));
  return of;
}

Result<void> append_reflector_rows(const Reflectors& of, const Place& r, uint32_t from, uint32_t to,
                                   PlanBuilder& plan) {
  GPU_ASSIGN(const Matrices size, matrices_of(r.map.shape, plan));
  const LinalgRun run{&kRows, r.dtype, uint64_t{size.count} * (to - from) * size.rows, 0, 1};
  return append_linalg(run, {r, of.rows, of.adjoints},
                       {size.count, size.rows, size.columns, axis_of(of.rows, 1), from, to}, plan);
}

Result<void> append_conjugate(const Place& from, const Place& to, PlanBuilder& plan) {
  const auto count = static_cast<uint64_t>(element_count(from.map.shape));
  return append_linalg({&kConjugate, from.dtype, count, 0, 1}, {from, to}, {static_cast<uint32_t>(count)}, plan);
}

Result<void> append_identity(const Place& x, PlanBuilder& plan) {
  GPU_ASSIGN(const Matrices size, matrices_of(x.map.shape, plan));
  const LinalgRun run{&kIdentity, x.dtype, uint64_t{size.count} * size.rows * size.columns, 0, 1};
  return append_linalg(run, {x}, {size.count, size.rows, size.columns}, plan);
}

Result<BlockReflection> BlockReflection::over(const Reflectors& of, const Place& x, PlanBuilder& plan) {
  BlockReflection made;
  GPU_ASSIGN(const Matrices size, matrices_of(x.map.shape, plan));
  const Shape shape = {size.count, size.rows, size.columns};
  made.of_ = of;
  made.x_ = shaped(x, shape);
  const int64_t width = std::min(of.count, kPanel);
  GPU_ASSIGN(made.grams_, dense_of(x.dtype, {shape[0], width, width}, plan));
  GPU_ASSIGN(made.factor_, dense_of(x.dtype, {shape[0], width, width}, plan));
  GPU_ASSIGN(made.products_, dense_of(x.dtype, {shape[0], width, shape[2]}, plan));
  GPU_ASSIGN(made.turned_, dense_of(x.dtype, {shape[0], width, shape[2]}, plan));
  GPU_ASSIGN(made.taken_, dense_of(x.dtype, shape, plan));
  return made;
}

Result<void> BlockReflection::append(const ReflectBlock& block, PlanBuilder& plan) const {
  const uint32_t batch = axis_of(x_, 0), length = axis_of(x_, 1), columns = axis_of(x_, 2);
  // Above its first 1 a block has zeros.
  const uint32_t row = block.from + of_.shift, wide = columns - block.column, width = block.to - block.from;
  if (wide == 0 || row >= length) return {};
  const auto vectors = [&](const Place& all) {
    return part_of(all, {0, block.from, row}, {batch, width, length - row});
  };
  const Place v = vectors(of_.rows), adjoint = vectors(of_.adjoints);
  const Place x = part_of(x_, {0, row, block.column}, {batch, length - row, wide});
  const Place grams = shaped(grams_, {batch, width, width}), factor = shaped(factor_, {batch, width, width});
  GPU_TRY(append_products(adjoint, 2, v, 2, grams, plan));
  const LinalgRun run{&kFactor, x.dtype, batch, static_cast<double>(batch) * width * width,
                      uint64_t{width} * (width + 1)};
  GPU_TRY(append_linalg(run, {grams, of_.factors, factor},
                        {batch, width, axis_of(of_.factors, 1), block.from, block.back ? 0U : 1U}, plan));
  const Place products = shaped(products_, {batch, width, wide}), turned = shaped(turned_, {batch, width, wide});
  GPU_TRY(append_products(adjoint, 2, x, 1, products, plan));
  GPU_TRY(append_products(factor, 2, products, 1, turned, plan));
  const Place taken = shaped(taken_, {batch, length - row, wide});
  GPU_TRY(append_products(v, 1, turned, 1, taken, plan));
  const LinalgRun minus{&kMinus, x.dtype, uint64_t{batch} * (length - row) * wide, 0, 1};
  return append_linalg(minus, {x_, taken}, {batch, length, columns, row, block.column, block.settles ? 1U : 0U}, plan);
}

Result<void> BlockReflection::append_all_back(bool narrows, PlanBuilder& plan) const {
  for (uint32_t to = of_.count; to > 0;) {
    const uint32_t from = (to - 1) / kPanel * kPanel;
    GPU_TRY(append({from, to, narrows ? from : 0, true, from == 0}, plan));
    to = from;
  }
  return {};
}

}  // namespace gpu_node::kernels
