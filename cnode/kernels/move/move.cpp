// Plans pad, put_slice, gather, take, take_along_axis, indexed_put and indexed_add: as copies into parts, gathers,
// scatters and sums of the updates of each place.
#include <algorithm>
#include <bit>
#include <numeric>

#include "kernels/elementwise/block.h"
#include "kernels/families.h"
#include "kernels/move/moves.h"
#include "kernels/order/radix.h"
#include "kernels/reduce/segments.h"

namespace gpu_node::kernels {
namespace {

// |source| as a place of |dtype|.
Result<Place> converted_place(const Source& source, Dtype dtype, PlanBuilder& plan) {
  const Place place = plan.placed(source);
  if (place.dtype == dtype) return place;
  const Place made = plan.add_scratch(dtype, place.map.shape);
  GPU_TRY(append_conversion(source, made, plan));
  return made;
}

// |place| seen along a walk of |shape|: |strides| by the walk's axes.
Place seen(const Place& place, const Shape& shape, const Dims& strides, int64_t offset) {
  Place other = place;
  other.map = {shape, strides, offset};
  return other;
}

Dims zeros(int count) {
  Dims dims;
  for (int d = 0; d < count; ++d) dims.push_back(0);
  return dims;
}

bool contains(const Dims& axes, int axis) { return std::find(axes.begin(), axes.end(), axis) != axes.end(); }

// The axes that the last axis of indices goes over.
Dims indexed_axes(const ir::Instruction& instruction, const Shape& indices) {
  if (const auto& given = instruction.attributes.as<ir::AxesAttributes>().axes) return dims_of(*given);
  Dims axes;
  for (int64_t axis = 0; axis < indices[indices.size() - 1]; ++axis) axes.push_back(axis);
  return axes;
}

// Along a walk of |shape| that begins with the outer axes of |indices|: |place| in the walk's other axes, which are
// those of |whole| but |axes|, and a column for each of |axes|.
struct Named {
  Place place;
  Columns columns;
  Dims extents;  // of the axes
};
Named named(const Place& whole, const Place& indices, const Dims& axes, const Shape& shape) {
  const int outer = indices.map.shape.size() - 1;
  Dims strides = zeros(outer), along;
  for (int d = 0; d < outer; ++d) along.push_back(indices.map.strides[d]);
  for (int d = 0; d < whole.map.shape.size(); ++d)
    if (!contains(axes, d)) strides.push_back(whole.map.strides[d]);
  while (along.size() < shape.size()) along.push_back(0);
  Named result{seen(whole, shape, strides, whole.map.offset), {}, {}};
  for (int k = 0; k < axes.size(); ++k) {
    const auto axis = static_cast<int>(axes[k]);
    const int64_t offset = indices.map.offset + k * indices.map.strides[outer];
    result.columns.push_back({seen(indices, shape, along, offset), whole.map.shape[axis] - 1, whole.map.strides[axis]});
    result.extents.push_back(whole.map.shape[axis]);
  }
  return result;
}

// The starts that operands have, as columns of |whole| along a walk of |shape|; the others move |whole| itself.
Columns columns_of(const ir::Starts& starts, const Dims& lengths, std::span<const Arg> operands, size_t first,
                   const Shape& shape, Place& whole, PlanBuilder& plan) {
  Columns columns;
  for (int d = 0; d < starts.values.size(); ++d) {
    const int64_t most = whole.map.shape[d] - lengths[d];
    const int64_t stride = whole.map.strides[d];
    if (starts.values[d] != ir::Starts::kOperand) {
      whole.map.offset += std::clamp<int64_t>(starts.values[d], 0, most) * stride;
      continue;
    }
    const auto operand = static_cast<uint32_t>(first + columns.size());
    const Place place = plan.placed(source_of(operands[operand], operand));
    columns.push_back({seen(place, shape, zeros(shape.size()), place.map.offset), most, stride});
  }
  return columns;
}

Result<void> plan_gather(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan) {
  const Place from = plan.placed(source_of(operands[0], 0)), indices = plan.placed(source_of(operands[1], 1));
  const Place& to = plan.result();
  const Named source = named(from, indices, indexed_axes(instruction, indices.map.shape), to.map.shape);
  return append_gather(source.place, source.columns, to, plan);
}

Result<void> plan_take(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan) {
  const auto axis = static_cast<int>(instruction.attributes.as<ir::AxisAttributes>().axis);
  const Place from = plan.placed(source_of(operands[0], 0)), indices = plan.placed(source_of(operands[1], 1));
  const Place& to = plan.result();
  const bool along = instruction.op->code == ir::Code::kTakeAlongAxis;
  Dims strides, index_strides;
  for (int d = 0; d < from.map.shape.size(); ++d) {
    const bool chosen = d == axis;
    if (along || !chosen) {
      strides.push_back(chosen ? 0 : from.map.strides[d]);
      index_strides.push_back(along ? indices.map.strides[d] : 0);
      continue;
    }
    for (const int64_t stride : indices.map.strides) {
      strides.push_back(0);
      index_strides.push_back(stride);
    }
  }
  const Shape& shape = to.map.shape;
  const Column column{seen(indices, shape, index_strides, indices.map.offset), from.map.shape[axis] - 1,
                      from.map.strides[axis]};
  return append_gather(seen(from, shape, strides, from.map.offset), {column}, to, plan);
}

Result<void> plan_indexed_put(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan) {
  const Place& to = plan.result();
  GPU_TRY(append_conversion(source_of(operands[0], 0), to, plan));
  const Place indices = plan.placed(source_of(operands[1], 1));
  GPU_ASSIGN(const Place updates, converted_place(source_of(operands[2], 2), to.dtype, plan));
  if (element_count(updates.map.shape) == 0) return {};
  const Named target = named(to, indices, indexed_axes(instruction, indices.map.shape), updates.map.shape);
  return append_scatter_last(updates, target.columns, indices.map.shape.size() - 1, target.extents, target.place, plan);
}

Result<void> plan_put_slice(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan) {
  const Place& to = plan.result();
  const Source slice = source_of(operands[1], 1);
  GPU_TRY(append_conversion(source_of(operands[0], 0), to, plan));
  const Shape shape = plan.placed(slice).map.shape;
  if (element_count(shape) == 0) return {};
  Place part = to;
  const Columns columns =
      columns_of(instruction.attributes.as<ir::PutSliceAttributes>().starts, shape, operands, 2, shape, part, plan);
  part.map.shape = shape;
  if (columns.empty()) return append_conversion(slice, part, plan);
  GPU_ASSIGN(const Place from, converted_place(slice, to.dtype, plan));
  return append_scatter(from, columns, part, plan);
}

Result<void> plan_pad(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan) {
  return append_pad(plan.placed(source_of(operands[0], 0)), source_of(operands[1], 1),
                    instruction.attributes.as<ir::PadAttributes>().padding, plan.result(), plan);
}

}  // namespace

Result<void> plan_slice(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan) {
  const auto& [starts, lengths, strides] = instruction.attributes.as<ir::SliceAttributes>();
  const Place& to = plan.result();
  Place from = plan.placed(source_of(operands[0], 0));
  const Columns columns = columns_of(starts, lengths, operands, 1, to.map.shape, from, plan);
  from.map.shape = to.map.shape;
  for (int d = 0; strides && d < strides->size(); ++d) from.map.strides[d] *= (*strides)[d];
  return append_gather(from, columns, to, plan);
}

// Rows of updates are numbered by the place that they name: the element of the result that it begins with, in steps
// that all places have in common. Few are then summed up as they lie; many are put in order first, in which rows of one
// place follow each other as they did, so that sums depend on nothing but their positions.
Result<void> plan_indexed_add(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan) {
  const Place& to = plan.result();
  GPU_TRY(append_conversion(source_of(operands[0], 0), to, plan));
  const Place indices = plan.placed(source_of(operands[1], 1)), updates = plan.placed(source_of(operands[2], 2));
  const Shape& shape = updates.map.shape;
  if (element_count(shape) == 0) return {};
  const Named target = named(to, indices, indexed_axes(instruction, indices.map.shape), shape);
  SegmentSums sums{.updates = updates, .target = target.place, .outer = indices.map.shape.size() - 1};
  int64_t common = 0;
  for (const Column& column : target.columns)
    if (column.most > 0) common = std::gcd(common, column.stride);
  sums.step = std::max<int64_t>(common, 1);
  Dims steps;
  for (const Column& column : target.columns) {
    steps.push_back(column.stride / sums.step);
    sums.greatest += column.most * column.stride / sums.step;
  }
  Shape rows = shape;
  rows.truncate(sums.outer);
  const int64_t count = element_count(rows);
  if (count >= int64_t{1} << 31 || sums.greatest >= int64_t{1} << 32)
    return plan.unsupported(concat(count, " rows of indices into ", type_text(to.dtype, to.map.shape),
                                   "; less than 2^31 rows and 2^32 places are supported"));
  const Place places = plan.add_scratch(Dtype::u32, rows);
  GPU_TRY(append_places(target.columns, rows, steps, places, plan));
  sums.keys = places.index;
  if (count > kFewRows || element_count(shape) >= int64_t{1} << 32) {
    const auto bits = static_cast<uint32_t>(std::bit_width(static_cast<uint64_t>(sums.greatest)));
    Place row = places;
    row.map = IndexMap::row_major({count});
    const Place sorted = plan.add_scratch(Dtype::u32, {count}), order = plan.add_scratch(Dtype::u32, {count});
    GPU_TRY(append_radix(row, {.bits = std::max(bits, 1u), .values = &sorted, .positions = &order}, plan));
    sums.keys = sorted.index;
    sums.order = order.index;
  }
  return append_segment_sums(sums, plan);
}

Result<void> plan_move(const ir::Instruction& instruction, std::span<const Arg> operands, PlanBuilder& plan) {
  switch (instruction.op->code) {
    case ir::Code::kPad:
      return plan_pad(instruction, operands, plan);
    case ir::Code::kPutSlice:
      return plan_put_slice(instruction, operands, plan);
    case ir::Code::kGather:
      return plan_gather(instruction, operands, plan);
    case ir::Code::kIndexedPut:
      return plan_indexed_put(instruction, operands, plan);
    default:
      return plan_take(instruction, operands, plan);
  }
}

}  // namespace gpu_node::kernels
