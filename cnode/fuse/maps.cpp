#include "fuse/maps.h"

#include <algorithm>
#include <functional>
#include <queue>

#include "fuse/numbers.h"
#include "fuse/seed_writer.h"

namespace gpu_node::fuse {
namespace {

constexpr uint32_t kNone = Graph::kNone;

// Writes the map of one node.
class MapWriter {
 public:
  MapWriter(const Traced& traced, const Graph& graph, const Sources& sources)
      : traced_(traced), program_(traced.program), graph_(graph), sources_(sources), places_(graph.values(), kNone) {}

  Step write(const Groups& groups, const Node& node) {
    map_ = {};
    origin_ = 0;
    for (const uint32_t i : node.concatenations) add_result(graph_.result(i));
    for (const uint32_t part : node.parts) map_.parts.push_back(write(groups.parts()[part]));
    return {std::move(map_), origin_};
  }

 private:
  uint32_t add_result(uint32_t value) {
    map_.results.push_back({graph_[value].name, *graph_[value].type});
    origin_ = std::max(origin_, traced_.origins[graph_[value].maker]);
    return static_cast<uint32_t>(map_.results.size() - 1);
  }

  uint32_t operand(uint32_t value) {
    const ir::ValueName name = graph_[value].name;
    for (size_t k = 0; k < map_.operands.size(); ++k)
      if (map_.operands[k] == name) return static_cast<uint32_t>(k);
    map_.operands.push_back(name);
    return static_cast<uint32_t>(map_.operands.size() - 1);
  }

  // The number of operand |k| of |instruction| among the sources of |part|, to which it is added at need; kNone where a
  // member gives it.
  uint32_t source(const ir::Instruction& instruction, size_t k, ir::MapPart& part) {
    if (instruction.is_literal(k)) return number(literal_of(instruction, k, graph_), part);
    const uint32_t value = graph_.number(std::get<ir::ValueName>(instruction.operands[k]));
    if (places_[value] != kNone) return places_[value];
    const std::optional<ir::MapSource>& free = sources_.of(value);
    if (free && std::holds_alternative<Scalar>(*free)) return number(std::get<Scalar>(*free), part);
    touched_.push_back(value);
    part.sources.push_back(free ? *free : ir::MapSource(operand(value)));
    return places_[value] = static_cast<uint32_t>(part.sources.size() - 1);
  }

  uint32_t number(const Scalar& value, ir::MapPart& part) {
    const auto next = static_cast<uint32_t>(part.sources.size());
    const uint32_t source = numbers_.source(value, next);
    if (source == next) part.sources.emplace_back(value);
    return source;
  }

  ir::MapPart write(const Part& from) {
    ir::MapPart part;
    part.shape = from.shape;
    for (const uint32_t value : std::exchange(touched_, {})) places_[value] = kNone;
    numbers_.clear();
    // Members are values behind the sources, whose number is known when all have been seen.
    constexpr uint32_t kStep = uint32_t{1} << 31;
    uint32_t steps = 0;
    for (const uint32_t i : from.members) {
      const ir::Instruction& instruction = program_.instructions[i];
      ir::MapStep step{instruction.op, instruction.results[0].type.dtype, {}, traced_.origins[i]};
      for (size_t k = 0; k < instruction.operands.size(); ++k) step.operands.push_back(source(instruction, k, part));
      part.steps.push_back(std::move(step));
      const uint32_t value = graph_.result(i);
      touched_.push_back(value);
      places_[value] = kStep | steps++;
    }
    for (const Slot& slot : from.slots) {
      if (places_[slot.value] == kNone) {
        touched_.push_back(slot.value);
        part.sources.emplace_back(operand(slot.value));
        places_[slot.value] = static_cast<uint32_t>(part.sources.size() - 1);
      }
      uint32_t value = places_[slot.value];
      const Dtype type = graph_[slot.whole].type->dtype;
      if (graph_[slot.value].type->dtype != type) {
        static const ir::Op& kAsType = ir::op_called("as_type");
        part.steps.push_back({&kAsType, type, {value}, traced_.origins[graph_[slot.whole].maker]});
        value = kStep | steps++;
      }
      part.results.push_back({value, result_called(slot.whole), slot.map});
    }
    for (const uint32_t value : from.results)
      part.results.push_back({places_[value], add_result(value), IndexMap::row_major(part.shape)});
    const auto sources = static_cast<uint32_t>(part.sources.size());
    const auto place = [&](uint32_t& value) {
      if ((value & kStep) != 0) value = sources + (value & ~kStep);
    };
    for (ir::MapStep& step : part.steps)
      for (uint32_t& value : step.operands) place(value);
    for (ir::MapResult& result : part.results) place(result.value);
    return part;
  }

  uint32_t result_called(uint32_t value) const {
    for (size_t k = 0; k < map_.results.size(); ++k)
      if (map_.results[k].name == graph_[value].name) return static_cast<uint32_t>(k);
    return kNone;
  }

  const Traced& traced_;
  const ir::Program& program_;
  const Graph& graph_;
  const Sources& sources_;
  ir::Map map_;
  uint32_t origin_ = 0;
  std::vector<uint32_t> places_;  // by value: its number in the part at hand, kNone where it has none yet
  std::vector<uint32_t> touched_;
  Numbers numbers_;  // of the part at hand
};

// The only instruction of |node|, where a map would be no more than it.
uint32_t only_instruction(const ir::Program& program, const Graph& graph, const Sources& sources, const Groups& groups,
                          const Node& node) {
  size_t members = 0;
  for (const uint32_t part : node.parts) members += groups.parts()[part].members.size();
  if (members == 0 && node.concatenations.size() == 1) return node.concatenations[0];
  if (members != 1 || !node.concatenations.empty()) return kNone;
  const uint32_t i = groups.parts()[node.parts[0]].members[0];
  for (const ir::Operand& operand : program.instructions[i].operands)
    if (const auto* name = std::get_if<ir::ValueName>(&operand); name != nullptr && sources.of(graph.number(*name)))
      return kNone;
  return i;
}

// Those of |made| that are needed, each as soon as its operands are there, of these the one of the first place.
Steps in_order(const ir::Program& program, const Graph& graph, std::vector<Step>&& made,
               const std::vector<uint32_t>& place) {
  std::vector<uint32_t> maker(graph.values(), kNone), waits_for(made.size());
  for (uint32_t m = 0; m < made.size(); ++m)
    for (const ir::Definition& result : made[m].results()) maker[graph.number(result.name)] = m;
  std::vector<bool> needed(made.size());
  std::vector<uint32_t> open;
  const auto need = [&](ir::ValueName name) {
    const uint32_t m = maker[graph.number(name)];
    if (m == kNone || needed[m]) return;
    needed[m] = true;
    open.push_back(m);
  };
  std::vector<std::vector<uint32_t>> waiting(made.size());
  for (const ir::ValueName name : program.outputs) need(name);
  while (!open.empty()) {
    const uint32_t m = open.back();
    open.pop_back();
    made[m].each_operand([&](ir::ValueName name) {
      need(name);
      if (const uint32_t other = maker[graph.number(name)]; other != kNone) {
        waiting[other].push_back(m);
        ++waits_for[m];
      }
    });
  }
  using Ready = std::pair<uint32_t, uint32_t>;
  std::priority_queue<Ready, std::vector<Ready>, std::greater<>> ready;
  for (uint32_t m = 0; m < made.size(); ++m)
    if (needed[m] && waits_for[m] == 0) ready.emplace(place[m], m);
  Steps steps{{}, program.outputs};
  while (!ready.empty()) {
    const uint32_t m = ready.top().second;
    ready.pop();
    for (const uint32_t other : waiting[m])
      if (--waits_for[other] == 0) ready.emplace(place[other], other);
    steps.steps.push_back(std::move(made[m]));
  }
  return steps;
}

}  // namespace

Steps with_maps(const Traced& traced, const Graph& graph, const Sources& sources, const SeedGroups& seeded,
                const Groups& groups) {
  const ir::Program& program = traced.program;
  std::vector<Step> made;       // in no order yet
  std::vector<uint32_t> place;  // the last instruction that each has results of
  const auto add_instruction = [&](uint32_t i) {
    made.push_back({program.instructions[i], traced.origins[i]});
    place.push_back(i);
  };
  for (uint32_t i = 0; i < program.instructions.size(); ++i)
    if (!groups.is_grouped(i) && seeded.group_of(i) == kNone) add_instruction(i);
  const auto add_step = [&](Step step) {
    place.push_back(0);
    for (const ir::Definition& result : step.results())
      place.back() = std::max(place.back(), graph.value(result.name).maker);
    made.push_back(std::move(step));
  };
  for (const SeedGroup& group : seeded.groups()) add_step(seed_step(traced, graph, sources, group));
  MapWriter writer(traced, graph, sources);
  for (const Node& node : groups.nodes()) {
    if (node.parts.empty()) continue;
    if (const uint32_t only = only_instruction(program, graph, sources, groups, node); only != kNone) {
      add_instruction(only);
      continue;
    }
    add_step(writer.write(groups, node));
  }
  return in_order(program, graph, std::move(made), place);
}

}  // namespace gpu_node::fuse
