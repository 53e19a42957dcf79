#include "chain/launch.h"

#include <algorithm>
#include <limits>

#include "ir/op.h"
#include "kernels/op_code.h"

namespace gpu_node::chain {
namespace {

constexpr uint64_t kMaxNumbers = std::numeric_limits<uint32_t>::max() / 2;
constexpr uint64_t kManyPlaces = 8192;  // from here on a workgroup is worth more lanes

uint64_t ceil_div(uint64_t a, uint64_t b) { return (a + b - 1) / b; }

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
                   "a value over several dimensions has more than " + std::to_string(kMaxNumbers) + " elements"};
  }
  return count;
}

uint64_t lanes_of(const Launch& launch, Mapping mapping) { return mapping == Mapping::kThread ? 1 : launch.lanes; }

uint64_t inner_size(const Schedule& schedule, const Launch& launch, const Stage& stage) {
  return stage.inner ? size_of(schedule, launch, *stage.inner) : 0;
}

// Iterations of one invocation in |stage|.
uint64_t iterations(const Schedule& schedule, const Launch& launch, const Stage& stage, Mapping mapping) {
  const uint64_t inner = inner_size(schedule, launch, stage);
  const uint64_t lanes = lanes_of(launch, mapping);
  if (stage.outer != 0) return ceil_div(places(schedule, launch, stage.outer), lanes) * (1 + inner);
  if (stage.sums.empty() || mapping == Mapping::kThread) {
    const uint64_t parts = stage.sums.empty() ? 0 : std::min<uint64_t>(inner, launch.lanes);
    return ceil_div(inner, lanes) + 2 * parts;
  }
  return ceil_div(inner, lanes) + stage.sums.size() * 2 * launch.lanes / kFan + 2 * kFan;
}

class Rounder {
 public:
  Rounder(const Schedule& schedule, const Launch& launch, Mapping mapping)
      : schedule_(schedule),
        launch_(launch),
        mapping_(mapping),
        lanes_(lanes_of(launch, mapping)),
        piece_(launch.most_iterations / 2) {}

  Result<Rounds> plan() {
    const auto last = static_cast<uint32_t>(schedule_.stages.size() + 1);
    const uint64_t moves = ceil_div(launch_.coordinates, lanes_);
    rounds_.iterations = 1 + 2 * moves;
    for (const Stage& stage : schedule_.stages) rounds_.iterations += iterations(schedule_, launch_, stage, mapping_);
    if (rounds_.iterations <= launch_.most_iterations) {
      rounds_.pieces = {{0, last + 1}};
      rounds_.most_in_one = launch_.most_iterations / rounds_.iterations;
      return std::move(rounds_);
    }
    cut(0, launch_.coordinates);
    for (uint32_t i = 1; i < last; ++i) GPU_TRY(add(i, schedule_.stages[i - 1]));
    cut(last, launch_.coordinates);
    return std::move(rounds_);
  }

 private:
  void cut(uint32_t stage, uint64_t places) {
    const uint64_t step = piece_ * lanes_;
    for (uint64_t begin = 0; begin == 0 || begin < places; begin += step)
      rounds_.pieces.push_back({stage, stage + 1, static_cast<uint32_t>(begin),
                                begin + step < places ? static_cast<uint32_t>(begin + step) : ~0u});
  }

  Result<void> add(uint32_t number, const Stage& stage) {
    const uint64_t inner = inner_size(schedule_, launch_, stage);
    if (iterations(schedule_, launch_, stage, mapping_) <= launch_.most_iterations) {
      rounds_.pieces.push_back({number, number + 1});
      return {};
    }
    if (stage.outer == 0) {
      if (mapping_ == Mapping::kThread && !stage.sums.empty())
        return Error{ErrorCode::kUnsupported,
                     "one thread cannot add " + std::to_string(inner) + " numbers; a workgroup for each chain can"};
      cut(number, inner);
      return {};
    }
    if (1 + inner <= piece_) {
      const uint64_t all = places(schedule_, launch_, stage.outer);
      const uint64_t step = piece_ / (1 + inner) * lanes_;
      for (uint64_t begin = 0; begin < all; begin += step)
        rounds_.pieces.push_back(
            {number, number + 1, static_cast<uint32_t>(begin), static_cast<uint32_t>(std::min(begin + step, all))});
      return {};
    }
    const uint64_t all = places(schedule_, launch_, stage.outer);
    for (uint64_t begin = 0; begin < all; begin += lanes_)
      for (uint64_t at = 0; at < inner; at += piece_)
        rounds_.pieces.push_back({number, number + 1, static_cast<uint32_t>(begin),
                                  static_cast<uint32_t>(std::min(begin + lanes_, all)), static_cast<uint32_t>(at),
                                  static_cast<uint32_t>(std::min(at + piece_, inner))});
    return {};
  }

  const Schedule& schedule_;
  const Launch& launch_;
  const Mapping mapping_;
  const uint64_t lanes_;
  const uint64_t piece_;  // iterations of a part of a stage, for what else it does
  Rounds rounds_;
};

}  // namespace

Result<Launch> plan_launch(const Program& program, const Schedule& schedule, const Binding& binding,
                           const vulkan::DeviceInfo& device, uint64_t most_iterations) {
  Launch launch;
  launch.most_iterations = most_iterations;
  const std::vector<int64_t> offsets = coordinate_offsets(program, binding);
  const auto d = static_cast<uint64_t>(offsets.back());
  if (d > kMaxNumbers / 4)
    return Error{ErrorCode::kUnsupported,
                 std::to_string(d) + " coordinates are more than " + std::to_string(kMaxNumbers / 4)};
  launch.coordinates = static_cast<uint32_t>(d);
  uint64_t longest = 0;
  for (const int64_t size : binding.dimensions) {
    launch.words.push_back(static_cast<uint32_t>(size));
    longest = std::max(longest, static_cast<uint64_t>(size));
  }
  if (longest >= kManyPlaces && device.max_workgroup_invocations >= 256) launch.lanes = 256;
  for (size_t i = 0; i + 1 < offsets.size(); ++i) launch.words.push_back(static_cast<uint32_t>(offsets[i]));
  // A transcendental function takes about as long as ten sums.
  for (const Value& value : program.values)
    if (value.varies && value.kind == ValueKind::kApply &&
        kernels::is_heavy(*ir::find_op(name_of(value.op)), Dtype::f64))
      launch.weight += 10;
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
  if (rounds.pieces.size() > 1) {
    size_t sums = 0;
    for (const Stage& stage : schedule.stages) sums = std::max(sums, stage.sums.size());
    next += sums * launch.lanes;
  }
  launch.chain_slots = static_cast<uint32_t>(next);
  return launch;
}

Result<Rounds> plan_rounds(const Schedule& schedule, const Launch& launch, Mapping mapping) {
  return Rounder(schedule, launch, mapping).plan();
}

Mapping choose_mapping(const Schedule& schedule, const Launch& launch, uint64_t chains,
                       const vulkan::DeviceInfo& device) {
  const auto thread = plan_rounds(schedule, launch, Mapping::kThread);
  const auto group = plan_rounds(schedule, launch, Mapping::kWorkgroup);
  if (!thread.ok() || !group.ok() || thread->pieces.size() > group->pieces.size()) return Mapping::kWorkgroup;
  // A software driver runs a workgroup eight lanes at a time on one core, and pays for each barrier with a switch of
  // stacks; a GPU runs many at once.
  const double at_once = device.software ? 16 : 8192;
  const double groups_at_once = device.software ? 2 : 512;
  const double turns = device.software ? launch.lanes / 8.0 : 1;
  const double settling = 20.0 * static_cast<double>(schedule.stages.size() + 2);
  const auto count = static_cast<double>(chains);
  const double thread_cost = static_cast<double>(thread->iterations) * launch.weight * std::max(1.0, count / at_once);
  const double group_cost = (static_cast<double>(group->iterations) * launch.weight + settling) * turns *
                            std::max(1.0, count / groups_at_once);
  return thread_cost <= group_cost ? Mapping::kThread : Mapping::kWorkgroup;
}

}  // namespace gpu_node::chain
