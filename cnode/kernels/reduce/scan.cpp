#include "kernels/reduce/scan.h"

#include <algorithm>
#include <array>
#include <bit>

#include "base/divide_up.h"
#include "kernels/elementwise/block.h"
#include "kernels/reduce/accumulator_parts.h"
#include "kernels/reduce/accumulator_text.h"
#include "kernels/reduce/reduce_variants.h"
#include "kernels/reduce/scan_shader.h"

namespace gpu_node::kernels {
namespace {

constexpr int64_t kMaxCount = int64_t{1} << 31;
// Positions of an invocation: fewer are not worth its share of the tree.
constexpr int64_t kMinSteps = 16;
constexpr uint32_t kTileBytes = 64;  // of an invocation

// Where the positions of a place lie: its beginning, and the steps of outer lines, inner lines and positions.
using Steps = std::array<int64_t, 4>;

// Lines of a scan, and how one pass covers them.
struct Lines {
  int64_t lines = 1, inner = 1, count = 1;
  int64_t steps = 1, lanes = 1, segments = 1;
  Steps in = {}, out = {};

  bool rows() const { return inner == 1; }
};

void cover(Lines& lines, int64_t invocations, const vulkan::DeviceInfo& device) {
  const ReduceVariant& variant = device.software ? kInSoftware : kOnGpu;
  const int64_t busy = variant.busy_groups * invocations;
  // An invocation walks its positions twice.
  lines.steps = std::clamp(divide_up(lines.lines * lines.count, busy), kMinSteps, kMaxSteps / 2);
  const int64_t most = lines.rows() ? invocations : std::max<int64_t>(1, invocations / variant.column_width);
  const auto wanted = static_cast<uint64_t>(divide_up(lines.count, lines.steps));
  lines.lanes = std::min(static_cast<int64_t>(std::bit_ceil(wanted)), most);
  lines.segments = divide_up(lines.count, lines.steps * lines.lanes);
}

ScanPass pass_of(Accumulator accumulator, Dtype element, ScanPass::Data data, const vulkan::DeviceInfo& device) {
  ScanPass pass{accumulator, element, data};
  pass.invocations = std::min(256u, std::bit_floor(device.max_workgroup_invocations));
  return pass;
}

// Whether four positions of |steps| that begin at a multiple of four always are a vector of the buffer, forwards or
// backwards.
bool makes_vectors(const Steps& steps, const Lines& lines) {
  const auto [start, outer, inner, step] = steps;
  const int64_t first = step == -1 ? start + 1 : start;
  const bool lines_do = lines.lines == 1 || outer % 4 == 0;
  return (step == 1 || step == -1) && first % 4 == 0 && lines_do && lines.count % 4 == 0;
}

bool is_dense(const Steps& steps) { return steps[3] == 1 || steps[3] == -1; }

// How many invocations of a GPU's workgroup have one line of |lines| together, by tiles of |positions| for each; 0
// where they do not. Lines that lie side by side in memory get as few as make a tile; of others only long ones go so.
int64_t tile_lanes(const Lines& lines, int64_t positions, int64_t most, const vulkan::DeviceInfo& device) {
  if (device.software || !lines.rows()) return 0;
  if (lines.lanes == most) return most;
  const int64_t least = std::max<int64_t>(32, device.subgroup_size);
  if (!is_dense(lines.in) || !is_dense(lines.out) || 2 * lines.count <= least * positions) return 0;
  const auto wanted = static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(divide_up(lines.count, positions))));
  return std::clamp(wanted, std::min(least, most), most);
}

// Has |lines| go by tiles where that suits them: as many positions as 64 bytes hold for each invocation, so that all
// types fit into 32 KiB of shared memory.
void tile(ScanPass& pass, Lines& lines, const vulkan::DeviceInfo& device) {
  const uint32_t value = acc_value_bytes(pass.accumulator, pass.element);
  const uint32_t acc = value + acc_extra_bytes(pass.accumulator, pass.element);
  const uint32_t positions = kTileBytes / std::max(value, 4u);
  const int64_t lanes = tile_lanes(lines, positions, pass.invocations, device);
  // The tile with what is left free in it, an Acc for each invocation and one for all.
  if (lanes == 0 || lanes * (positions * value / 8 * 9 + acc) + acc > device.shared_memory_bytes) return;
  lines.lanes = lanes;
  pass.invocations = static_cast<uint32_t>(lanes);
  pass.tile = positions;
  pass.reads_vectors = !is_complex(pass.element) && makes_vectors(lines.in, lines);
  pass.writes_vectors = !is_complex(pass.element) && makes_vectors(lines.out, lines);
  if (device.has_subgroup_shuffle && lanes % device.subgroup_size == 0) pass.subgroup = device.subgroup_size;
  lines.steps = divide_up<int64_t>(lines.steps, positions) * positions;
  lines.segments = divide_up(lines.count, lines.steps * lines.lanes);
}

Result<void> append_pass(const ScanPass& pass, const Lines& lines, std::vector<Binding> bindings, PlanBuilder& plan) {
  Dispatch dispatch;
  dispatch.key = pass.key();
  dispatch.emit = [pass, &device = plan.device()] { return pass.emit(device); };
  dispatch.bindings = std::move(bindings);
  const int mode = std::countr_zero(static_cast<uint64_t>(lines.lanes)) + (lines.rows() ? 32 : 0);
  SmallList<uint32_t, ScanPass::kWords> words;
  for (const int64_t word : {lines.lines, lines.inner, lines.count, lines.segments, lines.steps, int64_t{mode}})
    words.push_back(static_cast<uint32_t>(word));
  for (const Steps* steps : {&lines.in, &lines.out})
    for (const int64_t step : *steps) words.push_back(static_cast<uint32_t>(step));
  plan.set_parameters(words.span(), dispatch);
  const int64_t width = pass.invocations / lines.lanes;
  plan.set_grid(static_cast<uint64_t>(divide_up(lines.lines, width) * lines.segments), 1, dispatch);
  dispatch.grid.units = static_cast<double>(lines.lines * lines.count);
  return plan.append(std::move(dispatch));
}

std::vector<Binding> joined(std::vector<Binding> first, const std::vector<Binding>& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

// The passes of |lines|; |read| are the bindings of what is scanned, |all| those with what is written.
Result<void> append_passes(ScanPass pass, const Lines& lines, const std::vector<Binding>& read,
                           const std::vector<Binding>& all, PlanBuilder& plan) {
  if (lines.segments == 1) return append_pass(pass, lines, all, plan);
  GPU_ASSIGN(const AccParts carries, add_acc_parts(pass.accumulator, pass.element, lines.lines, lines.segments, plan));
  pass.totals = true;
  GPU_TRY(append_pass(pass, lines, joined(read, bound(carries, true)), plan));
  Lines above{lines.lines, 1, lines.segments};
  const ScanPass of_totals = pass_of(pass.accumulator, pass.element, ScanPass::Data::kAccs, plan.device());
  cover(above, of_totals.invocations, plan.device());
  GPU_TRY(append_passes(of_totals, above, bound(carries, true), bound(carries, true), plan));
  pass.totals = false;
  pass.carries = true;
  return append_pass(pass, lines, joined(all, bound(carries, false)), plan);
}

Result<void> check_counts(const Lines& lines, PlanBuilder& plan) {
  if (lines.lines < kMaxCount && lines.count < kMaxCount && lines.lines * lines.count < 2 * kMaxCount) return {};
  return plan.unsupported(
      concat(lines.lines, " lines of ", lines.count, " elements; at most 4294967295 are supported"));
}

// The steps of |place| along lines of |axis|, turned around where |reverse|; nothing where the axes before or behind do
// not merge into one.
std::optional<Steps> steps_of(const Place& place, int axis, bool reverse) {
  Axes outer, inner;
  const IndexMap& map = place.map;
  for (int d = 0; d < map.shape.size(); ++d)
    if (d != axis) (d < axis ? outer : inner).push_back({map.shape[d], {map.strides[d]}});
  merge_axes(outer);
  merge_axes(inner);
  if (outer.size() > 1 || inner.size() > 1) return std::nullopt;
  const auto step = [](const Axes& axes) { return axes.empty() ? 0 : axes[0].strides[0]; };
  Steps steps = {map.offset, step(outer), step(inner), map.strides[axis]};
  if (reverse) {
    steps[0] += (map.shape[axis] - 1) * steps[3];
    steps[3] = -steps[3];
  }
  return steps;
}

}  // namespace

Result<void> append_scan(Accumulator accumulator, const Place& from, const Place& to, int axis, bool reverse,
                         PlanBuilder& plan) {
  // What lies in too many ways is copied first.
  std::optional<Steps> in = steps_of(from, axis, reverse), out = steps_of(to, axis, reverse);
  Place source = from, target = to;
  if (!in) {
    source = plan.add_scratch(from.dtype, from.map.shape);
    GPU_TRY(append_copy(from, source, plan));
    in = steps_of(source, axis, reverse);
  }
  if (!out) {
    target = plan.add_scratch(to.dtype, to.map.shape);
    out = steps_of(target, axis, reverse);
  }
  const Shape& shape = from.map.shape;
  Lines lines;
  lines.count = shape[axis];
  lines.lines = element_count(shape) / lines.count;
  for (int d = axis + 1; d < shape.size(); ++d) lines.inner *= shape[d];
  GPU_TRY(check_counts(lines, plan));
  GPU_ASSIGN(const Bound read, plan.bind(source, false));
  GPU_ASSIGN(const Bound written, plan.bind(target, true));
  lines.in = *in;
  lines.out = *out;
  lines.in[0] += read.offset - source.map.offset;
  lines.out[0] += written.offset - target.map.offset;
  ScanPass pass = pass_of(accumulator, to.dtype, ScanPass::Data::kElements, plan.device());
  cover(lines, pass.invocations, plan.device());
  tile(pass, lines, plan.device());
  GPU_TRY(append_passes(pass, lines, {read.binding}, {read.binding, written.binding}, plan));
  return target.kind == to.kind && target.index == to.index ? Result<void>() : append_copy(target, to, plan);
}

Result<void> append_offsets(uint32_t scratch, int64_t lines, int64_t count, PlanBuilder& plan) {
  Lines all{lines, 1, count};
  GPU_TRY(check_counts(all, plan));
  const ScanPass pass = pass_of(Accumulator::kSum, Dtype::u32, ScanPass::Data::kAccs, plan.device());
  cover(all, pass.invocations, plan.device());
  const std::vector<Binding> bindings = bound({scratch}, true);
  return append_passes(pass, all, bindings, bindings, plan);
}

}  // namespace gpu_node::kernels
