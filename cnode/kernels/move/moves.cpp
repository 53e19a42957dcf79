#include "kernels/move/moves.h"

#include <algorithm>
#include <limits>

#include "base/divide_up.h"
#include "kernels/bits.h"
#include "kernels/box.h"
#include "kernels/elementwise/block.h"
#include "kernels/glsl/position_text.h"
#include "kernels/move/move_shader.h"

namespace gpu_node::kernels {
namespace {

using Kind = MoveKernel::Kind;

// A move before it is cut into dispatches. The box's places are those of MoveKernel.
struct Move {
  MoveKernel kernel;
  const Columns& columns;
  Box box;
  size_t named = 0;           // the place that the columns move
  int word = 1;               // of the named place, in an element
  Dims last_strides;          // of the columns in |last|
  std::optional<Place> last;  // by the places that are named, or those that rows name
};

// What the named place may touch: all that the indices can say.
Reach named_reach(const Move& move, const Box& box) {
  Reach reach = box.reach(move.named);
  for (const Column& column : move.columns) reach.extend(column.most + 1, column.stride * move.word);
  return reach;
}

int64_t most_of(const Column& column) {
  const Dtype type = column.indices.dtype;
  // What the index's type cannot say need not be compared with.
  return dtype_info(type).compute == ComputeType::kI32
             ? std::min<int64_t>(column.most, std::numeric_limits<int32_t>::max())
             : column.most;
}

void add_place_words(const Box& box, size_t place, int64_t offset, uint32_t rank, SmallList<uint32_t, 32>& words) {
  words.push_back(static_cast<uint32_t>(offset));
  for (size_t a = box.axes.size(); a < rank; ++a) words.push_back(0);
  for (const Axis& axis : box.axes) words.push_back(static_cast<uint32_t>(axis.strides[place]));
}

Result<void> append_part(const Move& move, const Box& box, PlanBuilder& plan) {
  MoveKernel kernel = move.kernel;
  kernel.rank = kernel_rank(box.axes.size());
  SmallList<uint32_t, 32> words = {static_cast<uint32_t>(box.elements())};
  for (size_t a = box.axes.size(); a < kernel.rank; ++a) words.push_back(1);
  for (const Axis& axis : box.axes) words.push_back(static_cast<uint32_t>(axis.size));
  Dispatch dispatch;
  std::optional<Binding> to;
  for (size_t p = 0; p < kernel.places(); ++p) {
    const bool is_to = kernel.moves() && p == 1 + kernel.columns.size();
    if (p > 1 + kernel.columns.size()) {  // the row's number
      add_place_words(box, p, box.origins[p].offset, kernel.rank, words);
      continue;
    }
    const Reach reach = kernel.moves() && p == move.named ? named_reach(move, box) : box.reach(p);
    const Bound bound = plan.bind(box.origins[p], reach, is_to);
    if (!plan.fits_range(bound.binding.size_bytes))
      return plan.unsupported(concat("indices may name any of ", bound.binding.size_bytes,
                                     " bytes, above the device's storage range of ", plan.device().max_storage_range,
                                     " bytes"));
    add_place_words(box, p, bound.offset, kernel.rank, words);
    if (is_to)
      to = bound.binding;
    else
      dispatch.bindings.push_back(bound.binding);
  }
  for (size_t k = 0; k < move.columns.size(); ++k) {
    const Column& column = move.columns[k];
    words.push_back(static_cast<uint32_t>(most_of(column)));
    words.push_back(static_cast<uint32_t>(column.stride * move.word));
    if (kernel.names()) words.push_back(static_cast<uint32_t>(move.last_strides[static_cast<int>(k)]));
  }
  if (move.last) {
    GPU_ASSIGN(const Bound last, plan.bind(*move.last, kernel.writes_last()));
    dispatch.bindings.push_back(last.binding);
  }
  if (to) dispatch.bindings.push_back(*to);
  dispatch.key = kernel.key();
  dispatch.emit = [kernel, &device = plan.device()] { return kernel.emit(device); };
  plan.set_parameters(words.span(), dispatch);
  plan.set_grid(static_cast<uint64_t>(box.elements()), element_local_size(plan.device()), dispatch);
  return plan.append(std::move(dispatch));
}

Result<void> append_move(Move&& move, PlanBuilder& plan) {
  for (const Column& column : move.columns) move.kernel.columns.push_back(column.indices.dtype);
  if (move.kernel.moves())
    GPU_TRY(move_bits(move.box, {move.kernel.element, move.word}, {0, 1 + move.columns.size()}, plan));
  merge_axes(move.box.axes);
  if (fits(move.box, plan)) return append_part(move, move.box, plan);
  if (!move.kernel.moves())
    return plan.unsupported(concat(move.box.elements(), " rows of indices are above the device's storage range"));
  GPU_ASSIGN(std::vector<Box> boxes, cut(std::move(move.box), plan));
  for (Box& part : boxes) {
    merge_axes(part.axes);
    GPU_TRY(append_part(move, part, plan));
  }
  return {};
}

// The walk over |shape| with the places that move elements do: from, the columns, to.
Result<Move> moving(Kind kind, const Place& from, const Columns& columns, const Place& to, const Shape& shape,
                    PlanBuilder& plan) {
  GPU_ASSIGN(const Bits bits, bits_of(to.dtype, plan));
  Move move{{kind, bits.type, {}, 2}, columns, Box(shape), 0, bits.words, {}, {}};
  move.box.add(from);
  for (const Column& column : columns) move.box.add(column.indices);
  move.box.add(to);
  move.named = kind == Kind::kGather ? 0 : 1 + columns.size();
  return move;
}

// What rows of the shape |outer| name, into |last|.
Result<void> append_naming(Kind kind, const Columns& columns, const Shape& outer, const Dims& strides,
                           const Place& last, PlanBuilder& plan) {
  // A column varies along the rows alone.
  Columns of_rows = columns;
  for (Column& column : of_rows) {
    column.indices.map.shape.truncate(outer.size());
    column.indices.map.strides.truncate(outer.size());
  }
  Move naming{{kind, Dtype::u32, {}, 2}, of_rows, Box(outer), 0, 1, strides, last};
  for (const Column& column : of_rows) naming.box.add(column.indices);
  return append_move(std::move(naming), plan);
}

}  // namespace

Result<void> append_pad(Place from, const Source& value, const ir::Padding& padding, const Place& to,
                        PlanBuilder& plan) {
  Place part = to;
  bool covers = true;
  for (int d = 0; d < from.map.shape.size(); ++d) {
    // Elements |first| and on that the result has, each |step| behind the one before.
    const ir::Edges& edges = padding[static_cast<size_t>(d)];
    const int64_t step = edges.interior + 1, size = to.map.shape[d];
    const int64_t first = edges.low < 0 ? divide_up(-edges.low, step) : 0;
    const int64_t behind = size - edges.low;  // where the result ends, from element 0 on
    const int64_t end = std::min(from.map.shape[d], behind > 0 ? divide_up(behind, step) : 0);
    const int64_t count = std::max<int64_t>(0, end - first);
    covers = covers && count == size;
    from.map.offset += count > 0 ? first * from.map.strides[d] : 0;
    from.map.shape[d] = count;
    part.map.offset += count > 0 ? (edges.low + first * step) * part.map.strides[d] : 0;
    part.map.shape[d] = count;
    part.map.strides[d] *= step;
  }
  if (!covers) {
    Source everywhere = value;
    if (auto* place = std::get_if<Place>(&everywhere)) place->map = broadcast_to(place->map, to.map.shape, {});
    GPU_TRY(append_conversion(everywhere, to, plan));
  }
  return element_count(from.map.shape) > 0 ? append_conversion(from, part, plan) : Result<void>();
}

Result<void> append_gather(const Place& from, const Columns& columns, const Place& to, PlanBuilder& plan) {
  GPU_ASSIGN(Move move, moving(Kind::kGather, from, columns, to, to.map.shape, plan));
  return append_move(std::move(move), plan);
}

Result<void> append_scatter(const Place& from, const Columns& columns, const Place& to, PlanBuilder& plan) {
  GPU_ASSIGN(Move move, moving(Kind::kScatter, from, columns, to, from.map.shape, plan));
  return append_move(std::move(move), plan);
}

Result<void> append_scatter_last(const Place& from, const Columns& columns, int rows, const Dims& extents,
                                 const Place& to, PlanBuilder& plan) {
  Shape outer;
  for (int d = 0; d < rows; ++d) outer.push_back(from.map.shape[d]);
  if (element_count(outer) == 1) return append_scatter(from, columns, to, plan);
  // Who is last in each place that may be named.
  const int64_t places = element_count(extents);
  if (!plan.fits_range(static_cast<uint64_t>(places) * sizeof(uint32_t)) ||
      element_count(outer) >= std::numeric_limits<uint32_t>::max())
    return plan.unsupported(concat("indices ", shape_text(outer), " into ", shape_text(extents),
                                   " need more than the device's storage range of ", plan.device().max_storage_range,
                                   " bytes to find the last in each place"));
  const Place last = plan.add_scratch(Dtype::u32, {places});
  GPU_TRY(append_fill(Scalar{Dtype::u32, uint64_t{0}}, last, plan));
  GPU_TRY(append_naming(Kind::kClaim, columns, outer, row_major_strides(extents), last, plan));

  GPU_ASSIGN(Move move, moving(Kind::kScatterLast, from, columns, to, from.map.shape, plan));
  move.last_strides = row_major_strides(extents);
  move.last = last;
  Place row{Binding::Kind::kScratch, 0, Dtype::u32, IndexMap::row_major(outer)};
  for (int d = rows; d < from.map.shape.size(); ++d) {
    row.map.shape.push_back(from.map.shape[d]);
    row.map.strides.push_back(0);
  }
  move.box.add(row);
  return append_move(std::move(move), plan);
}

Result<void> append_places(const Columns& columns, const Shape& rows, const Dims& steps, const Place& to,
                           PlanBuilder& plan) {
  return append_naming(Kind::kPlaces, columns, rows, steps, to, plan);
}

}  // namespace gpu_node::kernels
