#include "kernels/loop/group_layout.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/concat.h"
#include "base/divide_up.h"
#include "kernels/check_block.h"
#include "kernels/glsl/glsl_types.h"
#include "kernels/reduce/accumulator_text.h"
#include "scalar/op_code.h"

namespace gpu_node::kernels {
namespace {

// Of a card a few subgroups, among which barriers cost little. Of a software driver one: there each barrier costs a
// change of what runs.
constexpr uint32_t kInvocations = 128;
constexpr double kStepsOfBarrier = 16, kStepsOfProduct = 8;
// What reductions keep of lanes at a time: more outputs go one lot after the other.
constexpr int64_t kMostLanes = 512;

uint32_t invocations_of(const vulkan::DeviceInfo& device) {
  const uint32_t wanted = device.software ? std::max(device.subgroup_size, 4u) : kInvocations;
  return std::bit_floor(std::min(wanted, device.max_workgroup_invocations));
}

int64_t power_above(int64_t value) { return static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(value))); }

Axes axes_of_read(const GroupRead& read) {
  Axes axes;
  for (int d = 0; d < read.map.shape.size(); ++d) axes.push_back({read.map.shape[d], {read.map.strides[d]}});
  merge_axes(axes);
  return axes;
}

// When each value's array is written first and read last, by stage.
struct Life {
  size_t first = 0, last = 0;
};

std::vector<Life> lives_of(const GroupCode& code) {
  std::vector<Life> lives(code.values.size());
  for (size_t s = 0; s < code.stages.size(); ++s) {
    const auto reads = [&](const GroupRead& read) {
      if (read.value) lives[*read.value].last = s;
    };
    for (const GroupElements& one : code.stages[s].elements) {
      for (const GroupRead& read : one.reads) reads(read);
      for (const uint32_t value : one.writes) lives[value] = {s, s};
    }
    for (const GroupReduction& one : code.stages[s].reductions) {
      for (const GroupRead& read : one.sources) reads(read);
      lives[one.result] = {s, s};
    }
  }
  for (const uint32_t value : code.outputs) lives[value].last = code.stages.size();
  return lives;
}

// The values that have arrays of their own: those that are made and written.
std::vector<uint32_t> arrays_of(const GroupCode& code) {
  std::vector<uint32_t> arrays;
  const auto add = [&](uint32_t value) {
    if (!code.values[value].is_number()) arrays.push_back(value);
  };
  for (const GroupStage& stage : code.stages) {
    for (const GroupElements& one : stage.elements)
      for (const uint32_t value : one.writes) add(value);
    for (const GroupReduction& one : stage.reductions) add(one.result);
  }
  return arrays;
}

}  // namespace

double steps_of(const scalar::Block& block) {
  double steps = 1;
  for (const scalar::Value& value : block.values())
    if (value.op != nullptr) steps += scalar::is_function(*value.op, value.type) ? 16 : 1;
  return steps;
}

void GroupMemory::reserve(Dtype type, int64_t elements) {
  const std::string_view name = compute_type(type);
  auto array = std::ranges::find(arrays_, name, &Array::type);
  if (array == arrays_.end()) array = arrays_.insert(array, {name, computing_type(type), 0});
  array->length = std::max(array->length, power_above(elements));
}

size_t GroupMemory::reserve(Accumulator accumulator, Dtype element, bool products, int64_t lanes) {
  const auto is_it = [&](const Accumulators& one) {
    return one.accumulator == accumulator && one.element == element && one.products == products;
  };
  auto found = std::ranges::find_if(accumulators_, is_it);
  if (found == accumulators_.end()) found = accumulators_.insert(found, {accumulator, element, products, 0});
  found->length = std::max(found->length, power_above(lanes));
  return static_cast<size_t>(found - accumulators_.begin());
}

int64_t GroupMemory::bytes() const {
  int64_t bytes = 0;
  for (const Array& array : arrays_) bytes += array.length * std::max(dtype_size_bytes(array.element), 4);
  for (const Accumulators& one : accumulators_)
    bytes +=
        one.length * (acc_value_bytes(one.accumulator, one.element) + acc_extra_bytes(one.accumulator, one.element));
  return bytes;
}

void GroupMemory::append_text(std::string& text) const {
  for (const Array& array : arrays_) text += concat(array.type, array.length, " ");
  for (const Accumulators& one : accumulators_)
    text +=
        concat(accumulator_name(one.accumulator), dtype_name(one.element), one.products ? "*" : ".", one.length, " ");
}

GroupPlanner::GroupPlanner(PlanBuilder& plan) : plan_(plan), invocations_(invocations_of(plan.device())) {}

uint32_t GroupPlanner::place(const GroupValue& value) {
  if (value.is_number()) return 0;
  const std::string_view type = compute_type(value.type);
  auto fixed = std::ranges::find(fixed_, type, &std::pair<std::string_view, int64_t>::first);
  if (fixed == fixed_.end()) fixed = fixed_.insert(fixed, {type, 0});
  const int64_t at = fixed->second;
  fixed->second += value.count;
  memory_.reserve(value.type, fixed->second);
  return static_cast<uint32_t>(at);
}

uint32_t GroupPlanner::add_word(int64_t value) {
  words_.push_back(static_cast<uint32_t>(value));
  return static_cast<uint32_t>(words_.size() - 1);
}

void GroupPlanner::find_offsets(const GroupCode& code, std::span<const uint32_t> inputs) {
  offsets_.assign(code.values.size(), 0);
  std::ranges::copy(inputs, offsets_.begin());
  const std::vector<Life> lives = lives_of(code);
  std::vector<uint32_t> placed;
  for (const uint32_t value : arrays_of(code)) {
    const std::string_view type = compute_type(code.values[value].type);
    const auto fixed = std::ranges::find(fixed_, type, &std::pair<std::string_view, int64_t>::first);
    // The lowest place that is free while it lives.
    std::vector<std::pair<int64_t, int64_t>> taken;
    for (const uint32_t other : placed)
      if (compute_type(code.values[other].type) == type && lives[other].last >= lives[value].first &&
          lives[value].last >= lives[other].first)
        taken.emplace_back(offsets_[other], offsets_[other] + code.values[other].count);
    std::ranges::sort(taken);
    int64_t at = fixed == fixed_.end() ? 0 : fixed->second;
    for (const auto& [from, to] : taken) {
      if (from >= at + code.values[value].count) break;
      at = std::max(at, to);
    }
    offsets_[value] = static_cast<uint32_t>(at);
    memory_.reserve(code.values[value].type, at + code.values[value].count);
    placed.push_back(value);
  }
}

void GroupPlanner::count(double elements, double steps) {
  const double rounds = std::max(1.0, elements / invocations_);
  steps_ += elements * steps;
  steps_in_line_ += rounds * steps;
  iterations_ += rounds + 1;
}

ReadLayout GroupPlanner::add_read(const GroupCode& code, const GroupRead& read) {
  ReadLayout layout;
  if (read.value && code.values[*read.value].is_number()) return layout;
  const int64_t start = read.value ? offsets_[*read.value] : 0;
  layout.at = add_word(start + read.map.offset);
  if (read.is_plain()) return layout;
  const Axes axes = axes_of_read(read);
  layout.rank = static_cast<uint32_t>(axes.size());
  for (const Axis& axis : axes) {
    add_word(axis.size);
    add_word(axis.strides[0]);
  }
  return layout;
}

Result<std::optional<ReductionLayout>> GroupPlanner::add_reduction(const GroupCode& code, const GroupReduction& one) {
  SmallList<Place, 2> places;
  for (size_t k = 0; k < one.sources.size(); ++k)
    places.push_back({Binding::Kind::kOperand, static_cast<uint32_t>(k), one.sources[k].type, one.sources[k].map});
  const Dtype result = code.values[one.result].type;
  const bool products = one.sources.size() == 2;
  Reduction reduction;
  if (products) {
    GPU_ASSIGN(std::optional<Reduction> thin, thin_product(places[0], places[1], one.axes, result, plan_));
    if (!thin) return std::optional<ReductionLayout>();
    reduction = *std::move(thin);
  } else {
    reduction = reduction_of(one.accumulator, one.element, places[0], one.over);
    reduction.ordered = one.ordered;
  }
  const Dtype element = reduction.element;
  GPU_ASSIGN(const std::optional<ReductionWalk> walk, walk_of(std::move(reduction), result, plan_));
  if (!walk) return std::optional<ReductionLayout>();
  ReductionLayout layout;
  layout.fours = walk->fours;
  layout.kept_rank = static_cast<uint32_t>(walk->kept.size());
  layout.walk_rank = static_cast<uint32_t>(walk->reduced.size());
  const int64_t at_once = std::clamp<int64_t>(kMostLanes / walk->lanes, 1, walk->outputs);
  layout.accumulator = memory_.reserve(one.accumulator, element, products, at_once * walk->lanes);
  layout.at = add_word(walk->outputs);
  add_word(walk->count);
  add_word(std::countr_zero(static_cast<uint64_t>(walk->lanes)));
  add_word(at_once);
  add_word(offsets_[one.result]);
  for (size_t k = 0; k < one.sources.size(); ++k) add_word(offsets_[*one.sources[k].value] + walk->offsets[k]);
  for (const Axes* axes : {&walk->kept, &walk->reduced})
    for (const Axis& axis : *axes) {
      add_word(axis.size);
      for (const int64_t stride : axis.strides) add_word(stride);
    }
  const auto outputs = static_cast<double>(walk->outputs), lanes = static_cast<double>(walk->lanes);
  const double lots = static_cast<double>(divide_up(walk->outputs, at_once));
  const double each = static_cast<double>(divide_up(walk->count, walk->lanes)) * (walk->fours ? 4 : 1);
  count(outputs * lanes, each * (products ? kStepsOfProduct : 4) + 4);
  iterations_ += each * std::max(1.0, outputs * lanes / invocations_);
  for (int64_t gap = walk->lanes / 2; gap > 0; gap /= 2) count(outputs * static_cast<double>(gap), 4);
  count(outputs, 2);
  steps_in_line_ += lots * (std::log2(lanes) + 2) * kStepsOfBarrier;
  iterations_ += lots * (std::log2(lanes) + 2);
  return std::optional(layout);
}

Result<std::optional<GroupLayout>> GroupPlanner::add(const GroupCode& code, std::span<const uint32_t> inputs) {
  for (const GroupValue& value : code.values) GPU_TRY(check_types(plan_.op(), {&value.type, 1}, plan_.device()));
  find_offsets(code, inputs);
  GroupLayout layout;
  for (const GroupStage& stage : code.stages) {
    StageLayout& laid = layout.emplace_back();
    for (const GroupElements& one : stage.elements) {
      GPU_TRY(check_block(one.block, plan_));
      ElementsLayout& elements = laid.elements.emplace_back();
      if (one.count > 1) elements.count = add_word(one.count);
      for (const GroupRead& read : one.reads) elements.reads.push_back(add_read(code, read));
      for (const uint32_t value : one.writes) elements.writes.push_back(one.count == 1 ? 0 : add_word(offsets_[value]));
      count(static_cast<double>(one.count), steps_of(one.block) + static_cast<double>(one.reads.size()));
    }
    for (const GroupReduction& one : stage.reductions) {
      GPU_ASSIGN(const std::optional<ReductionLayout> reduction, add_reduction(code, one));
      if (!reduction) return std::optional<GroupLayout>();
      laid.reductions.push_back(*reduction);
    }
    steps_in_line_ += kStepsOfBarrier;
  }
  return std::optional(std::move(layout));
}

void append_text(const GroupLayout& layout, std::string& text) {
  for (const StageLayout& stage : layout) {
    text += '|';
    for (const ElementsLayout& one : stage.elements)
      for (const ReadLayout& read : one.reads) text += concat(read.rank, ",");
    for (const ReductionLayout& one : stage.reductions)
      text += concat("k", one.kept_rank, "w", one.walk_rank, one.fours ? "v" : "", ",");
  }
}

}  // namespace gpu_node::kernels
