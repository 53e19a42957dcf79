#include "fuse/seed_writer.h"

#include <algorithm>

#include "fuse/numbers.h"

namespace gpu_node::fuse {
namespace {

// Members are values behind the sources, whose number is known when all have been seen.
constexpr uint32_t kMember = uint32_t{1} << 31;

// What a group's members come to: steps of sources that lie beside the elements. Values are counted from |first| on.
class SeedWriter {
 public:
  SeedWriter(const Traced& traced, const Graph& graph, const Sources& known, const SeedGroup& group, uint32_t first)
      : traced_(traced), graph_(graph), known_sources_(known), group_(group), first_(first) {}

  // The axes of the elements that those of |whole|, to which the operands of |i| broadcast, are.
  void add_step(uint32_t i, const Shape& whole, const Dims& axes) {
    const ir::Instruction& instruction = traced_.program.instructions[i];
    ir::MapStep step{instruction.op, instruction.results[0].type.dtype, {}, traced_.origins[i]};
    for (size_t k = 0; k < instruction.operands.size(); ++k)
      step.operands.push_back(instruction.is_literal(k) ? number(literal_of(instruction, k, graph_))
                                                        : operand(instruction, k, whole, axes));
    steps.push_back(std::move(step));
  }

  // Numbers the members: |of_member| gives the step of each, or kMember where it is the value before |first|.
  template <typename StepOf>
  void finish(StepOf step_of) {
    behind_ = first_ + static_cast<uint32_t>(sources.size());
    const auto number = [&](uint32_t member) {
      const uint32_t step = step_of(member);
      return step == kMember ? 0 : behind_ + step;
    };
    for (ir::MapStep& step : steps)
      for (uint32_t& value : step.operands)
        if ((value & kMember) != 0) value = number(value & ~kMember);
  }
  uint32_t behind() const { return behind_; }

  uint32_t member_of(uint32_t value) const {
    const auto member = std::lower_bound(group_.members.begin(), group_.members.end(), graph_[value].maker);
    return static_cast<uint32_t>(member - group_.members.begin());
  }

  uint32_t operand_called(ir::ValueName name) {
    for (size_t k = 0; k < operands.size(); ++k)
      if (operands[k] == name) return static_cast<uint32_t>(k);
    operands.push_back(name);
    return static_cast<uint32_t>(operands.size() - 1);
  }

  SmallList<ir::ValueName, 4> operands;
  std::vector<ir::AlignedSource> sources;
  std::vector<ir::MapStep> steps;

 private:
  struct Known {
    uint32_t value = 0, source = 0;
  };

  uint32_t number(const Scalar& value) {
    const auto next = static_cast<uint32_t>(sources.size());
    const uint32_t source = numbers_.source(value, next);
    if (source == next) sources.push_back({value, {}, {}});
    return first_ + source;
  }

  uint32_t operand(const ir::Instruction& instruction, size_t k, const Shape& whole, const Dims& axes) {
    uint32_t value = graph_.number(std::get<ir::ValueName>(instruction.operands[k]));
    if (const auto view = group_.views.find(value); view != group_.views.end()) value = view->second;
    if (const uint32_t m = member_of(value); m < group_.members.size() && group_.members[m] == graph_[value].maker)
      return kMember | m;
    const std::optional<ir::MapSource>& free = known_sources_.of(value);
    if (free && std::holds_alternative<Scalar>(*free)) return number(std::get<Scalar>(*free));
    const Shape& shape = graph_[value].type->shape;
    ir::AlignedSource source{{}, shape, RowDomain::axes_below(shape, whole, axes)};
    for (const Known& known : known_)
      if (known.value == value && sources[known.source].axes == source.axes) return first_ + known.source;
    source.from = free ? *free : ir::MapSource(operand_called(graph_[value].name));
    known_.push_back({value, static_cast<uint32_t>(sources.size())});
    sources.push_back(std::move(source));
    return first_ + known_.back().source;
  }

  const Traced& traced_;
  const Graph& graph_;
  const Sources& known_sources_;
  const SeedGroup& group_;
  const uint32_t first_;
  uint32_t behind_ = 0;
  Numbers numbers_;
  std::vector<Known> known_;
};

uint32_t last_origin(const Traced& traced, const Graph& graph, const SeedGroup& group) {
  uint32_t origin = 0;
  for (const uint32_t value : group.results) origin = std::max(origin, traced.origins[graph[value].maker]);
  return origin;
}

Step rows_step(const Traced& traced, const Graph& graph, const Sources& sources, const SeedGroup& group) {
  SeedWriter writer(traced, graph, sources, group, 0);
  const RowDomain& domain = *group.rows;
  for (size_t m = 0; m < group.members.size(); ++m) {
    const ir::Instruction& instruction = traced.program.instructions[group.members[m]];
    const Shape& own = instruction.results[0].type.shape;
    if (group.of_rows[m] && instruction.op->family != ir::Family::kReduce)
      writer.add_step(group.members[m], own, *domain.axes_of_rows(own));
    else
      writer.add_step(group.members[m], domain.shape, domain.own_axes());
  }
  writer.finish([](uint32_t member) { return member; });
  ir::Rows rows;
  rows.shape = domain.shape;
  rows.reduced = domain.reduced;
  for (const uint32_t value : group.results) {
    const uint32_t m = writer.member_of(value);
    rows.results.push_back({graph[value].name, *graph[value].type});
    rows.written.push_back({writer.behind() + m, group.of_rows[m]});
  }
  rows.operands = std::move(writer.operands);
  rows.sources = std::move(writer.sources);
  rows.steps = std::move(writer.steps);
  return {std::move(rows), last_origin(traced, graph, group)};
}

Step finished_step(const Traced& traced, const Graph& graph, const Sources& sources, const SeedGroup& group) {
  SeedWriter writer(traced, graph, sources, group, 1);
  const uint32_t seed = writer.member_of(group.seed);
  ir::Finished finished;
  finished.instruction = traced.program.instructions[group.members[seed]];
  finished.origin = traced.origins[group.members[seed]];
  for (const ir::Operand& operand : finished.instruction.operands)
    writer.operands.push_back(std::get<ir::ValueName>(operand));
  for (size_t m = 0; m < group.members.size(); ++m) {
    if (m == seed) continue;
    const uint32_t value = graph.result(group.members[m]);
    writer.add_step(group.members[m], graph[value].type->shape, group.axes.at(value));
  }
  const auto step_of = [seed](uint32_t m) { return m == seed ? kMember : m - (m > seed ? 1 : 0); };
  writer.finish(step_of);
  for (const uint32_t value : group.results) {
    const uint32_t step = step_of(writer.member_of(value));
    finished.results.push_back({graph[value].name, *graph[value].type});
    finished.written.push_back({step == kMember ? 0 : writer.behind() + step, group.axes.at(value)});
  }
  finished.operands = std::move(writer.operands);
  finished.sources = std::move(writer.sources);
  finished.steps = std::move(writer.steps);
  return {std::move(finished), last_origin(traced, graph, group)};
}

}  // namespace

Step seed_step(const Traced& traced, const Graph& graph, const Sources& sources, const SeedGroup& group) {
  return group.rows ? rows_step(traced, graph, sources, group) : finished_step(traced, graph, sources, group);
}

}  // namespace gpu_node::fuse
