#include "kernels/reduce/rows.h"

#include <algorithm>
#include <bit>

#include "base/divide_up.h"
#include "kernels/aligned.h"
#include "kernels/check_block.h"
#include "kernels/elementwise/block_input.h"
#include "kernels/glsl/glsl_types.h"
#include "kernels/glsl/write_block.h"
#include "kernels/literal.h"
#include "kernels/reduce/accumulator_text.h"
#include "kernels/reduce/reduce_variants.h"
#include "kernels/reduce/reduction.h"
#include "kernels/reduce/row_shader.h"

namespace gpu_node::kernels {
namespace {

// Shared memory of a workgroup, so that several are at work on a processor.
constexpr uint32_t kSharedBytes = 32768;
// Of what an invocation keeps in registers: each four is text.
constexpr uint64_t kMostSlots = 32, kRegisterBytes = 256;
// What an invocation may walk in all, far below what any driver lets loops run (vulkan/driver_quirks.h).
constexpr int64_t kMaxWalked = 32768;

// Code with what it starts from.
struct Work {
  RowCode code;
  SmallList<BlockInput, 8> inputs;  // by source; places and counters of the rows' shape
  Shape shape, kept;                // of the rows; with reduced axes of one element
  Dims over;
  int64_t outputs = 1, count = 1;
};

bool reduces(const ir::Rows& rows, int64_t axis) {
  return std::find(rows.reduced.begin(), rows.reduced.end(), axis) != rows.reduced.end();
}

void add_source(const ir::AlignedSource& source, const ir::Rows& rows, std::span<const Arg> operands, Work& work) {
  RowCode::Source code;
  code.of_rows = true;
  for (int d = 0; d < source.shape.size(); ++d)
    code.of_rows = code.of_rows && (source.shape[d] == 1 || !reduces(rows, source.axes[d]));
  BlockInput input = aligned(source, rows.shape, operands);
  code.type = type_of(input);
  code.read = std::holds_alternative<Place>(input)    ? RowCode::Read::kTensor
              : std::holds_alternative<Scalar>(input) ? RowCode::Read::kNumber
                                                      : RowCode::Read::kCounter;
  work.inputs.push_back(std::move(input));
  work.code.sources.push_back(code);
}

Work work_of(const ir::Rows& rows, std::span<const Arg> operands) {
  Work work;
  work.shape = work.kept = rows.shape;
  for (const int64_t axis : rows.reduced) {
    work.over.push_back(axis);
    work.kept[static_cast<int>(axis)] = 1;
  }
  work.outputs = element_count(work.kept);
  work.count = element_count(work.shape) / work.outputs;
  for (const ir::AlignedSource& source : rows.sources) add_source(source, rows, operands, work);
  for (const ir::MapStep& step : rows.steps) work.code.steps.push_back({step.op, step.type, step.operands});
  for (const ir::RowResult& result : rows.written) work.code.written.push_back({result.value, result.of_rows});
  return work;
}

Reduction reduction_in(const Work& work, uint32_t value, const Place& from) {
  const RowCode::Step& step = *work.code.step(value);
  const RowAccumulator acc = accumulator_of(*step.op, step.type);
  return reduction_of(acc.accumulator, acc.element, from, work.over);
}

Result<void> check(const RowCode& code, const PlanBuilder& plan) {
  for (const RowCode::Step& step : code.steps) GPU_TRY(check_types(step.op->name, {&step.type, 1}, plan.device()));
  const RowWalks walks = walks_of(code, true);
  for (const RowWalk& walk : walks.walks) {
    GPU_TRY(check_block(walk.rows.block, plan));
    GPU_TRY(check_block(walk.elements.block, plan));
    for (const uint32_t value : walk.reductions) {
      const Dtype operand = code.type(code.step(value)->operands[0]);
      GPU_TRY(check_types(code.step(value)->op->name, {&operand, 1}, plan.device()));
    }
  }
  return check_block(walks.end.block, plan);
}

// Where the result |w| goes.
Place written_place(const Work& work, uint32_t w, const PlanBuilder& plan) {
  Place place = plan.result(w);
  place.map = IndexMap::row_major(work.code.written[w].of_rows ? work.kept : work.shape);
  return place;
}

// Block by block and reduction by reduction, with what they leave for each other in memory.
class Apart {
 public:
  Apart(const Work& work, PlanBuilder& plan) : work_(work), plan_(plan), at_(work.code.values()) {
    for (uint32_t v = 0; v < work.code.sources.size(); ++v) at_[v] = work.inputs[v];
  }

  Result<void> append() {
    const RowWalks walks = walks_of(work_.code, true);
    for (const RowWalk& walk : walks.walks) {
      GPU_TRY(append(walk.rows, true));
      GPU_TRY(append(walk.elements, false));
      for (const uint32_t w : walk.written)
        if (const uint32_t value = work_.code.written[w].value; walks.of_rows[value])
          GPU_TRY(append_wide(value, written_place(work_, w, plan_)));
      for (const uint32_t value : walk.reductions) {
        GPU_ASSIGN(const Place from, reduced_place(work_.code.step(value)->operands[0]));
        const Place to = place_for(value, true);
        GPU_TRY(append_reduction(reduction_in(work_, value, from), to, plan_));
        at_[value] = to;
      }
    }
    return append(walks.end, true);
  }

 private:
  Place place_for(uint32_t value, bool of_rows) {
    for (uint32_t w = 0; w < work_.code.written.size(); ++w)
      if (work_.code.written[w].value == value && work_.code.written[w].of_rows == of_rows)
        return written_place(work_, w, plan_);
    return plan_.add_scratch(work_.code.type(value), of_rows ? work_.kept : work_.shape);
  }

  // A tensor is reduced as it lies; what is computed as a tensor of the rows' shape would be, also where it is a number
  // of each row.
  Result<Place> reduced_place(uint32_t value) {
    const auto* place = std::get_if<Place>(&*at_[value]);
    if (place != nullptr && (value < work_.code.sources.size() || place->map.shape == work_.shape)) return *place;
    const Place whole = plan_.add_scratch(work_.code.type(value), work_.shape);
    GPU_TRY(append_wide(value, whole));
    return whole;
  }

  // The numbers of rows |value| for each element.
  Result<void> append_wide(uint32_t value, const Place& to) {
    const auto* place = std::get_if<Place>(&*at_[value]);
    return append_copy(place != nullptr ? Source(seen(*place, work_.shape)) : Source(std::get<Scalar>(*at_[value])), to,
                       plan_);
  }

  // |place| as one of |shape|, along which it repeats or of which it needs less.
  static Place seen(Place place, const Shape& shape) {
    for (int d = 0; d < shape.size(); ++d)
      if (place.map.shape[d] == 1 || shape[d] == 1) place.map.strides[d] = 0;
    place.map.shape = shape;
    return place;
  }

  BlockInput input(uint32_t value, const Shape& shape) const {
    if (const auto* place = std::get_if<Place>(&*at_[value])) return seen(*place, shape);
    if (const auto* counter = std::get_if<ir::Counter>(&*at_[value])) {
      Place place{Binding::Kind::kOperand, 0, counter->type, counter->map};
      return ir::Counter{counter->type, seen(place, shape).map};
    }
    return *at_[value];
  }

  Result<void> append(const RowBlock& block, bool of_rows) {
    if (block.empty()) return {};
    SmallList<BlockInput, 4> inputs;
    for (const uint32_t value : block.inputs) inputs.push_back(input(value, of_rows ? work_.kept : work_.shape));
    SmallList<Place, 2> to;
    for (const uint32_t value : block.results) {
      to.push_back(place_for(value, of_rows));
      at_[value] = to.back();
    }
    GPU_TRY(append_block(block.block, inputs.span(), to.span(), plan_));
    return {};
  }

  const Work& work_;
  PlanBuilder& plan_;
  std::vector<std::optional<BlockInput>> at_;  // by value, where it is
};

// Whether the order in which elements are taken shows.
bool is_ordered(const RowAccumulator& acc) { return !is_truth(acc.accumulator) && !is_integer(acc.element); }

// Makes the reductions that take the elements of a tensor in another order than |order| dispatches of their own, and
// sources of what is left.
Result<Work> set_apart(Work&& whole, const ReductionOrder& order, PlanBuilder& plan) {
  const auto sources = static_cast<uint32_t>(whole.code.sources.size());
  std::vector<uint32_t> apart;
  for (uint32_t v = sources; v < whole.code.values(); ++v) {
    if (!whole.code.is_reduction(v)) continue;
    const RowCode::Step& step = *whole.code.step(v);
    const uint32_t operand = step.operands[0];
    const RowAccumulator acc = accumulator_of(*step.op, step.type);
    if (operand >= sources || !is_ordered(acc)) continue;
    GPU_ASSIGN(const ReductionOrder own,
               order_of(acc.accumulator, acc.element, std::get<Place>(whole.inputs[operand]), whole.over, plan));
    if (!(own == order)) apart.push_back(v);
  }
  if (apart.empty()) return std::move(whole);
  Work rest = whole;
  rest.code.steps.clear();
  std::vector<uint32_t> number(whole.code.values());
  for (uint32_t v = 0; v < sources; ++v) number[v] = v;
  for (const uint32_t v : apart) {
    const Place to = plan.add_scratch(whole.code.type(v), whole.kept);
    GPU_TRY(append_reduction(reduction_in(whole, v, std::get<Place>(whole.inputs[whole.code.step(v)->operands[0]])), to,
                             plan));
    number[v] = static_cast<uint32_t>(rest.code.sources.size());
    rest.code.sources.push_back({RowCode::Read::kTensor, whole.code.type(v), true});
    Place wide = to;
    for (const int64_t axis : whole.over) wide.map.strides[static_cast<int>(axis)] = 0;
    wide.map.shape = whole.shape;
    rest.inputs.push_back(std::move(wide));
  }
  for (uint32_t v = sources; v < whole.code.values(); ++v) {
    if (std::find(apart.begin(), apart.end(), v) != apart.end()) continue;
    RowCode::Step step = *whole.code.step(v);
    for (uint32_t& operand : step.operands) operand = number[operand];
    number[v] = static_cast<uint32_t>(rest.code.values());
    rest.code.steps.push_back(std::move(step));
  }
  for (RowCode::Written& written : rest.code.written) written.value = number[written.value];
  return rest;
}

// Calls |f| with the places of elements, and their types; not with those of rows, nor with counters.
template <typename F>
void each_place_of_elements(const RowCode& code, F f) {
  size_t place = 0;
  for (const RowCode::Source& source : code.sources) {
    if (source.read == RowCode::Read::kTensor && !source.of_rows) f(place, source.type);
    place += source.read == RowCode::Read::kNumber ? 0 : 1;
  }
  for (const RowCode::Written& written : code.written) {
    if (!written.of_rows) f(place, code.type(written.value));
    ++place;
  }
}

// How many invocations a workgroup has, and what each keeps; false where not even the tree has room.
bool choose_memory(RowShader& shader, const Work& work, const ReductionOrder& order, const vulkan::DeviceInfo& device) {
  const uint32_t limit = std::min(device.shared_memory_bytes, kSharedBytes);
  const uint32_t most = std::min(256u, std::bit_floor(device.max_workgroup_invocations));
  const uint32_t least = std::max(static_cast<uint32_t>(order.lanes), std::min(device.subgroup_size, most));
  const uint32_t accs = acc_bytes(shader.code), kept = kept_bytes(shader.code, walks_of(shader.code, true));
  const int64_t pieces = divide_up(divide_up(work.count, int64_t{order.fours ? 4 : 1}), order.lanes);
  const uint64_t slots = std::bit_ceil(static_cast<uint64_t>(pieces)) * (order.fours ? 4 : 1);
  // A card's shared memory is for all workgroups of a multiprocessor: the less one takes the more are at work.
  shader.in_registers = shader.fours && !device.software && slots <= kMostSlots && slots * kept <= kRegisterBytes;
  const uint64_t shared = accs + (shader.in_registers ? 0 : slots * kept);
  for (uint32_t n = most; n >= least && kept > 0; n /= 2) {
    if (n * shared > limit) continue;
    shader.invocations = n;
    shader.slots = static_cast<uint32_t>(slots);
    return true;
  }
  shader.slots = 0;
  shader.in_registers = false;
  // Of long rows in software few to a workgroup, which is the least that can be waited for.
  shader.invocations = device.software ? least : most;
  while (shader.invocations > least && shader.invocations * accs > limit) shader.invocations /= 2;
  return shader.invocations * accs <= limit;
}

// Whether the elements of rows, along |along|, lie side by side in aligned fours wherever they are read or written.
bool lies_in_fours(const RowCode& code, const Axes& kept, const Axes& along, std::span<const int64_t> offsets) {
  if (along.size() != 1 || along[0].size % 4 != 0) return false;
  const auto place_does = [&](size_t place, Dtype type) {
    if (is_complex(type) || along[0].strides[place] != 1 || offsets[place] % 4 != 0) return false;
    return std::all_of(kept.begin(), kept.end(), [place](const Axis& axis) { return axis.strides[place] % 4 == 0; });
  };
  bool all = true;
  each_place_of_elements(code, [&](size_t place, Dtype type) { all = all && place_does(place, type); });
  return all;
}

// One dispatch of what is left of |work|; false where it is too large for one.
Result<bool> append_whole(Work&& work, const ReductionOrder& order, PlanBuilder& plan) {
  Axes kept, along;
  Dispatch dispatch;
  SmallList<int64_t, 8> offsets;
  SmallList<uint32_t, 8> numbers;
  for (int d = 0; d < work.shape.size(); ++d)
    (work.kept[d] == work.shape[d] ? kept : along).push_back({work.shape[d], {}});
  const auto add_strides = [&](const IndexMap& map) {
    size_t outer = 0, inner = 0;
    for (int d = 0; d < work.shape.size(); ++d) {
      const bool is_kept = work.kept[d] == work.shape[d];
      const int64_t stride = map.shape[d] == 1 ? 0 : map.strides[d];
      (is_kept ? kept[outer++] : along[inner++]).strides.push_back(stride);
    }
  };
  const auto add_place = [&](const Place& place, bool written) -> bool {
    const Result<Bound> bound = plan.bind(place, written);
    if (!bound.ok()) return false;
    dispatch.bindings.push_back(bound->binding);
    offsets.push_back(bound->offset);
    add_strides(place.map);
    return true;
  };
  for (const BlockInput& input : work.inputs) {
    if (const auto* number = std::get_if<Scalar>(&input)) {
      LiteralBits bits = literal_bits(*number);
      bits.truncate(words_of_number(number->dtype));
      numbers.append(bits.begin(), bits.end());
    } else if (const auto* counter = std::get_if<ir::Counter>(&input)) {
      offsets.push_back(counter->map.offset);
      add_strides(counter->map);
    } else if (!add_place(std::get<Place>(input), false)) {
      return false;
    }
  }
  for (uint32_t w = 0; w < work.code.written.size(); ++w)
    if (!add_place(written_place(work, w, plan), true)) return false;
  merge_axes(kept);
  merge_axes(along);
  RowShader shader;
  shader.code = std::move(work.code);
  shader.kept_rank = static_cast<uint32_t>(kept.size());
  shader.walk_rank = static_cast<uint32_t>(along.size());
  shader.fours = order.fours && lies_in_fours(shader.code, kept, along, offsets.span());
  if (!choose_memory(shader, work, order, plan.device())) return false;
  if (shader.fours) {
    each_place_of_elements(shader.code, [&](size_t place, Dtype) {
      offsets[place] /= 4;
      for (Axis& axis : kept) axis.strides[place] /= 4;
    });
  }
  const auto walks = static_cast<int64_t>(walks_of(shader.code, true).walks.size());
  if (divide_up(work.count, order.lanes) * walks > kMaxWalked) return false;

  SmallList<uint32_t, 32> words;
  const auto put = [&words](int64_t value) { words.push_back(static_cast<uint32_t>(value)); };
  put(work.outputs);
  put(shader.fours ? work.count / 4 : work.count);
  put(std::countr_zero(static_cast<uint64_t>(order.lanes)) + (order.rows ? 32 : 0));
  put(order.fours ? 2 : 0);
  for (const int64_t offset : offsets) put(offset);
  for (const Axes* axes : {&kept, &along})
    for (const Axis& axis : *axes) {
      put(axis.size);
      for (const int64_t stride : axis.strides) put(stride);
    }
  words.append(numbers.begin(), numbers.end());
  dispatch.key = shader.key();
  plan.set_parameters({words.begin(), words.size()}, dispatch);
  const int64_t groups = divide_up(work.outputs, shader.invocations / order.lanes);
  const int64_t x = std::min<int64_t>(groups, plan.device().max_groups[0]);
  dispatch.grid.groups[0] = static_cast<uint32_t>(x);
  dispatch.grid.groups[1] = static_cast<uint32_t>(divide_up(groups, x));
  dispatch.grid.groups[2] = 1;
  dispatch.grid.units =
      static_cast<double>(work.outputs) * static_cast<double>(work.count * std::max<int64_t>(walks, 1));
  dispatch.emit = [shader = std::move(shader), device = &plan.device()] { return shader.emit(*device); };
  GPU_TRY(plan.append(std::move(dispatch)));
  return true;
}

Result<void> append_rows(Work&& work, PlanBuilder& plan) {
  GPU_TRY(check(work.code, plan));
  // The order in which a tensor of the rows' shape would be reduced, as all that is computed of them is.
  const Place whole{Binding::Kind::kScratch, 0, Dtype::f32, IndexMap::row_major(work.shape)};
  const Result<ReductionOrder> order = order_of(Accumulator::kSum, Dtype::f32, whole, work.over, plan);
  const ReduceVariant& variant = plan.device().software ? kInSoftware : kOnGpu;
  const bool fits = work.outputs * work.count <= variant.whole_rows;
  if (!order.ok() || !order->whole || !fits) return Apart(work, plan).append();
  GPU_ASSIGN(Work rest, set_apart(Work(work), *order, plan));
  GPU_ASSIGN(const bool done, append_whole(Work(rest), *order, plan));
  return done ? Result<void>() : Apart(rest, plan).append();
}

}  // namespace

Result<Plan> plan(const ir::Rows& rows, std::span<const Arg> operands, const vulkan::DeviceInfo& device) {
  PlanBuilder builder("rows", device);
  for (const auto& [name, type] : rows.results) builder.add_result(type);
  GPU_TRY(append_rows(work_of(rows, operands), builder));
  return builder.take();
}

}  // namespace gpu_node::kernels
