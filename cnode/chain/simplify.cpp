#include "chain/simplify.h"

#include <cmath>
#include <optional>

namespace gpu_node::chain {
namespace {

using enum ScalarOp;

// Below this, softplus(x) is exp(x) to the last digit of a double.
constexpr double kSoftplusIsExp = -37;

class Rules {
 public:
  explicit Rules(Graph& graph) : graph_(graph) {}

  ValueId folded(ScalarOp op, std::span<const ValueId> operands) {
    double numbers[kMaxOperands] = {};
    for (size_t i = 0; i < operands.size(); ++i) {
      if (graph_[operands[i]].kind != ValueKind::kConstant) return kNoValue;
      numbers[i] = graph_[operands[i]].number;
    }
    return graph_.constant(evaluate(op, numbers));
  }

  ValueId add(ValueId x, ValueId y) {
    // 0 is not: it would make 0 of -0.
    if (is_zero(x, true)) return y;
    if (is_zero(y, true)) return x;
    if (x == y) return graph_.apply(kMultiply, graph_.constant(2), x);
    if (const auto inner = operand(kNegate, y)) return graph_.apply(kSubtract, x, *inner);
    if (const auto inner = operand(kNegate, x)) return graph_.apply(kSubtract, y, *inner);
    return kNoValue;
  }

  ValueId subtract(ValueId x, ValueId y) {
    if (is_zero(y, false)) return x;
    if (is_zero(x, true)) return graph_.apply(kNegate, y);
    if (const auto inner = operand(kNegate, y)) return graph_.apply(kAdd, x, *inner);
    if (is(x, 1))
      if (const auto inner = operand(kSigmoid, y)) return graph_.apply(kSigmoid, graph_.apply(kNegate, *inner));
    return kNoValue;
  }

  ValueId multiply(ValueId x, ValueId y) {
    if (constant(y) && !constant(x)) std::swap(x, y);
    if (is(x, 1)) return y;
    if (is(x, -1)) return graph_.apply(kNegate, y);
    if (const auto inner = operand(kNegate, y)) {
      if (const auto c = constant(x)) return graph_.apply(kMultiply, graph_.constant(-*c), *inner);
      return graph_.apply(kNegate, graph_.apply(kMultiply, x, *inner));
    }
    if (const auto inner = operand(kNegate, x)) return graph_.apply(kNegate, graph_.apply(kMultiply, *inner, y));
    // c * (e * z): the product of the constants.
    const Value product = graph_[y];
    if (constant(x) && product.kind == ValueKind::kApply && product.op == kMultiply)
      for (int side : {0, 1})
        if (const auto factor = constant(product.operands[side])) {
          const double both = *constant(x) * *factor;
          if (is_ordinary(*constant(x)) && is_ordinary(*factor) && is_ordinary(both))
            return graph_.apply(kMultiply, graph_.constant(both), product.operands[1 - side]);
        }
    return kNoValue;
  }

  ValueId divide(ValueId x, ValueId y) {
    if (is(y, 1)) return x;
    if (is(y, -1)) return graph_.apply(kNegate, x);
    if (const auto inner = operand(kNegate, x)) return graph_.apply(kNegate, graph_.apply(kDivide, *inner, y));
    return kNoValue;
  }

  ValueId pow(ValueId x, ValueId y) {
    if (is(y, 0)) return graph_.constant(1);
    if (is(y, 1)) return x;
    if (is(y, 2)) return graph_.apply(kMultiply, x, x);
    if (is(y, -1)) return graph_.apply(kDivide, graph_.constant(1), x);
    // The base may over- or underflow where the power does not.
    if (const auto inner = operand(kExp, x)) return graph_.apply(kExp, graph_.apply(kMultiply, *inner, y));
    return kNoValue;
  }

  ValueId negate(ValueId x) {
    if (const auto inner = operand(kNegate, x)) return *inner;
    if (const auto inner = operand(kSoftplus, x))
      if (const auto negated = operand(kNegate, *inner)) return graph_.apply(kLogSigmoid, *negated);
    return kNoValue;
  }

  ValueId exp(ValueId x) {
    // Here the sign of a zero makes no difference.
    if (is_apply(x, kSubtract) && is(graph_[x].operands[0], 0))
      return graph_.apply(kExp, graph_.apply(kNegate, graph_[x].operands[1]));
    return kNoValue;
  }

  ValueId log(ValueId x) {
    if (const auto inner = operand(kExp, x)) return *inner;
    if (const auto inner = operand(kSigmoid, x)) return graph_.apply(kLogSigmoid, *inner);
    if (const auto inner = operand(kSoftplus, x)) {
      // softplus underflows long before its logarithm, which is the argument itself there, does.
      const ValueId bound = graph_.constant(kSoftplusIsExp);
      const Value test{.kind = ValueKind::kApply, .op = kLog, .operand_count = 1, .operands = {x}};
      return graph_.apply(kSelect, graph_.apply(kLess, *inner, bound), *inner, graph_.unsimplified(test));
    }
    if (is_apply(x, kAdd))
      for (int side : {0, 1})
        if (is(graph_[x].operands[side], 1)) return graph_.apply(kLog1p, graph_[x].operands[1 - side]);
    return kNoValue;
  }

  ValueId log1p(ValueId x) {
    if (const auto inner = operand(kExp, x)) return graph_.apply(kSoftplus, *inner);
    if (const auto negated = operand(kNegate, x))
      if (const auto inner = operand(kSigmoid, *negated))
        return graph_.apply(kLogSigmoid, graph_.apply(kNegate, *inner));
    return kNoValue;
  }

  ValueId select(ValueId condition, ValueId yes, ValueId no) {
    if (yes == no) return yes;
    if (const auto c = constant(condition)) return *c != 0 ? yes : no;
    return kNoValue;
  }

 private:
  std::optional<double> constant(ValueId id) const {
    if (graph_[id].kind != ValueKind::kConstant) return std::nullopt;
    return graph_[id].number;
  }
  bool is_zero(ValueId id, bool negative) const { return is(id, 0) && std::signbit(graph_[id].number) == negative; }
  bool is(ValueId id, double number) const { return constant(id) == number; }
  bool is_apply(ValueId id, ScalarOp op) const { return graph_[id].kind == ValueKind::kApply && graph_[id].op == op; }
  std::optional<ValueId> operand(ScalarOp op, ValueId id) const {
    if (!is_apply(id, op)) return std::nullopt;
    return graph_[id].operands[0];
  }

  Graph& graph_;
};

}  // namespace

ValueId simplified(Graph& graph, ScalarOp op, std::span<const ValueId> operands) {
  Rules rules(graph);
  const ValueId folded = rules.folded(op, operands);
  if (folded != kNoValue) return folded;
  switch (op) {
    case kAdd:
      return rules.add(operands[0], operands[1]);
    case kSubtract:
      return rules.subtract(operands[0], operands[1]);
    case kMultiply:
      return rules.multiply(operands[0], operands[1]);
    case kDivide:
      return rules.divide(operands[0], operands[1]);
    case kPow:
      return rules.pow(operands[0], operands[1]);
    case kNegate:
      return rules.negate(operands[0]);
    case kExp:
      return rules.exp(operands[0]);
    case kLog:
      return rules.log(operands[0]);
    case kLog1p:
      return rules.log1p(operands[0]);
    case kSelect:
      return rules.select(operands[0], operands[1], operands[2]);
    default:
      return kNoValue;
  }
}

}  // namespace gpu_node::chain
