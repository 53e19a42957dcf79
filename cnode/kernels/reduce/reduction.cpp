// Merges axes, chooses lanes, width and parts, and fills in the parameters of one or two passes.
#include "kernels/reduce/reduction.h"

#include <algorithm>
#include <bit>

#include "base/divide_up.h"
#include "kernels/elementwise/block.h"
#include "kernels/reduce/accumulator_parts.h"
#include "kernels/reduce/reduce_shader.h"
#include "kernels/reduce/reduce_variants.h"

namespace gpu_node::kernels {
namespace {

constexpr int64_t kMaxCount = int64_t{1} << 31;

// A source with its buffer: where its walk begins there.
struct BoundSource {
  Binding binding;
  Dtype dtype = Dtype::f32;
  int64_t offset = 0;
  int64_t elements = 1;  // distinct ones; the larger source decides the access pattern
};

// A reduction whose sources are bound.
struct Work {
  SmallList<BoundSource, 2> sources;
  Axes kept, reduced;
};

// Makes the strides of |axes| positive by walking them from the other end.
void turn_axes(Axes& axes, BoundSource& source) {
  for (Axis& axis : axes) {
    int64_t& stride = axis.strides[0];
    if (stride >= 0) continue;
    source.offset += stride * (axis.size - 1);
    stride = -stride;
  }
}

// How one pass covers outputs and elements.
struct Cover {
  int64_t outputs = 1, count = 0;  // count: positions per output
  int64_t enough = 1;              // positions an invocation should get
  bool rows = true;                // lanes innermost
  int64_t lanes = 1;               // a power of two
  int64_t width = 1;               // lanes * width == invocations
  int64_t parts = 1, chunk = 0;
  std::array<uint32_t, 3> groups = {1, 1, 1};
};

const ReduceVariant& variant_of(const vulkan::DeviceInfo& device) { return device.software ? kInSoftware : kOnGpu; }

void choose_lanes(Cover& cover, int64_t invocations, const ReduceVariant& variant) {
  const auto power_above = [](int64_t value) {
    return static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(value)));
  };
  const int64_t needed = std::min(power_above(std::max<int64_t>(cover.count, 1)), invocations);
  cover.lanes = needed;
  if (!cover.rows) {
    const int64_t width = std::min(power_above(cover.outputs), std::min(variant.column_width, invocations));
    cover.lanes = std::min(needed, invocations / width);
  }
  // With outputs enough to fill the device, fewer lanes with more elements each spare most of the tree.
  while (cover.lanes > 1 && (variant.few_lanes || cover.count / cover.lanes < cover.enough) &&
         cover.count / (cover.lanes / 2) <= kMaxSteps &&
         cover.outputs * cover.lanes / 2 >= variant.busy_groups * invocations / 2)
    cover.lanes /= 2;
  cover.width = invocations / cover.lanes;
}

// The workgroups of one part, of |width| outputs each.
void set_blocks(Cover& cover, const vulkan::DeviceInfo& device) {
  const int64_t blocks = divide_up(cover.outputs, cover.width);
  cover.groups[0] = static_cast<uint32_t>(std::min<int64_t>(blocks, device.max_groups[0]));
  cover.groups[1] = static_cast<uint32_t>(divide_up(blocks, cover.groups[0]));
}

Result<void> choose_parts(Cover& cover, const PlanBuilder& plan) {
  const vulkan::DeviceInfo& device = plan.device();
  const int64_t blocks = divide_up(cover.outputs, cover.width);
  const int64_t most = cover.lanes * kMaxSteps;
  const int64_t useful = std::max<int64_t>(cover.count / (cover.lanes * cover.enough), 1);
  const ReduceVariant& variant = variant_of(device);
  const int64_t wanted = blocks >= variant.enough_groups ? 1 : std::min(divide_up(variant.busy_groups, blocks), useful);
  const int64_t parts = std::max({int64_t{1}, wanted, divide_up(cover.count, most)});
  // Whole rounds of four positions per lane, so that only the last part has a tail.
  const int64_t round = cover.lanes * 4;
  cover.chunk = parts == 1 ? cover.count : std::min(divide_up(divide_up(cover.count, parts), round) * round, most);
  cover.parts = cover.count == 0 ? 1 : divide_up(cover.count, cover.chunk);
  set_blocks(cover, device);
  if (cover.groups[1] > device.max_groups[1] || cover.parts > device.max_groups[2])
    return plan.unsupported(concat(cover.outputs, " results of ", cover.count, " elements each exceed the device's ",
                                   device.max_groups[1], " x ", device.max_groups[2], " workgroups"));
  cover.groups[2] = static_cast<uint32_t>(cover.parts);
  return {};
}

// The pass's parameters in the order of ReducePass's positions. Positions are counted modulo 2^32, negative strides
// too.
SmallList<uint32_t, 32> parameters(const ReducePass& pass, const Work& work, const Cover& cover) {
  SmallList<uint32_t, 32> words;
  const auto put = [&words](int64_t value) { words.push_back(static_cast<uint32_t>(value)); };
  const auto put_strides = [&put](const Axis& axis) {
    for (const int64_t stride : axis.strides) put(stride);
  };
  put(cover.outputs);
  put(cover.count);
  put(cover.chunk);
  put(std::countr_zero(static_cast<uint64_t>(cover.lanes)) + (cover.rows ? 32 : 0));
  for (const BoundSource& source : work.sources) put(source.offset);
  for (const Axis& axis : work.kept) {
    put(axis.size);
    put_strides(axis);
  }
  if (pass.walk_rank == 0) return words;
  // A step moves by |lanes| positions: its digits in the mixed base of the axes' sizes.
  SmallList<int64_t, 6> steps;
  steps.resize(pass.walk_rank);
  int64_t rest = cover.lanes;
  for (uint32_t axis = pass.walk_rank; axis-- > 0;) {
    steps[axis] = axis == 0 ? rest : rest % work.reduced[axis].size;
    rest /= work.reduced[axis].size;
  }
  for (uint32_t axis = 0; axis < pass.walk_rank; ++axis) {
    if (pass.walk_rank > 1) {
      put(work.reduced[axis].size);
      put(steps[axis]);
    }
    put_strides(work.reduced[axis]);
  }
  return words;
}

// What writes results: its bindings, and what they have of the parameters.
struct Outcome {
  std::vector<Binding> bindings;
  std::vector<uint32_t> words;
};

Result<void> append_pass(const ReducePass& pass, std::vector<Binding> bindings, const Work& work, const Cover& cover,
                         const Outcome& outcome, PlanBuilder& plan) {
  Dispatch dispatch;
  dispatch.key = pass.key();
  dispatch.emit = [pass, device = &plan.device()] { return pass.emit(*device); };
  dispatch.bindings = std::move(bindings);
  dispatch.bindings.insert(dispatch.bindings.end(), outcome.bindings.begin(), outcome.bindings.end());
  dispatch.grid = {cover.groups,
                   static_cast<double>(cover.outputs) * static_cast<double>(std::max<int64_t>(cover.count, 1))};
  auto words = parameters(pass, work, cover);
  words.append(outcome.words.begin(), outcome.words.end());
  plan.set_parameters({words.begin(), words.size()}, dispatch);
  return plan.append(std::move(dispatch));
}

// Whether the reduced elements lie side by side in aligned fours, in every source.
bool lies_in_fours(const Work& work, const Cover& cover) {
  if (!cover.rows || work.reduced.size() != 1 || work.reduced[0].size % 4 != 0) return false;
  for (size_t i = 0; i < work.sources.size(); ++i) {
    if (is_complex(work.sources[i].dtype)) return false;  // pairs already
    if (work.reduced[0].strides[i] != 1 || work.sources[i].offset % 4 != 0) return false;
    for (const Axis& axis : work.kept)
      if (axis.strides[i] % 4 != 0) return false;
  }
  return true;
}

// Counts fours instead of elements.
void take_fours(Work& work, Cover& cover) {
  for (BoundSource& source : work.sources) source.offset /= 4;
  for (Axis& axis : work.kept)
    for (int64_t& stride : axis.strides) stride /= 4;
  cover.count /= 4;
  cover.enough /= 4;
}

// Orders and merges the axes of |work|; |ordered| as in Reduction.
void arrange_axes(Work& work, bool ordered) {
  if (!ordered) {
    if (work.sources.size() == 1) turn_axes(work.reduced, work.sources[0]);
    sort_axes(work.reduced);
  }
  merge_axes(work.reduced);
  merge_axes(work.kept);
  if (!work.reduced.empty()) return;
  Axis& one = work.reduced.emplace_back();
  one.strides.resize(work.sources.size());
}

ReducePass make_pass(const Reduction& reduction, const Work& work, Dtype result, const vulkan::DeviceInfo& device) {
  ReducePass pass;
  pass.accumulator = reduction.accumulator;
  pass.input = work.sources.empty()       ? PassInput::kNothing
               : work.sources.size() == 2 ? PassInput::kProducts
                                          : PassInput::kElements;
  for (size_t i = 0; i < work.sources.size(); ++i) pass.sources[i] = work.sources[i].dtype;
  pass.element = reduction.element;
  pass.result = result;
  pass.kept_rank = static_cast<uint32_t>(work.kept.size());
  pass.walk_rank = static_cast<uint32_t>(work.reduced.size());
  pass.invocations = std::min(256u, std::bit_floor(device.max_workgroup_invocations));
  return pass;
}

// Reduces the Accs that |first| left: one per part and output, those of an output |outputs| apart.
Result<void> append_second_pass(ReducePass pass, const Cover& first, std::vector<Binding> bindings,
                                const Outcome& outcome, PlanBuilder& plan) {
  pass.writes_accs = false;
  pass.input = PassInput::kAccs;
  pass.vectors = false;
  pass.kept_rank = pass.walk_rank = 1;
  Work work;
  work.sources.emplace_back();
  work.kept.push_back({first.outputs, {1}});
  work.reduced.push_back({first.parts, {first.outputs}});
  Cover cover;
  cover.outputs = first.outputs;
  // At most as many as workgroups in one dimension, and so within the bound on loops undivided.
  cover.count = cover.chunk = first.parts;
  cover.rows = cover.outputs == 1;
  cover.enough = variant_of(plan.device()).per_invocation;
  choose_lanes(cover, pass.invocations, variant_of(plan.device()));
  set_blocks(cover, plan.device());
  for (Binding& binding : bindings) binding.written = false;
  return append_pass(pass, std::move(bindings), work, cover, outcome, plan);
}

// The sources of |reduction| bound, its axes arranged; nothing where there are no elements.
Result<Work> bind_sources(Reduction& reduction, PlanBuilder& plan) {
  Work work;
  if (reduction.sources.empty() || count_of(reduction.reduced) == 0) return work;
  for (const Place& place : reduction.sources) {
    GPU_ASSIGN(const Bound bound, plan.bind(place, false));
    BoundSource& source = work.sources.emplace_back(BoundSource{bound.binding, place.dtype, bound.offset, 1});
    for (int d = 0; d < place.map.shape.size(); ++d)
      if (place.map.strides[d] != 0) source.elements *= place.map.shape[d];
  }
  work.kept = std::move(reduction.kept);
  work.reduced = std::move(reduction.reduced);
  arrange_axes(work, reduction.ordered);
  return work;
}

// What a reduction comes to before its results have a place.
struct Prepared {
  ReducePass pass;
  Work work;
  Cover cover;
};

Result<Prepared> prepare(Reduction reduction, Dtype result, PlanBuilder& plan) {
  const vulkan::DeviceInfo& device = plan.device();
  Prepared made;
  Cover& cover = made.cover;
  cover.enough = variant_of(device).per_invocation;
  cover.outputs = count_of(reduction.kept);
  cover.count = reduction.sources.empty() ? 0 : count_of(reduction.reduced);
  if (cover.count >= kMaxCount || cover.outputs >= kMaxCount)
    return plan.unsupported(concat(cover.outputs, " results of ", cover.count,
                                   " elements each; at most 2147483647 of either are supported"));
  GPU_ASSIGN(made.work, bind_sources(reduction, plan));
  Work& work = made.work;
  made.pass = make_pass(reduction, work, result, device);
  if (cover.count > 0) {
    const size_t larger = work.sources.size() == 2 && work.sources[1].elements > work.sources[0].elements;
    cover.rows = closest_stride(work.reduced, larger) <= closest_stride(work.kept, larger);
    made.pass.vectors = !is_complex(made.pass.element) && lies_in_fours(work, cover);
    if (made.pass.vectors) take_fours(work, cover);
  }
  choose_lanes(cover, made.pass.invocations, variant_of(device));
  GPU_TRY(choose_parts(cover, plan));
  return made;
}

// |to| is dense, or an epilogue takes what would be written there.
Result<void> append_passes(Reduction reduction, const Place& to, const Epilogue* epilogue, PlanBuilder& plan) {
  Outcome outcome;
  std::optional<EpilogueCode> code;
  if (epilogue != nullptr) {
    const int axes = epilogue->to[0].map.shape.size();
    GPU_ASSIGN(BoundEpilogue bound, bind_epilogue(*epilogue, {&axes, 1}, plan));
    code = std::move(bound.code);
    outcome = {std::move(bound.bindings), std::move(bound.words)};
  } else {
    GPU_ASSIGN(const Bound result, plan.bind(to, true));
    outcome.bindings.push_back(result.binding);
  }
  GPU_ASSIGN(Prepared made, prepare(std::move(reduction), to.dtype, plan));
  auto& [pass, work, cover] = made;
  std::vector<Binding> bindings;
  bindings.reserve(work.sources.size() + 2);
  for (const BoundSource& source : work.sources) bindings.push_back(source.binding);
  if (cover.parts == 1) {
    pass.epilogue = std::move(code);
    return append_pass(pass, std::move(bindings), work, cover, outcome, plan);
  }
  GPU_ASSIGN(const AccParts parts, add_acc_parts(pass.accumulator, pass.element, cover.parts, cover.outputs, plan));
  std::vector<Binding> accs = bound(parts, true);
  pass.writes_accs = true;
  bindings.insert(bindings.end(), accs.begin(), accs.end());
  GPU_TRY(append_pass(pass, std::move(bindings), work, cover, {}, plan));
  pass.epilogue = std::move(code);
  return append_second_pass(pass, cover, std::move(accs), outcome, plan);
}

// The axes |over| of more than one element in the order in which they are walked, ~axis for one that is walked
// backwards.
Dims walk_over(const IndexMap& map, const Dims& over) {
  Axes axes;
  for (int d = 0; d < map.shape.size(); ++d)
    if (map.shape[d] > 1 && std::find(over.begin(), over.end(), d) != over.end()) axes.push_back({d, {map.strides[d]}});
  sort_axes(axes);
  Dims walk;
  for (const Axis& axis : axes) walk.push_back(axis.strides[0] < 0 ? ~axis.size : axis.size);
  return walk;
}

}  // namespace

Reduction reduction_of(Accumulator accumulator, Dtype element, const Place& from, const Dims& over) {
  Reduction reduction;
  reduction.accumulator = accumulator;
  reduction.element = element;
  for (int d = 0; d < from.map.shape.size(); ++d) {
    const bool reduces = std::find(over.begin(), over.end(), d) != over.end();
    (reduces ? reduction.reduced : reduction.kept).push_back({from.map.shape[d], {from.map.strides[d]}});
  }
  reduction.sources.push_back(from);
  return reduction;
}

Result<ReductionOrder> order_of(Accumulator accumulator, Dtype element, const Place& from, const Dims& over,
                                PlanBuilder& plan) {
  GPU_ASSIGN(const Prepared made, prepare(reduction_of(accumulator, element, from, over), element, plan));
  const Cover& cover = made.cover;
  return ReductionOrder{cover.parts == 1, cover.rows, cover.lanes, made.pass.vectors, walk_over(from.map, over)};
}

Result<std::optional<ReductionWalk>> walk_of(Reduction reduction, Dtype result, PlanBuilder& plan) {
  GPU_ASSIGN(Prepared made, prepare(std::move(reduction), result, plan));
  if (made.cover.parts != 1) return std::optional<ReductionWalk>();
  ReductionWalk walk{made.cover.outputs, made.cover.count, made.cover.lanes, made.pass.vectors, {}, {}, {}};
  const int64_t unit = walk.fours ? 4 : 1;
  for (const BoundSource& source : made.work.sources)
    walk.offsets.push_back(source.offset * unit +
                           static_cast<int64_t>(source.binding.offset_bytes) / dtype_size_bytes(source.dtype));
  walk.kept = std::move(made.work.kept);
  for (Axis& axis : walk.kept)
    for (int64_t& stride : axis.strides) stride *= unit;
  walk.reduced = std::move(made.work.reduced);
  for (Axis& axis : walk.reduced)
    for (int64_t& stride : axis.strides) stride *= unit;
  return std::optional(std::move(walk));
}

Result<void> append_reduction(Reduction reduction, const Place& to, PlanBuilder& plan, const Epilogue* epilogue) {
  if (epilogue != nullptr) return append_passes(std::move(reduction), to, epilogue, plan);
  return write_dense(to, plan,
                     [&](const Place& dense) { return append_passes(std::move(reduction), dense, nullptr, plan); });
}

}  // namespace gpu_node::kernels
