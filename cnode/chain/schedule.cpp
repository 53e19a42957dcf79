// Chooses what is known and kept, then sorts the kept values into loops by how deep their needs lie.
#include "chain/schedule.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace gpu_node::chain {
namespace {

class Scheduler {
 public:
  explicit Scheduler(const Program& program) : program_(program), values_(program.values) {
    schedule_.indices = program.indices;
    schedule_.known_at.assign(values_.size(), -1);
    schedule_.slot_of.assign(values_.size(), -1);
    depth_.assign(values_.size(), 0);
  }

  Schedule run() {
    keep_results();
    choose();
    measure();
    for (ValueId id = 0; id < values_.size(); ++id)
      if (schedule_.slot_of[id] >= 0) add(id, static_cast<uint32_t>(schedule_.slot_of[id]), values_[id].free);
    for (const Copy& copy : copies_) add_copy(copy);
    for (auto& [key, stage] : stages_) schedule_.stages.push_back(std::move(stage));
    return std::move(schedule_);
  }

 private:
  struct Copy {
    ValueId value;
    uint32_t slot;
    IndexSet loops;
  };
  // Depth first, so that the map's order is one in which stages may run.
  using Key = std::tuple<uint32_t, IndexSet, int>;

  uint32_t new_slot(IndexSet free, std::optional<uint16_t> gradient_of = {}) {
    schedule_.slots.push_back({free, gradient_of});
    return static_cast<uint32_t>(schedule_.slots.size() - 1);
  }

  void keep(ValueId id) {
    if (schedule_.slot_of[id] < 0) schedule_.slot_of[id] = static_cast<int32_t>(new_slot(values_[id].free));
  }

  void know(ValueId id) {
    if (schedule_.known_at[id] >= 0 || values_[id].kind == ValueKind::kConstant ||
        values_[id].kind == ValueKind::kIndex)
      return;
    schedule_.known_at[id] = static_cast<int32_t>(schedule_.known.size());
    schedule_.known.push_back(id);
  }

  IndexSet places_of(const Variable& variable) {
    if (!variable.dimension) return 0;
    auto& indices = schedule_.indices;
    for (size_t id = 0; id < indices.size(); ++id)
      if (indices[id].dimension == *variable.dimension && indices[id].number == 0)
        return index_bit(static_cast<IndexId>(id));
    indices.push_back({*variable.dimension, 0});
    return index_bit(static_cast<IndexId>(indices.size() - 1));
  }

  // A result lies where it is wanted, unless it is kept there for another one already, or needs no computing.
  void keep_results() {
    for (size_t k = 0; k < program_.gradient.size(); ++k) {
      const auto i = static_cast<uint16_t>(k);
      const ValueId id = program_.gradient[i];
      const IndexSet places = places_of(program_.symbols.variables[i]);
      const uint32_t slot = new_slot(places, i);
      const bool computed = values_[id].varies && values_[id].kind != ValueKind::kCoordinate;
      if (computed && schedule_.slot_of[id] < 0 && values_[id].free == places)
        schedule_.slot_of[id] = static_cast<int32_t>(slot);
      else
        copies_.push_back({id, slot, places});
    }
    const ValueId logp = program_.logp;
    schedule_.logp_slot = new_slot(0);
    if (values_[logp].varies && values_[logp].kind != ValueKind::kCoordinate && schedule_.slot_of[logp] < 0)
      schedule_.slot_of[logp] = static_cast<int32_t>(schedule_.logp_slot);
    else
      copies_.push_back({logp, schedule_.logp_slot, 0});
  }

  void choose() {
    for (const Copy& copy : copies_)
      if (!values_[copy.value].varies) know(copy.value);
    for (ValueId id = 0; id < values_.size(); ++id) {
      const Value& value = values_[id];
      if (!value.varies) continue;
      if (value.kind == ValueKind::kSum) keep(id);
      for (const ValueId operand : value.operand_list()) {
        if (!values_[operand].varies) know(operand);
        const bool smaller_loop = value.kind == ValueKind::kApply && values_[operand].free != value.free;
        if (values_[operand].kind == ValueKind::kApply && values_[operand].varies && smaller_loop) keep(operand);
      }
    }
  }

  // The stage before which a value cannot be read: that after which all it needs is stored.
  uint32_t ready(ValueId id) const { return depth_[id] + (schedule_.slot_of[id] >= 0 ? 1 : 0); }

  void measure() {
    for (ValueId id = 0; id < values_.size(); ++id) {
      if (!values_[id].varies) continue;
      for (const ValueId operand : values_[id].operand_list())
        if (values_[operand].varies) depth_[id] = std::max(depth_[id], ready(operand));
    }
  }

  Stage& stage(uint32_t depth, IndexSet outer, std::optional<IndexId> inner) {
    Stage& found = stages_[{depth, outer, inner ? int{*inner} : -1}];
    found.outer = outer;
    found.inner = inner;
    return found;
  }

  // A loop over one index is one that sums over it share.
  Stage& store_stage(uint32_t depth, IndexSet loops) {
    if (loops != 0 && (loops & (loops - 1)) == 0) return stage(depth, 0, members(loops)[0]);
    return stage(depth, loops, {});
  }

  void add(ValueId id, uint32_t slot, IndexSet loops) {
    if (values_[id].kind == ValueKind::kSum)
      stage(depth_[id], loops, values_[id].symbol).sums.push_back({id, slot});
    else
      store_stage(depth_[id], loops).stores.push_back({id, slot});
  }

  void add_copy(const Copy& copy) {
    const uint32_t depth = values_[copy.value].varies ? ready(copy.value) : 0;
    store_stage(depth, copy.loops).stores.push_back({copy.value, copy.slot});
  }

  const Program& program_;
  const std::vector<Value>& values_;
  Schedule schedule_;
  std::vector<uint32_t> depth_;
  std::vector<Copy> copies_;
  std::map<Key, Stage> stages_;
};

}  // namespace

std::vector<IndexId> members(IndexSet set) {
  std::vector<IndexId> list;
  for (IndexId id = 0; id < kMaxIndices; ++id)
    if ((set & index_bit(id)) != 0) list.push_back(id);
  return list;
}

Schedule make_schedule(const Program& program) { return Scheduler(program).run(); }

}  // namespace gpu_node::chain
