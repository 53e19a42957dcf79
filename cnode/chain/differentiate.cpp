// Adjoints flow from the root to its operands. The adjoint of a value varies over the value's own free indices at most:
// what an operation over more indices hands to an operand is summed over the rest, and what a sum hands to its body is
// the same for every summand.
//
// What select, min, max and clip hand to an operand is theirs only where that operand is chosen. Elsewhere it is 0, and
// so is all that comes of it, although a factor may be infinite or no number there. So such an adjoint has a guard, the
// condition under which it counts, and is not replaced by 0 until it meets others: in a sum over indices, in an adjoint
// that has another guard, at a coordinate.
#include "chain/differentiate.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace gpu_node::chain {
namespace {

class Differentiator {
 public:
  Differentiator(Graph& graph, const Symbols& symbols, ValueId root)
      : graph_(graph), symbols_(symbols), adjoints_(root + 1), linear_(root + 1), root_(root) {}

  Result<std::vector<ValueId>> run() {
    find_linear();
    adjoints_[root_].value = graph_.constant(1);
    gradient_.assign(symbols_.variables.size(), kNoValue);
    for (ValueId id = root_ + 1; id-- > 0;) {
      if (adjoints_[id].value == kNoValue || !graph_[id].varies) continue;
      GPU_TRY(flow(id));
      if (graph_.full())
        return Error{ErrorCode::kUnsupported, "the gradient has more values or indices than the limit"};
    }
    for (ValueId& derivative : gradient_)
      if (derivative == kNoValue) derivative = graph_.constant(0);
    return std::move(gradient_);
  }

 private:
  // Whether nothing is a factor of what flows on from a value: there 0 stays 0, and needs no guard.
  void find_linear() {
    for (ValueId id = 0; id <= root_; ++id) {
      const Value& value = graph_[id];
      const bool additive =
          value.kind == ValueKind::kSum ||
          (value.kind == ValueKind::kApply &&
           (value.op == ScalarOp::kAdd || value.op == ScalarOp::kSubtract || value.op == ScalarOp::kNegate));
      linear_[id] =
          !value.varies || value.kind == ValueKind::kCoordinate ||
          (additive && std::ranges::all_of(value.operand_list(), [&](ValueId operand) { return linear_[operand]; }));
    }
  }

  Result<void> flow(ValueId id) {
    const Value value = graph_[id];
    const Adjoint adjoint = adjoints_[id];
    if (value.kind == ValueKind::kCoordinate) {
      collect(value, guarded(adjoint.value, adjoint.guard));
    } else if (value.kind == ValueKind::kSum) {
      const ValueId body = value.operands[0];
      const bool varies = (graph_[body].free & index_bit(value.symbol)) != 0;
      const uint16_t dimension = graph_.indices()[value.symbol].dimension;
      const ValueId each =
          varies ? adjoint.value : graph_.apply(ScalarOp::kMultiply, graph_.size(dimension), adjoint.value);
      hand(body, {each, adjoint.guard}, value.free);
    } else if (value.kind == ValueKind::kApply) {
      GPU_ASSIGN(const auto handed, operand_adjoints(graph_, id, adjoint.value));
      for (size_t i = 0; i < value.operand_count; ++i) {
        if (handed[i].value == kNoValue) continue;
        Adjoint part{handed[i].value, adjoint.guard};
        part.guard.insert(part.guard.end(), handed[i].guard.begin(), handed[i].guard.end());
        hand(value.operands[i], std::move(part), value.free);
      }
    }
    return {};
  }

  // Adds |part|, which belongs to a value over |indices|, to the adjoint of |operand|.
  void hand(ValueId operand, Adjoint part, IndexSet indices) {
    if (!graph_[operand].varies) return;
    const IndexSet others = indices & ~graph_[operand].free;
    const auto changes = [&](const Condition& condition) { return (graph_[condition.value].free & others) != 0; };
    Guard changing;
    std::ranges::copy_if(part.guard, std::back_inserter(changing), changes);
    std::erase_if(part.guard, changes);
    if (!changing.empty() && !linear_[operand]) {
      // The sum counts where one of its summands does.
      const ValueId counts = guarded(graph_.constant(1), changing);
      part.guard.push_back({summed(counts, graph_[counts].free & others), true});
    }
    part.value = summed(guarded(part.value, changing), others);
    accumulate(operand, part);
  }

  // Over every one of |indices|, whether |value| varies over it or not.
  ValueId summed(ValueId value, IndexSet indices) {
    for (size_t i = 0; i < graph_.indices().size(); ++i)
      if ((indices & index_bit(i)) != 0) value = graph_.sum(static_cast<IndexId>(i), value);
    return value;
  }

  void accumulate(ValueId& total, ValueId part) {
    const bool none = total == kNoValue || (graph_[total].kind == ValueKind::kConstant && graph_[total].number == 0);
    total = none ? part : graph_.apply(ScalarOp::kAdd, total, part);
  }

  void accumulate(ValueId operand, const Adjoint& part) {
    Adjoint& total = adjoints_[operand];
    if (total.value == kNoValue) {
      total = part;
      return;
    }
    const auto common = std::ranges::mismatch(total.guard, part.guard);
    const Guard first(common.in1, total.guard.end());
    const Guard second(common.in2, part.guard.end());
    total.guard.resize(total.guard.size() - first.size());
    if (first.size() == 1 && second.size() == 1 && first[0].value == second[0].value) {
      // Where one does not count, the other does.
      total.value = first[0].holds ? select(first[0].value, total.value, part.value)
                                   : select(first[0].value, part.value, total.value);
      return;
    }
    total.value = guarded(total.value, first);
    accumulate(total.value, guarded(part.value, second));
    if (first.empty() || second.empty() || linear_[operand]) return;
    const ValueId left = truth_of(first);
    const ValueId right = truth_of(second);
    total.guard.push_back({graph_.apply(ScalarOp::kLogicalOr, left, right), true});
  }

  ValueId select(ValueId condition, ValueId yes, ValueId no) {
    return graph_.apply(ScalarOp::kSelect, condition, yes, no);
  }

  // |value| where all of |guard| holds, else 0.
  ValueId guarded(ValueId value, const Guard& guard) {
    if (guard.empty()) return value;
    const ValueId zero = graph_.constant(0);
    if (guard.size() == 1 && !guard[0].holds) return select(guard[0].value, zero, value);
    return select(truth_of(guard), value, zero);
  }

  // Not 0 where all of |guard| holds. REQUIRES one condition at least.
  ValueId truth_of(const Guard& guard) {
    ValueId all = kNoValue;
    for (const Condition& condition : guard) {
      const ValueId one = condition.holds ? condition.value : graph_.apply(ScalarOp::kLogicalNot, condition.value);
      all = all == kNoValue ? one : graph_.apply(ScalarOp::kLogicalAnd, all, one);
    }
    return all;
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
  std::vector<Adjoint> adjoints_;
  std::vector<bool> linear_;
  std::vector<ValueId> gradient_;
  ValueId root_;
};

}  // namespace

Result<std::vector<ValueId>> differentiate(Graph& graph, const Symbols& symbols, ValueId root) {
  return Differentiator(graph, symbols, root).run();
}

}  // namespace gpu_node::chain
