#include "chain/launch.h"

#include <algorithm>
#include <limits>

#include "base/concat.h"
#include "base/divide_up.h"
#include "scalar/op_code.h"

namespace gpu_node::chain {
namespace {

constexpr uint64_t kMaxNumbers = std::numeric_limits<uint32_t>::max() / 2;
constexpr uint64_t kManyPlaces = 8192;  // from here on a workgroup is worth more lanes
constexpr uint64_t kMostOwn = 256;      // numbers that a thread has in registers
constexpr uint32_t kSubgroups = 4;      // of a workgroup, a chain in each

// Iterations that a software driver takes 5 ms for, or 20 where memory is slow, of eight lanes side by side; and the
// least of a piece.
constexpr double kTimedIterations = 5e5;
constexpr uint64_t kLeastTimed = 1024;
constexpr uint64_t kMostAtOnce = uint64_t{1} << 31;  // rounds are counted in 32 bits

uint64_t size_of(const Schedule& schedule, const Launch& launch, IndexId id) {
  return launch.words[schedule.indices[id].dimension];
}

// REQUIRES that the product was found to be small enough.
uint64_t places(const Schedule& schedule, const Launch& launch, IndexSet set) {
  uint64_t count = 1;
  for (const IndexId id : members(set)) count *= size_of(schedule, launch, id);
  return count;
}

Result<uint64_t> checked_places(const Schedule& schedule, const Launch& launch, IndexSet set) {
  uint64_t count = 1;
  for (const IndexId id : members(set)) {
    count *= size_of(schedule, launch, id);
    if (count > kMaxNumbers)
      return Error{ErrorCode::kUnsupported,
                   concat("a value over several dimensions has more than ", kMaxNumbers, " elements")};
  }
  return count;
}

uint64_t lanes_of(const Launch& launch, Mapping mapping) {
  if (mapping == Mapping::kThread) return 1;
  return mapping == Mapping::kSubgroup ? launch.subgroup : launch.lanes;
}

uint64_t inner_size(const Schedule& schedule, const Launch& launch, const Stage& stage) {
  return stage.inner ? size_of(schedule, launch, *stage.inner) : 0;
}

// Iterations that add up the parts of sums that are side by side.
uint64_t adding(const Schedule& schedule, const Launch& launch, const Stage& stage, Mapping mapping) {
  const size_t sums = stage.sums.size();
  if (stage.outer != 0 || sums == 0) return 0;
  const uint64_t inner = inner_size(schedule, launch, stage);
  const uint64_t parts = std::min<uint64_t>(inner, launch.lanes);
  if (mapping == Mapping::kThread) return 2 * parts;
  if (mapping == Mapping::kWorkgroup) return sums * 2 * launch.lanes / kFan + 2 * kFan;
  return divide_up<uint64_t>(parts, launch.subgroup) * (1 + sums * (kFan + divide_up<uint64_t>(launch.subgroup, kFan)));
}

// Iterations of one invocation over the places of |stage|, without adding().
uint64_t iterations(const Schedule& schedule, const Launch& launch, const Stage& stage, Mapping mapping) {
  const uint64_t inner = inner_size(schedule, launch, stage);
  const uint64_t lanes = lanes_of(launch, mapping);
  if (stage.outer != 0) return divide_up<uint64_t>(places(schedule, launch, stage.outer), lanes) * (1 + inner);
  if (stage.sums.empty() || mapping == Mapping::kThread) return divide_up<uint64_t>(inner, lanes);
  return divide_up<uint64_t>(inner, launch.lanes) * divide_up<uint64_t>(std::min<uint64_t>(inner, launch.lanes), lanes);
}

class Rounder {
 public:
  Rounder(const Schedule& schedule, const Launch& launch, Mapping mapping)
      : schedule_(schedule),
        launch_(launch),
        mapping_(mapping),
        lanes_(lanes_of(launch, mapping)),
        most_(launch.most_of_piece[static_cast<size_t>(mapping)]),
        piece_(most_ / 2) {}

  Result<Rounds> plan() {
    const auto last = static_cast<uint32_t>(schedule_.stages.size() + 1);
    const uint64_t moves = divide_up<uint64_t>(launch_.coordinates, lanes_);
    const uint64_t both_ends = 2 * moves;  // of a dispatch: a chain's numbers are fetched and brought back
    rounds_.iterations = 1 + 3 * moves;
    for (const Stage& stage : schedule_.stages) {
      rounds_.iterations += iterations(schedule_, launch_, stage, mapping_);
      rounds_.adding += adding(schedule_, launch_, stage, mapping_);
    }
    rounds_.iterations += rounds_.adding;
    if (rounds_.iterations + both_ends <= most_) {
      rounds_.pieces = {{0, last + 1}};
      rounds_.most_in_one = (launch_.most_iterations - both_ends) / rounds_.iterations;
      return std::move(rounds_);
    }
    cut(0, launch_.coordinates);
    for (uint32_t i = 1; i < last; ++i) GPU_TRY(add(i, schedule_.stages[i - 1]));
    cut(last, launch_.coordinates);
    return std::move(rounds_);
  }

 private:
  // Parts of sums stay what they are where pieces begin at a multiple of |unit|.
  void cut(uint32_t stage, uint64_t places, uint64_t unit = 1) {
    const uint64_t step = std::max<uint64_t>(piece_ * lanes_ / unit, 1) * unit;
    for (uint64_t begin = 0; begin == 0 || begin < places; begin += step)
      rounds_.pieces.push_back({stage, stage + 1, static_cast<uint32_t>(begin),
                                begin + step < places ? static_cast<uint32_t>(begin + step) : ~0u});
  }

  Result<void> add(uint32_t number, const Stage& stage) {
    const uint64_t inner = inner_size(schedule_, launch_, stage);
    const uint64_t all = iterations(schedule_, launch_, stage, mapping_) + adding(schedule_, launch_, stage, mapping_);
    if (all <= most_) {
      rounds_.pieces.push_back({number, number + 1});
      return {};
    }
    if (stage.outer == 0) {
      if (mapping_ == Mapping::kThread && !stage.sums.empty())
        return Error{ErrorCode::kUnsupported,
                     concat("one thread cannot add ", inner, " numbers; a workgroup for each chain can")};
      cut(number, inner, stage.sums.empty() ? 1 : launch_.lanes);
      return {};
    }
    if (1 + inner <= piece_) {
      const uint64_t outer = places(schedule_, launch_, stage.outer);
      const uint64_t step = piece_ / (1 + inner) * lanes_;
      for (uint64_t begin = 0; begin < outer; begin += step)
        rounds_.pieces.push_back(
            {number, number + 1, static_cast<uint32_t>(begin), static_cast<uint32_t>(std::min(begin + step, outer))});
      return {};
    }
    const uint64_t outer = places(schedule_, launch_, stage.outer);
    for (uint64_t begin = 0; begin < outer; begin += lanes_)
      for (uint64_t at = 0; at < inner; at += piece_)
        rounds_.pieces.push_back({number, number + 1, static_cast<uint32_t>(begin),
                                  static_cast<uint32_t>(std::min(begin + lanes_, outer)), static_cast<uint32_t>(at),
                                  static_cast<uint32_t>(std::min(at + piece_, inner))});
    return {};
  }

  const Schedule& schedule_;
  const Launch& launch_;
  const Mapping mapping_;
  const uint64_t lanes_;
  const uint64_t most_;   // iterations of a piece
  const uint64_t piece_;  // of a part of a stage, for what else it does
  Rounds rounds_;
};

// How far an invocation may loop. One thread alone has no piece of a sum: there time asks in vain. On a GPU a piece of
// so many takes milliseconds too.
void bound_iterations(Launch& launch, const vulkan::DeviceInfo& device, uint64_t most_iterations) {
  if (most_iterations > 0) {
    launch.most_iterations = most_iterations;
    launch.most_of_piece.fill(most_iterations);
    return;
  }
  launch.most_iterations = device.max_loop_iterations > kMostAtOnce ? kMostAtOnce : kMaxIterations;
  if (!device.software) return;
  constexpr uint32_t kLanes = 8;
  const auto timed = static_cast<uint64_t>(kTimedIterations / launch.weight);
  const uint64_t of_workgroup = timed * kLanes / std::max(launch.lanes, kLanes);
  launch.most_of_piece = {std::max(timed, kMaxIterations), std::max(timed, kLeastTimed),
                          std::max(of_workgroup, kLeastTimed)};
  for (uint64_t& most : launch.most_of_piece) most = std::min(most, launch.most_iterations);
}

}  // namespace

Result<Launch> plan_launch(const Program& program, const Schedule& schedule, const Binding& binding,
                           const vulkan::DeviceInfo& device, uint64_t most_iterations) {
  Launch launch;
  const std::vector<int64_t> offsets = coordinate_offsets(program, binding);
  const auto d = static_cast<uint64_t>(offsets.back());
  if (d > kMaxNumbers / 4)
    return Error{ErrorCode::kUnsupported, concat(d, " coordinates are more than ", kMaxNumbers / 4)};
  launch.coordinates = static_cast<uint32_t>(d);
  uint64_t longest = 0;
  for (const int64_t size : binding.dimensions) {
    launch.words.push_back(static_cast<uint32_t>(size));
    longest = std::max(longest, static_cast<uint64_t>(size));
  }
  if (longest >= kManyPlaces && device.max_workgroup_invocations >= 256) launch.lanes = 256;
  if (device.has_subgroup_shuffle && device.subgroup_size <= device.max_workgroup_invocations) {
    launch.subgroup = device.subgroup_size;
    launch.lanes = std::max(launch.lanes, launch.subgroup);
    // Lavapipe mixes up the subgroups of a workgroup where one ends before another meets a barrier.
    const uint32_t most = device.software ? 1 : kSubgroups;
    launch.subgroups = std::min(most, device.max_workgroup_invocations / launch.subgroup);
  }
  for (size_t i = 0; i + 1 < offsets.size(); ++i) launch.words.push_back(static_cast<uint32_t>(offsets[i]));
  // A transcendental function takes about as long as ten sums.
  for (const Value& value : program.values)
    if (value.varies && value.kind == ValueKind::kApply && scalar::is_heavy(row_of(value.op), Dtype::f64))
      launch.weight += 10;
  bound_iterations(launch, device, most_iterations);
  uint64_t next = 0;
  for (const ValueId id : schedule.known) {
    GPU_ASSIGN(const uint64_t count, checked_places(schedule, launch, program.values[id].free));
    launch.words.push_back(static_cast<uint32_t>(next));
    launch.known_counts.push_back(count);
    next += count;
    if (next > kMaxNumbers) return Error{ErrorCode::kUnsupported, "the data has too many numbers for one buffer"};
  }
  next = 3 * d;
  for (const Slot& slot : schedule.slots) {
    GPU_ASSIGN(const uint64_t count, checked_places(schedule, launch, slot.free));
    if (slot.gradient_of) {
      launch.words.push_back(static_cast<uint32_t>(2 * d + static_cast<uint64_t>(offsets[*slot.gradient_of])));
      continue;
    }
    launch.words.push_back(static_cast<uint32_t>(next));
    next += count;
    if (next > kMaxNumbers) return Error{ErrorCode::kUnsupported, "a chain has too many numbers for one buffer"};
  }
  launch.words.push_back(static_cast<uint32_t>(next));
  for (const Stage& stage : schedule.stages) GPU_TRY(checked_places(schedule, launch, stage.loops()));
  // Room for the parts of sums that one dispatch does not finish.
  GPU_ASSIGN(const Rounds rounds, plan_rounds(schedule, launch, Mapping::kWorkgroup));
  const auto by_subgroup = plan_rounds(schedule, launch, Mapping::kSubgroup);
  if (rounds.pieces.size() > 1 || (by_subgroup.ok() && by_subgroup->pieces.size() > 1)) {
    size_t sums = 0;
    for (const Stage& stage : schedule.stages) sums = std::max(sums, stage.sums.size());
    next += sums * launch.lanes;
  }
  launch.chain_slots = static_cast<uint32_t>(next);
  return launch;
}

KernelShape kernel_shape(const Schedule& schedule, const Launch& launch, Mapping mapping, Dtype dtype,
                         const vulkan::DeviceInfo& device) {
  KernelShape shape = {dtype, mapping, launch.lanes, launch.chains_per_group(mapping)};
  const auto rounds = plan_rounds(schedule, launch, mapping);
  if (!rounds.ok() || rounds->pieces.size() > 1) return shape;
  const uint64_t numbers = uint64_t{launch.chain_slots} + launch.coordinates;
  if (mapping == Mapping::kThread) {
    if (numbers <= kMostOwn) shape.home = Home::kOwn;
  } else {
    const uint64_t bytes = numbers * shape.chains * dtype_info(dtype).size_bytes;
    // A workgroup of several chains leaves room for others on its processor.
    const uint64_t room = device.shared_memory_bytes / (mapping == Mapping::kSubgroup ? 2 : 1);
    if (bytes + sum_bytes(schedule, shape, device) <= room) shape.home = Home::kShared;
  }
  if (shape.home == Home::kBuffer) return shape;
  shape.coordinates = launch.coordinates;
  shape.chain_slots = launch.chain_slots;
  shape.words = launch.words;
  return shape;
}

Result<Rounds> plan_rounds(const Schedule& schedule, const Launch& launch, Mapping mapping) {
  if (mapping == Mapping::kSubgroup && launch.subgroup == 0)
    return Error{ErrorCode::kUnsupported,
                 "a subgroup for each chain needs full subgroups with shuffles, which the device lacks"};
  return Rounder(schedule, launch, mapping).plan();
}

}  // namespace gpu_node::chain
