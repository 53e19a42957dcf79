// Adjoints flow from the root to its operands. The adjoint of a value varies over the value's own free indices at most:
// what an operation over more indices hands to an operand is summed over the rest, and what a sum hands to its body is
// the same for every summand.
#include "chain/differentiate.h"

#include <array>

namespace gpu_node::chain {
namespace {

class Differentiator {
 public:
  Differentiator(Graph& graph, const Symbols& symbols, ValueId root)
      : graph_(graph), symbols_(symbols), adjoints_(root + 1, kNoValue), root_(root) {}

  Result<std::vector<ValueId>> run() {
    adjoints_[root_] = graph_.constant(1);
    gradient_.assign(symbols_.variables.size(), kNoValue);
    for (ValueId id = root_ + 1; id-- > 0;) {
      if (adjoints_[id] == kNoValue || !graph_[id].varies) continue;
      GPU_TRY(flow(id));
      if (graph_.full())
        return Error{ErrorCode::kUnsupported, "the gradient has more values or indices than the limit"};
    }
    for (ValueId& derivative : gradient_)
      if (derivative == kNoValue) derivative = graph_.constant(0);
    return std::move(gradient_);
  }

 private:
  Result<void> flow(ValueId id) {
    const Value value = graph_[id];
    const ValueId adjoint = adjoints_[id];
    if (value.kind == ValueKind::kCoordinate) {
      collect(value, adjoint);
    } else if (value.kind == ValueKind::kSum) {
      const ValueId body = value.operands[0];
      const bool varies = (graph_[body].free & index_bit(value.symbol)) != 0;
      const uint16_t dimension = graph_.indices()[value.symbol].dimension;
      hand(body, varies ? adjoint : graph_.apply(ScalarOp::kMultiply, graph_.size(dimension), adjoint), value.free);
    } else if (value.kind == ValueKind::kApply) {
      GPU_ASSIGN(const auto handed, operand_adjoints(graph_, id, adjoint));
      for (size_t i = 0; i < value.operand_count; ++i)
        if (handed[i] != kNoValue) hand(value.operands[i], handed[i], value.free);
    }
    return {};
  }

  // Adds |adjoint|, which belongs to a value over |indices|, to that of |operand|.
  void hand(ValueId operand, ValueId adjoint, IndexSet indices) {
    if (!graph_[operand].varies) return;
    accumulate(adjoints_[operand], summed(adjoint, indices & ~graph_[operand].free));
  }

  // Over every one of |indices|, whether |value| varies over it or not.
  ValueId summed(ValueId value, IndexSet indices) {
    for (size_t i = 0; i < graph_.indices().size(); ++i)
      if ((indices & index_bit(i)) != 0) value = graph_.sum(static_cast<IndexId>(i), value);
    return value;
  }

  void accumulate(ValueId& total, ValueId part) {
    total = total == kNoValue ? part : graph_.apply(ScalarOp::kAdd, total, part);
  }

  // |adjoint| of one reading of a variable becomes a part of the variable's derivative, which varies over index number
  // 0 of its dimension.
  void collect(const Value& coordinate, ValueId adjoint) {
    ValueId& total = gradient_[coordinate.symbol];
    if (coordinate.operand_count == 0) return accumulate(total, adjoint);
    const uint16_t dimension = *symbols_.variables[coordinate.symbol].dimension;
    const IndexId own = graph_.index_over(dimension, 0);
    ValueId place = coordinate.operands[0];
    if (graph_[place].kind == ValueKind::kIndex)
      return accumulate(total, graph_.exchange(adjoint, graph_[place].symbol, own));
    // A fixed place, or one that data says: every element takes what belongs to it.
    IndexSet others = coordinate.free;
    if ((others & index_bit(own)) != 0) {
      const IndexId aside = graph_.fresh_index(dimension, others);
      adjoint = graph_.exchange(adjoint, own, aside);
      place = graph_.exchange(place, own, aside);
      others = (others & ~index_bit(own)) | index_bit(aside);
    }
    const ValueId here = graph_.apply(ScalarOp::kEqual, place, graph_.index(own));
    accumulate(total, summed(graph_.apply(ScalarOp::kSelect, here, adjoint, graph_.constant(0)), others));
  }

  Graph& graph_;
  const Symbols& symbols_;
  std::vector<ValueId> adjoints_;
  std::vector<ValueId> gradient_;
  ValueId root_;
};

}  // namespace

Result<std::vector<ValueId>> differentiate(Graph& graph, const Symbols& symbols, ValueId root) {
  return Differentiator(graph, symbols, root).run();
}

}  // namespace gpu_node::chain
