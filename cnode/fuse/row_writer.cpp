#include "fuse/row_writer.h"

#include <algorithm>

#include "fuse/numbers.h"

namespace gpu_node::fuse {
namespace {

class RowWriter {
 public:
  RowWriter(const Traced& traced, const Graph& graph, const Sources& sources, const RowGroup& group)
      : traced_(traced), graph_(graph), sources_(sources), group_(group) {}

  Step write() && {
    rows_.shape = group_.domain.shape;
    rows_.reduced = group_.domain.reduced;
    for (size_t m = 0; m < group_.members.size(); ++m) add_step(group_.members[m], group_.of_rows[m]);
    const auto behind = static_cast<uint32_t>(rows_.sources.size());
    for (ir::MapStep& step : rows_.steps)
      for (uint32_t& value : step.operands) value = (value & kStep) != 0 ? behind + (value & ~kStep) : value;
    uint32_t origin = 0;
    for (const uint32_t value : group_.results) {
      const auto member = std::find(group_.members.begin(), group_.members.end(), graph_[value].maker);
      const auto m = static_cast<size_t>(member - group_.members.begin());
      rows_.results.push_back({graph_[value].name, *graph_[value].type});
      rows_.written.push_back({behind + static_cast<uint32_t>(m), group_.of_rows[m]});
      origin = std::max(origin, traced_.origins[*member]);
    }
    return {std::move(rows_), origin};
  }

 private:
  // Members are values behind the sources, whose number is known when all have been seen.
  static constexpr uint32_t kStep = uint32_t{1} << 31;

  struct Known {
    uint32_t value = 0, source = 0;
  };

  void add_step(uint32_t i, bool of_rows) {
    const ir::Instruction& instruction = traced_.program.instructions[i];
    const bool reduces = instruction.op->family == ir::Family::kReduce;
    const RowDomain& domain = group_.domain;
    // The shape that operands broadcast to, and its axes.
    const Shape& whole = of_rows && !reduces ? instruction.results[0].type.shape : domain.shape;
    const Dims axes = of_rows && !reduces ? *domain.axes_of_rows(whole) : domain.own_axes();
    ir::MapStep step{instruction.op, instruction.results[0].type.dtype, {}, traced_.origins[i]};
    for (size_t k = 0; k < instruction.operands.size(); ++k)
      step.operands.push_back(instruction.is_literal(k) ? number(literal_of(instruction, k, graph_))
                                                        : operand(instruction, k, whole, axes));
    rows_.steps.push_back(std::move(step));
  }

  uint32_t number(const Scalar& value) {
    const auto next = static_cast<uint32_t>(rows_.sources.size());
    const uint32_t source = numbers_.source(value, next);
    if (source == next) rows_.sources.push_back({value, {}, {}});
    return source;
  }

  uint32_t operand(const ir::Instruction& instruction, size_t k, const Shape& whole, const Dims& axes) {
    uint32_t value = graph_.number(std::get<ir::ValueName>(instruction.operands[k]));
    if (const auto view = group_.views.find(value); view != group_.views.end()) value = view->second;
    const auto member = std::lower_bound(group_.members.begin(), group_.members.end(), graph_[value].maker);
    if (member != group_.members.end() && *member == graph_[value].maker)
      return kStep | static_cast<uint32_t>(member - group_.members.begin());
    const std::optional<ir::MapSource>& free = sources_.of(value);
    if (free && std::holds_alternative<Scalar>(*free)) return number(std::get<Scalar>(*free));
    const Shape& shape = graph_[value].type->shape;
    ir::RowSource source{{}, shape, RowDomain::axes_below(shape, whole, axes)};
    for (const Known& known : known_)
      if (known.value == value && rows_.sources[known.source].axes == source.axes) return known.source;
    source.from = free ? *free : ir::MapSource(operand_called(graph_[value].name));
    known_.push_back({value, static_cast<uint32_t>(rows_.sources.size())});
    rows_.sources.push_back(std::move(source));
    return known_.back().source;
  }

  uint32_t operand_called(ir::ValueName name) {
    for (size_t k = 0; k < rows_.operands.size(); ++k)
      if (rows_.operands[k] == name) return static_cast<uint32_t>(k);
    rows_.operands.push_back(name);
    return static_cast<uint32_t>(rows_.operands.size() - 1);
  }

  const Traced& traced_;
  const Graph& graph_;
  const Sources& sources_;
  const RowGroup& group_;
  ir::Rows rows_;
  Numbers numbers_;
  std::vector<Known> known_;
};

}  // namespace

Step rows_step(const Traced& traced, const Graph& graph, const Sources& sources, const RowGroup& group) {
  return RowWriter(traced, graph, sources, group).write();
}

}  // namespace gpu_node::fuse
