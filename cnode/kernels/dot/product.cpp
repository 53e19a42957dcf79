// Thin products (a vector on one side, or few rows or columns) are reductions of products; the others go by tiles. The
// contraction is split into parts where the device would idle, where a running sum of floats would grow longer than
// kMaxFloatRun, and where an invocation would loop too often; the parts are added with compensation.
#include "kernels/dot/product.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "base/divide_up.h"
#include "kernels/dot/dot_shader.h"
#include "kernels/elementwise/block.h"
#include "kernels/reduce/reduction.h"
#include "scalar/computing.h"

namespace gpu_node::kernels {
namespace {

constexpr int64_t kThin = 16;  // below so many rows or columns most of a tile would be empty
// Products added one by one before a part ends. The error of such a run grows with its length; 4,096 keeps f32 near one
// part in a million of the sum of magnitudes.
constexpr int64_t kMaxFloatRun = 4096;
constexpr int64_t kMaxRun = 32768;  // of other types: an iteration each and one per tile stay within the bound on loops
constexpr int64_t kMinRun = 256;    // parts for parallelism are not made shorter
constexpr double kProductsOfUnit = 16;  // what tiles multiply in the time that an element of other kernels takes
constexpr int64_t kMaxExtent = int64_t{1} << 31;

// A product with its axes sorted by what they do. The first stride of each is the left place's, the second the right's.
struct Product {
  Axes batch, rows, columns, depth;
  Place left, right;
  Dtype element = Dtype::f32;  // what is added up
  int64_t batches = 1, row_count = 1, column_count = 1, depth_count = 1;
  std::array<int, 3> groups = {0, 0, 0};  // axes of the result that are batch, rows, columns

  int64_t elements() const { return batches * row_count * column_count; }
};

bool contains(const Dims& dims, int axis) { return std::find(dims.begin(), dims.end(), axis) != dims.end(); }

Axes paired(const IndexMap& left, const Dims& left_axes, const IndexMap& right, const Dims& right_axes) {
  Axes axes;
  for (int i = 0; i < left_axes.size(); ++i) {
    const auto l = static_cast<int>(left_axes[i]), r = static_cast<int>(right_axes[i]);
    axes.push_back({left.shape[l], {left.strides[l], right.strides[r]}});
  }
  return axes;
}

Axes free_axes(const IndexMap& map, const Dims& contract, const Dims& batch, bool is_left) {
  Axes axes;
  for (int d = 0; d < map.shape.size(); ++d)
    if (!contains(contract, d) && !contains(batch, d))
      axes.push_back({map.shape[d], {is_left ? map.strides[d] : 0, is_left ? 0 : map.strides[d]}});
  return axes;
}

Product sort_product(const Place& left, const Place& right, const ProductAxes& axes, Dtype element) {
  Product product;
  product.left = left;
  product.right = right;
  product.element = element;
  product.batch = paired(left.map, axes.batch_left, right.map, axes.batch_right);
  product.depth = paired(left.map, axes.contract_left, right.map, axes.contract_right);
  product.rows = free_axes(left.map, axes.contract_left, axes.batch_left, true);
  product.columns = free_axes(right.map, axes.contract_right, axes.batch_right, false);
  product.batches = count_of(product.batch);
  product.row_count = count_of(product.rows);
  product.column_count = count_of(product.columns);
  product.depth_count = count_of(product.depth);
  product.groups = {static_cast<int>(product.batch.size()), static_cast<int>(product.rows.size()),
                    static_cast<int>(product.columns.size())};
  sort_axes(product.depth);
  for (Axes* each : {&product.batch, &product.depth, &product.rows, &product.columns}) merge_axes(*each);
  return product;
}

bool is_thin(const Product& product) {
  return std::min(product.row_count, product.column_count) < kThin || product.depth_count == 0;
}

Reduction reduction_of(Product product) {
  Reduction reduction;
  reduction.element = product.element;
  reduction.sources = {std::move(product.left), std::move(product.right)};
  for (const Axes* axes : {&product.batch, &product.rows, &product.columns})
    reduction.kept.append(axes->begin(), axes->end());
  reduction.reduced = std::move(product.depth);
  return reduction;
}

int64_t tiles_of(const Product& product, const DotTile& tile) {
  return divide_up(product.row_count, tile.rows) * divide_up(product.column_count, tile.columns);
}

// Of a sum in its computing type.
uint32_t sum_bytes(const Product& product) {
  return static_cast<uint32_t>(dtype_size_bytes(computing_type(product.element)));
}

const DotTile& choose_tile(const Product& product, const vulkan::DeviceInfo& device) {
  const uint32_t bytes = sum_bytes(product);
  for (const DotVariant& variant : kDotVariants) {
    if (bytes >= 8 && !variant.wide) continue;
    const DotTile& tile = variant.tile;
    const bool fits = tile.shared_bytes(bytes) <= device.shared_memory_bytes &&
                      tile.invocations() <= device.max_workgroup_invocations;
    if (fits && product.batches * tiles_of(product, tile) >= variant.enough) return tile;
  }
  return std::rbegin(kDotVariants)->tile;
}

int64_t choose_chunk(const Product& product, const DotTile& tile, const PlanBuilder& plan) {
  const bool rounds = !is_integer(product.element) && component_type(product.element) != Dtype::f64;
  int64_t most = rounds ? kMaxFloatRun : kMaxRun;
  const auto part_bytes = [&](int64_t run) {
    return static_cast<uint64_t>(product.elements()) * static_cast<uint64_t>(divide_up(product.depth_count, run)) *
           sum_bytes(product);
  };
  // Longer runs rather than more parts than a buffer holds.
  while (most < kMaxRun && product.depth_count > most && !plan.fits_range(part_bytes(most))) most *= 2;
  const int64_t groups = product.batches * tiles_of(product, tile);
  const int64_t wanted = std::min(divide_up(kBusyGroups, groups), std::max<int64_t>(product.depth_count / kMinRun, 1));
  const int64_t parts = std::max(wanted, divide_up(product.depth_count, most));
  return std::min(divide_up(divide_up(product.depth_count, parts), tile.depth) * tile.depth, most);
}

// A product by tiles: its kernel, how the contraction is cut, and where it begins in the bound sources.
struct Tiling {
  DotPass pass;
  int64_t chunk = 0, parts = 1;
  std::array<Bound, 2> sources;
  std::vector<Binding> outcome;         // what is written, and what an epilogue takes
  std::vector<uint32_t> outcome_words;  // and has of the parameters
};

SmallList<uint32_t, 32> parameters(const Product& product, const Tiling& tiling, int64_t first_batch) {
  SmallList<uint32_t, 32> words;
  const auto put = [&words](int64_t value) { words.push_back(static_cast<uint32_t>(value)); };
  for (int64_t value : {product.row_count, product.column_count, product.depth_count, tiling.chunk, tiling.parts,
                        first_batch, product.batches, tiling.sources[0].offset, tiling.sources[1].offset})
    put(value);
  const auto put_axes = [&put](const Axes& axes, bool left, bool right) {
    for (const Axis& axis : axes) {
      put(axis.size);
      if (left) put(axis.strides[0]);
      if (right) put(axis.strides[1]);
    }
  };
  put_axes(product.batch, true, true);
  put_axes(product.rows, true, false);
  put_axes(product.columns, false, true);
  put_axes(product.depth, true, true);
  words.append(tiling.outcome_words.begin(), tiling.outcome_words.end());
  return words;
}

DotPass make_pass(const Product& product, const vulkan::DeviceInfo& device) {
  DotPass pass;
  pass.sources = {product.left.dtype, product.right.dtype};
  pass.element = product.element;
  pass.tile = choose_tile(product, device);
  pass.deep = {closest_stride(product.depth, 0) <= closest_stride(product.rows, 0),
               closest_stride(product.depth, 1) <= closest_stride(product.columns, 1)};
  pass.batch_rank = static_cast<uint32_t>(product.batch.size());
  pass.row_rank = static_cast<uint32_t>(product.rows.size());
  pass.column_rank = static_cast<uint32_t>(product.columns.size());
  pass.depth_rank = static_cast<uint32_t>(product.depth.size());
  return pass;
}

// Appends the dispatches of |tiling|: the results, or their parts.
Result<void> append_tiles(const Product& product, const Tiling& tiling, PlanBuilder& plan) {
  const vulkan::DeviceInfo& device = plan.device();
  const int64_t tiles = tiles_of(product, tiling.pass.tile);
  const int64_t groups_x = std::min<int64_t>(tiles, device.max_groups[0]);
  if (tiling.parts > device.max_groups[2] || divide_up(tiles, groups_x) > device.max_groups[1])
    return plan.unsupported(concat(tiles, " tiles in ", tiling.parts, " parts exceed the device's workgroup counts"));
  // Batches beyond the device's third workgroup count go into further dispatches.
  const int64_t batches_at_once = device.max_groups[2] / tiling.parts;
  for (int64_t first = 0; first < product.batches; first += batches_at_once) {
    Dispatch dispatch;
    dispatch.key = tiling.pass.key();
    dispatch.emit = [pass = tiling.pass, device = &device] { return pass.emit(*device); };
    dispatch.bindings = {tiling.sources[0].binding, tiling.sources[1].binding};
    dispatch.bindings.insert(dispatch.bindings.end(), tiling.outcome.begin(), tiling.outcome.end());
    const auto words = parameters(product, tiling, first);
    plan.set_parameters({words.begin(), words.size()}, dispatch);
    dispatch.grid.groups[0] = static_cast<uint32_t>(groups_x);
    dispatch.grid.groups[1] = static_cast<uint32_t>(divide_up(tiles, groups_x));
    const int64_t batches = std::min(batches_at_once, product.batches - first);
    dispatch.grid.groups[2] = static_cast<uint32_t>(batches * tiling.parts);
    dispatch.grid.units = static_cast<double>(product.elements()) * static_cast<double>(product.depth_count) *
                          static_cast<double>(batches) / static_cast<double>(product.batches) / kProductsOfUnit;
    GPU_TRY(plan.append(std::move(dispatch)));
  }
  return {};
}

// What products of |left| and |right| are added up as: |result|, or f64 where that has no place for every number of
// theirs.
Result<Dtype> element_of(Dtype left, Dtype right, Dtype result, const PlanBuilder& plan) {
  const Dtype own = computing_type(result);
  if (is_integer(result) || (scalar::holds(own, left) && scalar::holds(own, right))) return result;
  if (plan.device().has_f64) return is_complex(result) ? Dtype::c128 : Dtype::f64;
  return plan.unsupported(concat("of ", dtype_name(left), ", ", dtype_name(right), " to ", dtype_name(result),
                                 " is computed in 64-bit floats (shaderFloat64), which the device lacks (device ",
                                 plan.device().name, ")"));
}

// The smallest step in |map| between neighbours along the axes from |first| to |end|.
int64_t closest_along(const IndexMap& map, int first, int end) {
  Axes axes;
  for (int d = first; d < end; ++d) axes.push_back({map.shape[d], {map.strides[d]}});
  return closest_stride(axes, 0);
}

// The product of the right place and the left one, whose rows are the columns, and the epilogue of that.
void turn(Product& product, Epilogue& epilogue) {
  std::swap(product.left, product.right);
  std::swap(product.rows, product.columns);
  std::swap(product.row_count, product.column_count);
  for (Axes* axes : {&product.batch, &product.rows, &product.columns, &product.depth})
    for (Axis& axis : *axes) std::swap(axis.strides[0], axis.strides[1]);
  const auto [batch, rows, columns] = product.groups;
  Dims order;
  for (int d = 0; d < batch; ++d) order.push_back(d);
  for (int d = 0; d < columns; ++d) order.push_back(batch + rows + d);
  for (int d = 0; d < rows; ++d) order.push_back(batch + d);
  product.groups = {batch, columns, rows};
  for (BlockInput& input : epilogue.inputs) {
    if (auto* place = std::get_if<Place>(&input)) place->map = transposed(place->map, order);
    if (auto* counter = std::get_if<ir::Counter>(&input)) counter->map = transposed(counter->map, order);
  }
  for (Place& place : epilogue.to) place.map = transposed(place.map, order);
}

// Whether all that |epilogue| writes lies closer along the rows of |product| than along its columns, along which
// neighbours in a workgroup lie.
bool lies_by_rows(const Product& product, const Epilogue& epilogue) {
  const int rows = product.groups[0], columns = rows + product.groups[1], end = columns + product.groups[2];
  return std::all_of(epilogue.to.begin(), epilogue.to.end(), [&](const Place& place) {
    return closest_along(place.map, rows, columns) < closest_along(place.map, columns, end);
  });
}

Result<void> append_tiled(const Product& product, const Place& to, const Epilogue* epilogue, PlanBuilder& plan) {
  Tiling tiling;
  GPU_ASSIGN(tiling.sources[0], plan.bind(product.left, false));
  GPU_ASSIGN(tiling.sources[1], plan.bind(product.right, false));
  tiling.pass = make_pass(product, plan.device());
  tiling.chunk = choose_chunk(product, tiling.pass.tile, plan);
  tiling.parts = divide_up(product.depth_count, tiling.chunk);
  tiling.pass.writes_parts = tiling.parts > 1 || product.element != to.dtype;
  if (!tiling.pass.writes_parts && epilogue != nullptr) {
    GPU_ASSIGN(BoundEpilogue bound, bind_epilogue(*epilogue, product.groups, plan));
    tiling.pass.epilogue = std::move(bound.code);
    tiling.outcome = std::move(bound.bindings);
    tiling.outcome_words = std::move(bound.words);
    return append_tiles(product, tiling, plan);
  }
  if (!tiling.pass.writes_parts) {
    GPU_ASSIGN(const Bound result, plan.bind(to, true));
    tiling.outcome = {result.binding};
    return append_tiles(product, tiling, plan);
  }
  const int64_t elements = product.elements();
  GPU_ASSIGN(const uint32_t scratch, plan.add_parts(tiling.parts, elements, sum_bytes(product)));
  tiling.outcome = {of_scratch(scratch, true)};
  GPU_TRY(append_tiles(product, tiling, plan));
  const Dtype sum = computing_type(product.element);
  const Place parts{Binding::Kind::kScratch, scratch, sum, IndexMap::row_major({tiling.parts, elements})};
  return append_reduction(reduction_of(Accumulator::kSum, sum, parts, {0}), to, plan, epilogue);
}

// The product to a place, from which |epilogue| takes it.
Result<void> append_apart(const Place& left, const Place& right, const ProductAxes& axes, const Place& to,
                          const Epilogue& epilogue, PlanBuilder& plan) {
  const Place* own = place_of_element(epilogue);
  const Place from = own != nullptr ? *own : plan.add_scratch(to.dtype, to.map.shape);
  GPU_TRY(append_product(left, right, axes, from, plan));
  return append_epilogue(epilogue, from, plan);
}

Result<Product> sorted_product(const Place& left, const Place& right, const ProductAxes& axes, Dtype result,
                               const PlanBuilder& plan) {
  GPU_ASSIGN(const Dtype element, element_of(left.dtype, right.dtype, result, plan));
  Product product = sort_product(left, right, axes, element);
  for (int64_t extent : {product.batches, product.row_count, product.column_count, product.depth_count})
    if (extent >= kMaxExtent)
      return plan.unsupported(concat(product.batches, " batches of ", product.row_count, " rows, ",
                                     product.column_count, " columns and ", product.depth_count,
                                     " contracted elements; at most 2147483647 of each are supported"));
  return product;
}

}  // namespace

Result<void> append_product(const Place& left, const Place& right, const ProductAxes& axes, const Place& to,
                            PlanBuilder& plan, const Epilogue* epilogue) {
  // The most that a pass binds beside: two sources, or a sum and what it lost, and parameters.
  constexpr size_t kOthers = 3;
  if (epilogue != nullptr && !fits_kernel(*epilogue, kOthers, plan))
    return append_apart(left, right, axes, to, *epilogue, plan);
  GPU_ASSIGN(Product product, sorted_product(left, right, axes, to.dtype, plan));
  if (is_thin(product)) return append_reduction(reduction_of(std::move(product)), to, plan, epilogue);
  if (epilogue == nullptr)
    return write_dense(to, plan, [&](const Place& dense) { return append_tiled(product, dense, nullptr, plan); });
  Epilogue turned = *epilogue;
  if (lies_by_rows(product, turned)) turn(product, turned);
  return append_tiled(product, to, &turned, plan);
}

Result<std::optional<Reduction>> thin_product(const Place& left, const Place& right, const ProductAxes& axes,
                                              Dtype result, const PlanBuilder& plan) {
  GPU_ASSIGN(Product product, sorted_product(left, right, axes, result, plan));
  if (!is_thin(product)) return std::optional<Reduction>();
  return std::optional(reduction_of(std::move(product)));
}

}  // namespace gpu_node::kernels
