// Plans window_sum, window_product, window_max, window_min and window_reduce: reductions over a view in which every
// window is a row. A window's elements are read where they lie; only what is padded is written anew.
#include <algorithm>
#include <limits>

#include "kernels/families.h"
#include "kernels/move/moves.h"
#include "kernels/reduce/fold.h"
#include "kernels/reduce/reduction.h"
#include "kernels/window/windows.h"

namespace gpu_node::kernels {
namespace {

Accumulator windowed_by(ir::Code code) {
  switch (code) {
    case ir::Code::kWindowSum:
      return Accumulator::kSum;
    case ir::Code::kWindowProduct:
      return Accumulator::kProduct;
    case ir::Code::kWindowMax:
      return Accumulator::kMax;
    default:
      return Accumulator::kMin;
  }
}

// The least number of |type|, or its greatest.
Scalar end_of(Dtype type, bool least) {
  const DtypeInfo& info = dtype_info(type);
  if (type == Dtype::f8_e4m3fn) return {type, least ? -448.0 : 448.0};
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (info.kind == DtypeKind::kFloat) return {type, least ? -kInfinity : kInfinity};
  if (info.kind == DtypeKind::kUnsigned) return {type, least ? uint64_t{0} : ~uint64_t{0} >> (64 - info.bits)};
  const auto most = static_cast<int64_t>(~uint64_t{0} >> (65 - info.bits));
  return {type, least ? -most - 1 : most};
}

// What changes nothing.
Scalar neutral(Accumulator accumulator, Dtype type) {
  switch (accumulator) {
    case Accumulator::kSum:
      return Scalar{Dtype::u8, uint64_t{0}};
    case Accumulator::kProduct:
      return Scalar{Dtype::u8, uint64_t{1}};
    default:
      return end_of(type, accumulator == Accumulator::kMax);
  }
}

}  // namespace

Result<Place> padded(const Place& from, const ir::Padding& padding, const Source& value, PlanBuilder& plan) {
  Shape shape;
  bool changes = false;
  for (int d = 0; d < from.map.shape.size(); ++d) {
    const auto& [low, high, interior] = padding[static_cast<size_t>(d)];
    changes = changes || low != 0 || high != 0 || interior != 0;
    shape.push_back(from.map.shape[d] + low + high + std::max<int64_t>(0, from.map.shape[d] - 1) * interior);
  }
  if (!changes) return from;
  const Place place = plan.add_scratch(from.dtype, shape);
  if (element_count(shape) > 0) GPU_TRY(append_pad(from, value, padding, place, plan));
  return place;
}

namespace {

// |from| as its windows, |places| of them, then what lies in each.
template <typename Given>
Place windows_of(const Place& from, const Given& given, const Shape& places) {
  Place rows = from;
  rows.map.shape = places;
  const int rank = places.size();
  for (int d = 0; d < rank; ++d) rows.map.strides[d] = from.map.strides[d] * (given.strides ? (*given.strides)[d] : 1);
  for (int d = 0; d < rank; ++d) {
    rows.map.shape.push_back(given.window[d]);
    rows.map.strides.push_back(from.map.strides[d] * (given.window_dilations ? (*given.window_dilations)[d] : 1));
  }
  return rows;
}

// The axes behind |rank| others, as many.
Dims within(int rank) {
  Dims axes;
  for (int d = 0; d < rank; ++d) axes.push_back(rank + d);
  return axes;
}

}  // namespace

Result<void> plan_window(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan) {
  const auto& given = instruction.attributes.as<ir::WindowAttributes>();
  const Accumulator accumulator = windowed_by(instruction.op->code);
  const Place& to = plan.result();
  GPU_ASSIGN(const Place from,
             padded(plan.placed(source_of(operands[0], 0)), given.padding, neutral(accumulator, to.dtype), plan));
  const Place rows = windows_of(from, given, to.map.shape);
  return append_reduction(reduction_of(accumulator, to.dtype, rows, within(to.map.shape.size())), to, plan);
}

Result<void> plan_window_fold(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan) {
  const auto& given = instruction.attributes.as<ir::WindowFoldAttributes>();
  const Place& to = plan.result();
  const Source acc = source_of(operands[1], 1);
  GPU_ASSIGN(const Place from, padded(plan.placed(source_of(operands[0], 0)), given.padding, acc, plan));
  return append_fold({given.function, windows_of(from, given, to.map.shape), within(to.map.shape.size()), acc}, to,
                     plan);
}

}  // namespace gpu_node::kernels
