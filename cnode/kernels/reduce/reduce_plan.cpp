// Merges axes, chooses lanes, width and parts, and fills in the parameters of one or two passes.
#include "kernels/reduce/reduce_plan.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <numeric>

#include "base/divide_up.h"

namespace gpu_node::kernels {
namespace {

// Positions an invocation may walk; each costs at most one iteration, so with the tree this is far below 65,535.
constexpr int64_t kMaxSteps = 16384;
// Elements an invocation gets before the reduction is split for the sake of parallelism, and the workgroups aimed at.
// A software driver is busy with few, and there the barriers of the tree cost more than anything else.
constexpr int64_t kMinPerInvocation = 16;
constexpr int64_t kBusyGroups = 1024;
constexpr int64_t kBusyGroupsInSoftware = 16;
// Outputs side by side where they lie side by side: 128 bytes of f32 for each lane.
constexpr int64_t kColumnWidth = 32;
constexpr Binding kResult = {Binding::Kind::kResult, 0, 0, 0, true};
constexpr int64_t kMaxCount = int64_t{1} << 31;

int64_t count_of(const ReduceAxes& axes) {
  int64_t count = 1;
  for (const ReduceAxis& axis : axes) count *= axis.size;
  return count;
}

// The smallest step between neighbours along |axes| in |source|; axes that repeat one element do not count.
int64_t closest_stride(const ReduceAxes& axes, size_t source) {
  int64_t closest = std::numeric_limits<int64_t>::max();
  for (const ReduceAxis& axis : axes) {
    const int64_t stride = std::abs(axis.strides[source]);
    if (axis.size > 1 && stride != 0) closest = std::min(closest, stride);
  }
  return closest;
}

// Makes the strides of |axes| positive by walking them from the other end.
void turn_axes(ReduceAxes& axes, ReduceSource& source) {
  for (ReduceAxis& axis : axes) {
    if (axis.strides[0] >= 0) continue;
    source.offset += axis.strides[0] * (axis.size - 1);
    axis.strides[0] = -axis.strides[0];
  }
}

// How one pass covers outputs and elements.
struct Cover {
  int64_t outputs = 1, count = 0;      // count: positions per output
  int64_t enough = kMinPerInvocation;  // positions an invocation should get
  bool rows = true;                    // lanes innermost
  int64_t lanes = 1;                   // a power of two
  int64_t width = 1;                   // lanes * width == invocations
  int64_t parts = 1, chunk = 0;
  uint32_t groups[3] = {1, 1, 1};
};

int64_t busy_groups(const vulkan::DeviceInfo& device) { return device.software ? kBusyGroupsInSoftware : kBusyGroups; }

void choose_lanes(Cover& cover, int64_t invocations, const vulkan::DeviceInfo& device) {
  const auto power_above = [](int64_t value) {
    return static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(value)));
  };
  const int64_t needed = std::min(power_above(std::max<int64_t>(cover.count, 1)), invocations);
  cover.lanes = needed;
  if (!cover.rows) {
    const int64_t width = std::min(power_above(cover.outputs), std::min(kColumnWidth, invocations));
    cover.lanes = std::min(needed, invocations / width);
  }
  // With outputs enough to fill the device, fewer lanes with more elements each spare most of the tree.
  while (cover.lanes > 1 && (device.software || cover.count / cover.lanes < cover.enough) &&
         cover.count / (cover.lanes / 2) <= kMaxSteps &&
         cover.outputs * cover.lanes / 2 >= busy_groups(device) * invocations / 2)
    cover.lanes /= 2;
  cover.width = invocations / cover.lanes;
}

Result<void> choose_parts(std::string_view op, Cover& cover, const vulkan::DeviceInfo& device) {
  const int64_t blocks = divide_up(cover.outputs, cover.width);
  const int64_t most = cover.lanes * kMaxSteps;
  const int64_t useful = std::max<int64_t>(cover.count / (cover.lanes * cover.enough), 1);
  const int64_t wanted = std::min(divide_up(busy_groups(device), blocks), useful);
  const int64_t parts = std::max({int64_t{1}, wanted, divide_up(cover.count, most)});
  // Whole rounds of four positions per lane, so that only the last part has a tail.
  const int64_t round = cover.lanes * 4;
  cover.chunk = parts == 1 ? cover.count : std::min(divide_up(divide_up(cover.count, parts), round) * round, most);
  cover.parts = cover.count == 0 ? 1 : divide_up(cover.count, cover.chunk);
  const int64_t groups_x = std::min<int64_t>(blocks, device.max_groups[0]);
  const int64_t groups_y = divide_up(blocks, groups_x);
  if (groups_y > device.max_groups[1] || cover.parts > device.max_groups[2])
    return Error{ErrorCode::kUnsupported, std::string(op) + ": " + std::to_string(cover.outputs) + " results of " +
                                              std::to_string(cover.count) + " elements each exceed the device's " +
                                              std::to_string(device.max_groups[1]) + " x " +
                                              std::to_string(device.max_groups[2]) + " workgroups"};
  cover.groups[0] = static_cast<uint32_t>(groups_x);
  cover.groups[1] = static_cast<uint32_t>(groups_y);
  cover.groups[2] = static_cast<uint32_t>(cover.parts);
  return {};
}

// The pass's parameters in the order of ReducePass's positions. Positions are counted modulo 2^32, negative strides
// too.
std::vector<uint32_t> parameters(const ReducePass& pass, const Reduction& reduction, const Cover& cover) {
  std::vector<uint32_t> words;
  words.reserve(pass.words());
  const auto put = [&words](int64_t value) { words.push_back(static_cast<uint32_t>(value)); };
  put(cover.outputs);
  put(cover.count);
  put(cover.chunk);
  put(std::countr_zero(static_cast<uint64_t>(cover.lanes)) + (cover.rows ? 32 : 0));
  for (uint32_t i = 0; i < pass.inputs(); ++i) put(reduction.sources[i].offset);
  for (const ReduceAxis& axis : reduction.kept) {
    put(axis.size);
    for (uint32_t i = 0; i < pass.inputs(); ++i) put(axis.strides[i]);
  }
  if (pass.walk_rank == 0) return words;
  // A step moves by |lanes| positions: its digits in the mixed base of the axes' sizes.
  std::vector<int64_t> steps(pass.walk_rank);
  int64_t rest = cover.lanes;
  for (uint32_t axis = pass.walk_rank; axis-- > 0;) {
    steps[axis] = axis == 0 ? rest : rest % reduction.reduced[axis].size;
    rest /= reduction.reduced[axis].size;
  }
  for (uint32_t axis = 0; axis < pass.walk_rank; ++axis) {
    if (pass.walk_rank > 1) {
      put(reduction.reduced[axis].size);
      put(steps[axis]);
    }
    for (uint32_t i = 0; i < pass.inputs(); ++i) put(reduction.reduced[axis].strides[i]);
  }
  return words;
}

Dispatch make_dispatch(const ReducePass& pass, std::vector<Binding> bindings, const Reduction& reduction,
                       const Cover& cover, const vulkan::DeviceInfo& device, Plan& plan) {
  Dispatch dispatch;
  dispatch.key = pass.key();
  dispatch.emit = [pass, device = &device] { return pass.emit(*device); };
  dispatch.bindings = std::move(bindings);
  std::copy_n(cover.groups, 3, dispatch.groups);
  set_parameters(parameters(pass, reduction, cover), pass.params_in_buffer(), dispatch, plan);
  return dispatch;
}

// Whether the reduced elements lie side by side in aligned fours, in every source.
bool lies_in_fours(const Reduction& reduction, const Cover& cover) {
  if (!cover.rows || reduction.reduced.size() != 1 || reduction.reduced[0].size % 4 != 0) return false;
  for (size_t i = 0; i < reduction.sources.size(); ++i) {
    if (reduction.reduced[0].strides[i] != 1 || reduction.sources[i].offset % 4 != 0) return false;
    for (const ReduceAxis& axis : reduction.kept)
      if (axis.strides[i] % 4 != 0) return false;
  }
  return true;
}

// Counts fours instead of elements.
void take_fours(Reduction& reduction, Cover& cover) {
  for (size_t i = 0; i < reduction.sources.size(); ++i) {
    reduction.sources[i].offset /= 4;
    for (ReduceAxis& axis : reduction.kept) axis.strides[i] /= 4;
  }
  cover.count /= 4;
  cover.enough /= 4;
}

// The buffers that carry Accs from the first pass to the second.
Result<std::vector<Binding>> make_acc_buffers(std::string_view op, const ReducePass& pass, const Cover& cover,
                                              const vulkan::DeviceInfo& device, Plan& plan) {
  std::vector<Binding> bindings;
  for (const uint32_t bytes : {pass.value_bytes(), pass.extra_bytes()}) {
    if (bytes == 0) continue;
    const auto size = static_cast<uint64_t>(cover.parts * cover.outputs) * bytes;
    if (size > device.max_storage_range)
      return Error{ErrorCode::kUnsupported, std::string(op) + ": " + std::to_string(cover.parts) +
                                                " partial results of " + std::to_string(cover.outputs) +
                                                " elements take " + std::to_string(size) +
                                                " bytes, above the device's storage range of " +
                                                std::to_string(device.max_storage_range) + " bytes"};
    bindings.push_back({Binding::Kind::kScratch, static_cast<uint32_t>(plan.scratch_bytes.size()), 0, 0, true});
    plan.scratch_bytes.push_back(size);
  }
  return bindings;
}

// Orders and merges the axes; a reduction of no elements needs none.
void arrange_axes(Reduction& reduction, bool empty) {
  if (empty) {
    reduction.kept.clear();
    reduction.reduced.clear();
    return;
  }
  if (!reduction.ordered) {
    if (reduction.sources.size() == 1) turn_axes(reduction.reduced, reduction.sources[0]);
    sort_axes(reduction.reduced);
  }
  merge_axes(reduction.reduced);
  merge_axes(reduction.kept);
  if (reduction.reduced.empty()) reduction.reduced.push_back({});
}

ReducePass make_pass(const Reduction& reduction, bool empty, const vulkan::DeviceInfo& device) {
  ReducePass pass;
  pass.accumulator = reduction.accumulator;
  pass.input = empty                           ? PassInput::kNothing
               : reduction.sources.size() == 2 ? PassInput::kProducts
                                               : PassInput::kElements;
  for (size_t i = 0; i < reduction.sources.size(); ++i) pass.sources[i] = reduction.sources[i].dtype;
  pass.element = reduction.element;
  pass.result = reduction.result;
  pass.kept_rank = static_cast<uint32_t>(reduction.kept.size());
  pass.walk_rank = static_cast<uint32_t>(reduction.reduced.size());
  pass.invocations = std::min(256u, std::bit_floor(device.max_workgroup_invocations));
  return pass;
}

// Reduces the Accs that |first| left: one per part and output, those of an output |outputs| apart.
void append_second_pass(Reduction reduction, ReducePass pass, const Cover& first, std::vector<Binding> bindings,
                        const vulkan::DeviceInfo& device, Plan& plan) {
  pass.writes_accs = false;
  pass.input = PassInput::kAccs;
  pass.vectors = false;
  pass.kept_rank = pass.walk_rank = 1;
  reduction.sources.assign(1, {});
  reduction.kept.assign(1, {first.outputs, {1, 0}});
  reduction.reduced.assign(1, {first.parts, {first.outputs, 0}});
  Cover cover;
  cover.outputs = first.outputs;
  // At most as many as workgroups in one dimension, and so within the bound on loops undivided.
  cover.count = cover.chunk = first.parts;
  cover.rows = cover.outputs == 1;
  choose_lanes(cover, pass.invocations, device);
  const int64_t blocks = divide_up(cover.outputs, cover.width);
  cover.groups[0] = static_cast<uint32_t>(std::min<int64_t>(blocks, device.max_groups[0]));
  cover.groups[1] = static_cast<uint32_t>(divide_up(blocks, cover.groups[0]));
  for (Binding& binding : bindings) binding.written = false;
  bindings.push_back(kResult);
  plan.dispatches.push_back(make_dispatch(pass, std::move(bindings), reduction, cover, device, plan));
}

}  // namespace

void sort_axes(ReduceAxes& axes) {
  std::stable_sort(axes.begin(), axes.end(), [](const ReduceAxis& a, const ReduceAxis& b) {
    return std::pair(std::abs(a.strides[0]), std::abs(a.strides[1])) >
           std::pair(std::abs(b.strides[0]), std::abs(b.strides[1]));
  });
}

void merge_axes(ReduceAxes& axes) {
  size_t last = 0;  // axes[0, last) are done
  for (const ReduceAxis& axis : axes) {
    if (axis.size == 1) continue;
    if (last > 0 && axes[last - 1].strides[0] == axis.strides[0] * axis.size &&
        axes[last - 1].strides[1] == axis.strides[1] * axis.size) {
      axes[last - 1] = {axes[last - 1].size * axis.size, axis.strides};
    } else {
      axes[last++] = axis;
    }
  }
  axes.resize(last);
}

void set_parameters(const std::vector<uint32_t>& words, bool in_buffer, Dispatch& dispatch, Plan& plan) {
  const size_t size_bytes = words.size() * sizeof(uint32_t);
  if (!in_buffer) {
    dispatch.push_bytes = static_cast<uint32_t>(size_bytes);
    std::memcpy(dispatch.push.data(), words.data(), size_bytes);
    return;
  }
  std::vector<std::byte> bytes(size_bytes);
  std::memcpy(bytes.data(), words.data(), size_bytes);
  const auto scratch = static_cast<uint32_t>(plan.scratch_bytes.size());
  plan.scratch_bytes.push_back(size_bytes);
  plan.scratch_data.emplace_back(scratch, std::move(bytes));
  dispatch.push_bytes = 0;
  dispatch.bindings.push_back({Binding::Kind::kScratch, scratch});
}

Result<void> append_reduction(Reduction reduction, const vulkan::DeviceInfo& device, Plan& plan) {
  Cover cover;
  cover.outputs = count_of(reduction.kept);
  cover.count = reduction.sources.empty() ? 0 : count_of(reduction.reduced);
  if (cover.count >= kMaxCount || cover.outputs >= kMaxCount)
    return Error{ErrorCode::kUnsupported, std::string(reduction.op) + ": " + std::to_string(cover.outputs) +
                                              " results of " + std::to_string(cover.count) +
                                              " elements each; at most 2147483647 of either are supported"};
  GPU_TRY(check_result_range(reduction.op, reduction.result, cover.outputs, device));
  arrange_axes(reduction, cover.count == 0);
  ReducePass pass = make_pass(reduction, cover.count == 0, device);
  if (cover.count > 0) {
    const size_t larger =
        reduction.sources.size() == 2 && reduction.sources[1].elements > reduction.sources[0].elements;
    cover.rows = closest_stride(reduction.reduced, larger) <= closest_stride(reduction.kept, larger);
    pass.vectors = lies_in_fours(reduction, cover);
    if (pass.vectors) take_fours(reduction, cover);
  }
  choose_lanes(cover, pass.invocations, device);
  GPU_TRY(choose_parts(reduction.op, cover, device));

  std::vector<Binding> bindings;
  bindings.reserve(pass.inputs() + 2);
  for (uint32_t i = 0; i < pass.inputs(); ++i) bindings.push_back(reduction.sources[i].binding);
  if (cover.parts == 1) {
    bindings.push_back(kResult);
    plan.dispatches.push_back(make_dispatch(pass, std::move(bindings), reduction, cover, device, plan));
    return {};
  }
  GPU_ASSIGN(std::vector<Binding> accs, make_acc_buffers(reduction.op, pass, cover, device, plan));
  pass.writes_accs = true;
  bindings.insert(bindings.end(), accs.begin(), accs.end());
  plan.dispatches.push_back(make_dispatch(pass, std::move(bindings), reduction, cover, device, plan));
  append_second_pass(std::move(reduction), pass, cover, std::move(accs), device, plan);
  return {};
}

}  // namespace gpu_node::kernels
