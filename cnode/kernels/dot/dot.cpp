// Plans dot: any contracting, batch and free axes of strided operands, never a physical transpose.
//
// Thin products (a vector on one side, or few rows or columns) are reductions of products; the others go by tiles. The
// contraction is split into parts where the device would idle, where a running sum of floats would grow longer than
// kMaxFloatRun, and where an invocation would loop too often; the parts are added with compensation.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string>

#include "base/divide_up.h"
#include "kernels/dot/dot_shader.h"
#include "kernels/families.h"
#include "kernels/reduce/reduce_plan.h"

namespace gpu_node::kernels {
namespace {

constexpr int64_t kThin = 16;  // below so many rows or columns most of a tile would be empty
// Products added one by one before a part ends. The error of such a run grows with its length; 4,096 keeps f32 near one
// part in a million of the sum of magnitudes.
constexpr int64_t kMaxFloatRun = 4096;
constexpr int64_t kMaxRun = 32768;  // of other types: an iteration each and one per tile stay within the bound on loops
constexpr int64_t kMinRun = 256;    // parts for parallelism are not made shorter
constexpr int64_t kBusyGroups = 256;
constexpr DotTile kLarge = {128, 128, 16, 8, 8};
constexpr DotTile kMedium = {64, 64, 16, 4, 4};
constexpr DotTile kSmall = {32, 32, 16, 4, 4};
constexpr int64_t kMaxExtent = int64_t{1} << 31;

// A dot with its axes sorted by what they do. The first stride of each is the left operand's, the second the right's.
struct Product {
  ReduceAxes batch, rows, columns, depth;
  std::array<ReduceSource, 2> sources;
  Dtype result = Dtype::f32;
  int64_t batches = 1, row_count = 1, column_count = 1, depth_count = 1;
};

int64_t count_of(const ReduceAxes& axes) {
  int64_t count = 1;
  for (const ReduceAxis& axis : axes) count *= axis.size;
  return count;
}

bool contains(const ir::Axes& axes, int axis) { return std::find(axes.begin(), axes.end(), axis) != axes.end(); }

IndexMap view_of(const Arg& arg) {
  const auto* tensor = std::get_if<TensorArg>(&arg);
  return tensor ? tensor->map : IndexMap::row_major({});
}

Product sort_product(const ir::Instruction& instruction, std::span<const Arg> operands) {
  const auto& attributes = instruction.attributes.as<ir::DotAttributes>();
  const IndexMap left = view_of(operands[0]), right = view_of(operands[1]);
  const auto pair = [&](const ir::Axes& left_axes, const ir::Axes& right_axes) {
    ReduceAxes axes;
    for (size_t i = 0; i < left_axes.size(); ++i) {
      const int l = left_axes[i], r = right_axes[i];
      axes.push_back({left.shape[l], {left.strides[l], right.strides[r]}});
    }
    return axes;
  };
  const auto free = [](const IndexMap& map, const ir::Axes& contract, const ir::Axes& batch, size_t side) {
    ReduceAxes axes;
    for (int d = 0; d < map.shape.size(); ++d) {
      if (contains(contract, d) || contains(batch, d)) continue;
      ReduceAxis axis{map.shape[d], {0, 0}};
      axis.strides[side] = map.strides[d];
      axes.push_back(axis);
    }
    return axes;
  };
  Product product;
  product.batch = pair(attributes.batch_left, attributes.batch_right);
  product.depth = pair(attributes.contract_left, attributes.contract_right);
  product.rows = free(left, attributes.contract_left, attributes.batch_left, 0);
  product.columns = free(right, attributes.contract_right, attributes.batch_right, 1);
  product.result = instruction.results[0].type.dtype;
  product.batches = count_of(product.batch);
  product.row_count = count_of(product.rows);
  product.column_count = count_of(product.columns);
  product.depth_count = count_of(product.depth);
  sort_axes(product.depth);
  for (ReduceAxes* axes : {&product.batch, &product.depth, &product.rows, &product.columns}) merge_axes(*axes);
  return product;
}

Result<void> plan_thin(Product product, const vulkan::DeviceInfo& device, Plan& plan) {
  Reduction reduction;
  reduction.op = "dot";
  reduction.accumulator = Accumulator::kSum;
  reduction.element = reduction.result = product.result;
  if (product.depth_count > 0) reduction.sources.assign(product.sources.begin(), product.sources.end());
  for (const ReduceAxes* axes : {&product.batch, &product.rows, &product.columns})
    reduction.kept.insert(reduction.kept.end(), axes->begin(), axes->end());
  reduction.reduced = std::move(product.depth);
  return append_reduction(std::move(reduction), device, plan);
}

DotTile choose_tile(const Product& product, const vulkan::DeviceInfo& device) {
  const bool wide = dtype_info(product.result).bits == 64;
  const auto groups = [&product](const DotTile& tile) {
    return product.batches * divide_up(product.row_count, tile.rows) * divide_up(product.column_count, tile.columns);
  };
  for (const DotTile& tile : {kLarge, kMedium}) {
    if (wide && tile.own_rows == 8) continue;  // sixty-four sums of 64 bits do not fit the registers
    const bool fits = tile.shared_bytes(wide ? 8 : 4) <= device.shared_memory_bytes &&
                      tile.invocations() <= device.max_workgroup_invocations;
    const int64_t enough = tile.own_rows == 8 ? kBusyGroups / 2 : kBusyGroups / 4;
    if (fits && groups(tile) >= enough) return tile;
  }
  return kSmall;
}

// The result's elements in one part, checked against what indices and buffers can hold.
Result<uint64_t> part_elements(const Product& product, int64_t parts, const vulkan::DeviceInfo& device) {
  const auto elements = static_cast<uint64_t>(product.batches) * static_cast<uint64_t>(product.row_count) *
                        static_cast<uint64_t>(product.column_count);
  const uint64_t bytes = elements * static_cast<uint64_t>(parts) * (dtype_info(product.result).bits == 64 ? 8 : 4);
  if (parts > 1 && bytes > device.max_storage_range)
    return Error{ErrorCode::kUnsupported, "dot: " + std::to_string(parts) + " partial results of " +
                                              std::to_string(elements) + " elements take " + std::to_string(bytes) +
                                              " bytes, above the device's storage range of " +
                                              std::to_string(device.max_storage_range) + " bytes"};
  return elements;
}

int64_t choose_chunk(const Product& product, const DotTile& tile, const vulkan::DeviceInfo& device) {
  const int64_t groups =
      product.batches * divide_up(product.row_count, tile.rows) * divide_up(product.column_count, tile.columns);
  const bool rounds = is_float(product.result) && product.result != Dtype::f64;
  int64_t most = rounds ? kMaxFloatRun : kMaxRun;
  // Longer runs rather than more parts than a buffer holds.
  while (most < kMaxRun && !part_elements(product, divide_up(product.depth_count, most), device).ok()) most *= 2;
  const int64_t wanted = std::min(divide_up(kBusyGroups, groups), std::max<int64_t>(product.depth_count / kMinRun, 1));
  const int64_t parts = std::max(wanted, divide_up(product.depth_count, most));
  return std::min(divide_up(divide_up(product.depth_count, parts), tile.depth) * tile.depth, most);
}

std::vector<uint32_t> parameters(const DotPass& pass, const Product& product, int64_t chunk, int64_t parts,
                                 int64_t first_batch) {
  std::vector<uint32_t> words;
  words.reserve(pass.words());
  const auto put = [&words](int64_t value) { words.push_back(static_cast<uint32_t>(value)); };
  for (int64_t value : {product.row_count, product.column_count, product.depth_count, chunk, parts, first_batch,
                        product.batches, product.sources[0].offset, product.sources[1].offset})
    put(value);
  const auto put_axes = [&put](const ReduceAxes& axes, bool left, bool right) {
    for (const ReduceAxis& axis : axes) {
      put(axis.size);
      if (left) put(axis.strides[0]);
      if (right) put(axis.strides[1]);
    }
  };
  put_axes(product.batch, true, true);
  put_axes(product.rows, true, false);
  put_axes(product.columns, false, true);
  put_axes(product.depth, true, true);
  return words;
}

int64_t closest_stride(const ReduceAxes& axes, size_t side) {
  int64_t closest = std::numeric_limits<int64_t>::max();
  for (const ReduceAxis& axis : axes)
    if (axis.strides[side] != 0) closest = std::min(closest, std::abs(axis.strides[side]));
  return closest;
}

Result<void> plan_tiles(const Product& product, const vulkan::DeviceInfo& device, Plan& plan) {
  DotPass pass;
  pass.sources = {product.sources[0].dtype, product.sources[1].dtype};
  pass.element = product.result;
  pass.tile = choose_tile(product, device);
  pass.deep = {closest_stride(product.depth, 0) <= closest_stride(product.rows, 0),
               closest_stride(product.depth, 1) <= closest_stride(product.columns, 1)};
  pass.batch_rank = static_cast<uint32_t>(product.batch.size());
  pass.row_rank = static_cast<uint32_t>(product.rows.size());
  pass.column_rank = static_cast<uint32_t>(product.columns.size());
  pass.depth_rank = static_cast<uint32_t>(product.depth.size());

  const int64_t chunk = choose_chunk(product, pass.tile, device);
  const int64_t parts = divide_up(product.depth_count, chunk);
  GPU_ASSIGN(const uint64_t elements, part_elements(product, parts, device));
  GPU_TRY(check_result_range("dot", product.result, static_cast<int64_t>(elements), device));
  const int64_t tiles =
      divide_up(product.row_count, pass.tile.rows) * divide_up(product.column_count, pass.tile.columns);
  const int64_t groups_x = std::min<int64_t>(tiles, device.max_groups[0]);
  if (parts > device.max_groups[2] || divide_up(tiles, groups_x) > device.max_groups[1])
    return Error{ErrorCode::kUnsupported, "dot: " + std::to_string(tiles) + " tiles in " + std::to_string(parts) +
                                              " parts exceed the device's workgroup counts"};

  pass.writes_parts = parts > 1;
  Binding result{Binding::Kind::kResult, 0, 0, 0, true};
  if (pass.writes_parts) {
    result = {Binding::Kind::kScratch, static_cast<uint32_t>(plan.scratch_bytes.size()), 0, 0, true};
    plan.scratch_bytes.push_back(elements * static_cast<uint64_t>(parts) *
                                 (dtype_info(product.result).bits == 64 ? 8 : 4));
  }
  // Batches beyond the device's third workgroup count go into further dispatches.
  const int64_t batches_at_once = device.max_groups[2] / parts;
  for (int64_t first = 0; first < product.batches; first += batches_at_once) {
    Dispatch dispatch;
    dispatch.key = pass.key();
    dispatch.emit = [pass, device = &device] { return pass.emit(*device); };
    dispatch.bindings = {product.sources[0].binding, product.sources[1].binding, result};
    set_parameters(parameters(pass, product, chunk, parts, first), pass.params_in_buffer(), dispatch, plan);
    dispatch.groups[0] = static_cast<uint32_t>(groups_x);
    dispatch.groups[1] = static_cast<uint32_t>(divide_up(tiles, groups_x));
    dispatch.groups[2] = static_cast<uint32_t>(std::min(batches_at_once, product.batches - first) * parts);
    plan.dispatches.push_back(std::move(dispatch));
  }
  if (!pass.writes_parts) return {};

  Reduction sum;
  sum.op = "dot";
  sum.accumulator = Accumulator::kSum;
  sum.element = computing_type(product.result);
  sum.result = product.result;
  const auto outputs = static_cast<int64_t>(elements);
  result.written = false;
  sum.sources = {{result, sum.element, 0, outputs * parts}};
  sum.kept = {{outputs, {1, 0}}};
  sum.reduced = {{parts, {outputs, 0}}};
  return append_reduction(std::move(sum), device, plan);
}

}  // namespace

Result<Plan> plan_dot(const ir::Instruction& instruction, std::span<const Arg> operands,
                      const vulkan::DeviceInfo& device) {
  Product product = sort_product(instruction, operands);
  for (int64_t extent : {product.batches, product.row_count, product.column_count, product.depth_count})
    if (extent >= kMaxExtent)
      return Error{ErrorCode::kUnsupported, "dot: " + std::to_string(product.batches) + " batches of " +
                                                std::to_string(product.row_count) + " rows, " +
                                                std::to_string(product.column_count) + " columns and " +
                                                std::to_string(product.depth_count) +
                                                " contracted elements; at most 2147483647 of each are supported"};
  Plan plan;
  if (product.depth_count > 0) {
    for (uint32_t i = 0; i < 2; ++i) {
      GPU_ASSIGN(product.sources[i], bind_source("dot", i, operands[i], device, plan));
    }
  }
  const bool thin = std::min(product.row_count, product.column_count) < kThin || product.depth_count == 0;
  if (thin) {
    GPU_TRY(plan_thin(std::move(product), device, plan));
  } else {
    GPU_TRY(plan_tiles(product, device, plan));
  }
  return plan;
}

}  // namespace gpu_node::kernels
