// The derivative of every scalar op.
//
// Where a function has a kink or a jump the derivative is the one from the side that needs no test: abs at 0 has 0, min
// and max give a tie to the first operand, clip gives its bounds to the operand inside, sign, floor, ceil, round and
// the predicates have 0 everywhere, select that of the branch taken.
#include <numbers>
#include <optional>

#include "chain/differentiate.h"

namespace gpu_node::chain {
namespace {

using enum ScalarOp;
using Adjoints = std::array<Adjoint, kMaxOperands>;

// Writes expressions over values of a graph as C++ writes them.
struct Term {
  Graph* graph;
  ValueId id;
};
Term operator+(Term a, Term b) { return {a.graph, a.graph->apply(kAdd, a.id, b.id)}; }
Term operator-(Term a, Term b) { return {a.graph, a.graph->apply(kSubtract, a.id, b.id)}; }
Term operator*(Term a, Term b) { return {a.graph, a.graph->apply(kMultiply, a.id, b.id)}; }
Term operator/(Term a, Term b) { return {a.graph, a.graph->apply(kDivide, a.id, b.id)}; }
Term operator-(Term a) { return {a.graph, a.graph->apply(kNegate, a.id)}; }
Term operator+(Term a, double b) { return a + Term{a.graph, a.graph->constant(b)}; }
Term operator-(Term a, double b) { return a - Term{a.graph, a.graph->constant(b)}; }
Term operator-(double a, Term b) { return Term{b.graph, b.graph->constant(a)} - b; }
Term operator*(double a, Term b) { return Term{b.graph, b.graph->constant(a)} * b; }
Term call(ScalarOp op, Term a) { return {a.graph, a.graph->apply(op, a.id)}; }
Term call(ScalarOp op, Term a, Term b) { return {a.graph, a.graph->apply(op, a.id, b.id)}; }
Adjoint everywhere(Term adjoint) { return {adjoint.id, {}}; }

constexpr double kTwoOverSqrtPi = 2 * std::numbers::inv_sqrtpi;

// The adjoint of the operand |x| of |y| = op(x), |a| being that of y.
std::optional<Term> unary(ScalarOp op, Term x, Term y, Term a) {
  switch (op) {
    case kExp:
      return a * y;
    case kExpm1:
      return a * call(kExp, x);
    case kLog:
      return a / x;
    case kLog1p:
      return a / (x + 1.0);
    case kSigmoid:
      return a * (y * call(kSigmoid, -x));
    case kLogSigmoid:
      return a * call(kSigmoid, -x);
    case kSoftplus:
      return a * call(kSigmoid, x);
    case kLgamma:
      return a * call(kDigamma, x);
    case kCos:
      return -(a * call(kSin, x));
    case kSin:
      return a * call(kCos, x);
    case kTan:
      return a * (y * y + 1.0);
    case kCosh:
      return a * call(kSinh, x);
    case kSinh:
      return a * call(kCosh, x);
    case kTanh:
      return a * (1.0 - y * y);
    case kAcos:
      return -(a * call(kRsqrt, 1.0 - x * x));
    case kAsin:
      return a * call(kRsqrt, 1.0 - x * x);
    case kAtan:
      return a / (x * x + 1.0);
    case kAcosh:
      return a * call(kRsqrt, (x - 1.0) * (x + 1.0));
    case kAsinh:
      return a * call(kRsqrt, x * x + 1.0);
    case kAtanh:
      return a / (1.0 - x * x);
    case kSqrt:
      return 0.5 * (a / y);
    case kRsqrt:
      return -0.5 * (a * (y / x));
    case kCbrt:
      return a / (3.0 * (y * y));
    case kErf:
      return kTwoOverSqrtPi * (a * call(kExp, -(x * x)));
    case kErfc:
      return -kTwoOverSqrtPi * (a * call(kExp, -(x * x)));
    case kErfInv:
      return 1 / kTwoOverSqrtPi * (a * call(kExp, y * y));
    case kAbs:
      return a * call(kSign, x);
    case kNegate:
      return -a;
    default:
      return std::nullopt;
  }
}

bool is_flat(ScalarOp op) {
  switch (op) {
    case kSign:
    case kCeil:
    case kFloor:
    case kRound:
    case kIsNan:
    case kIsInfinity:
    case kLogicalNot:
    case kEqual:
    case kNotEqual:
    case kGreater:
    case kLess:
    case kGreaterEqual:
    case kLessEqual:
    case kLogicalAnd:
    case kLogicalOr:
    case kLogicalXor:
      return true;
    default:
      return false;
  }
}

// The factors of |a|: those of the operands |x| and |y| of |z| = op(x, y).
Adjoints binary(ScalarOp op, Term x, Term y, Term z, Term a) {
  switch (op) {
    case kAdd:
      return {everywhere(a), everywhere(a)};
    case kSubtract:
      return {everywhere(a), everywhere(-a)};
    case kMultiply:
      return {everywhere(a * y), everywhere(a * x)};
    case kDivide:
      return {everywhere(a / y), everywhere(-(a * (z / y)))};
    case kPow:
      return {everywhere(a * (y * call(kPow, x, y - 1.0))), everywhere(a * (z * call(kLog, x)))};
    case kRemainder:
      return {everywhere(a), everywhere(-(a * ((x - z) / y)))};
    default: {  // atan2
      const Term square = x * x + y * y;
      return {everywhere(a * (y / square)), everywhere(-(a * (x / square)))};
    }
  }
}

// What an operation that gives one of its operands as it is hands to each; unset for others.
std::optional<Adjoints> choice(ScalarOp op, Term x, Term y, Term z, Term a) {
  const auto where = [&](std::vector<Condition> guard) { return Adjoint{a.id, std::move(guard)}; };
  switch (op) {
    case kSelect:
      return Adjoints{Adjoint(), where({{x.id, true}}), where({{x.id, false}})};
    case kMin:
    case kMax: {
      const ValueId first = call(op == kMin ? kLessEqual : kGreaterEqual, x, y).id;
      return Adjoints{where({{first, true}}), where({{first, false}}), Adjoint()};
    }
    case kClip: {
      // What is no number is the lower bound.
      const Term inside = call(kGreaterEqual, x, y);
      const Term raised{a.graph, a.graph->apply(kSelect, inside.id, x.id, y.id)};
      const ValueId above = call(kGreater, raised, z).id;
      return Adjoints{where({{above, false}, {inside.id, true}}), where({{above, false}, {inside.id, false}}),
                      where({{above, true}})};
    }
    default:
      return std::nullopt;
  }
}

}  // namespace

Result<Adjoints> operand_adjoints(Graph& graph, ValueId id, ValueId adjoint) {
  const Value value = graph[id];
  const Term a{&graph, adjoint};
  const Term x{&graph, value.operands[0]};
  const Term y{&graph, value.operands[1]};
  const Term z{&graph, value.operands[2]};
  if (is_flat(value.op)) return Adjoints();
  if (auto chosen = choice(value.op, x, y, z, a)) return *std::move(chosen);
  if (value.operand_count == 2) return binary(value.op, x, y, Term{&graph, id}, a);
  const auto only = unary(value.op, x, Term{&graph, id}, a);
  if (!only) return Error{ErrorCode::kUnsupported, std::string(name_of(value.op)) + " has no derivative here"};
  return Adjoints{everywhere(*only)};
}

}  // namespace gpu_node::chain
