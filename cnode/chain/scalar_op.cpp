#include "chain/scalar_op.h"

#include <array>
#include <cmath>
#include <unordered_map>

#include "chain/special_functions.h"

namespace gpu_node::chain {
namespace {

struct Row {
  std::string_view name;
  int operands;
};

constexpr Row kRows[] = {
#define GPU_NODE_X(name, text, operands) {text, operands},
    GPU_NODE_SCALAR_OPS(GPU_NODE_X)
#undef GPU_NODE_X
};

constexpr auto kAll = [] {
  std::array<ScalarOp, std::size(kRows)> all{};
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<ScalarOp>(i);
  return all;
}();

double unary(ScalarOp op, double x) {
  switch (op) {
    case ScalarOp::kExp:
      return std::exp(x);
    case ScalarOp::kExpm1:
      return std::expm1(x);
    case ScalarOp::kLog:
      return std::log(x);
    case ScalarOp::kLog1p:
      return std::log1p(x);
    case ScalarOp::kSigmoid:
      return sigmoid(x);
    case ScalarOp::kLogSigmoid:
      return log_sigmoid(x);
    case ScalarOp::kSoftplus:
      return softplus(x);
    case ScalarOp::kLgamma:
      return std::lgamma(x);
    case ScalarOp::kDigamma:
      return digamma(x);
    case ScalarOp::kCos:
      return std::cos(x);
    case ScalarOp::kSin:
      return std::sin(x);
    case ScalarOp::kTan:
      return std::tan(x);
    case ScalarOp::kCosh:
      return std::cosh(x);
    case ScalarOp::kSinh:
      return std::sinh(x);
    case ScalarOp::kTanh:
      return std::tanh(x);
    case ScalarOp::kAcos:
      return std::acos(x);
    case ScalarOp::kAsin:
      return std::asin(x);
    case ScalarOp::kAtan:
      return std::atan(x);
    case ScalarOp::kAcosh:
      return std::acosh(x);
    case ScalarOp::kAsinh:
      return std::asinh(x);
    case ScalarOp::kAtanh:
      return std::atanh(x);
    case ScalarOp::kSqrt:
      return std::sqrt(x);
    case ScalarOp::kRsqrt:
      return 1 / std::sqrt(x);
    case ScalarOp::kCbrt:
      return std::cbrt(x);
    case ScalarOp::kErf:
      return std::erf(x);
    case ScalarOp::kErfc:
      return std::erfc(x);
    case ScalarOp::kErfInv:
      return erf_inv(x);
    case ScalarOp::kAbs:
      return std::fabs(x);
    case ScalarOp::kNegate:
      return -x;
    case ScalarOp::kSign:
      return x > 0 ? 1 : x < 0 ? -1 : x;
    case ScalarOp::kCeil:
      return std::ceil(x);
    case ScalarOp::kFloor:
      return std::floor(x);
    case ScalarOp::kRound:
      return std::round(x);
    case ScalarOp::kIsNan:
      return std::isnan(x);
    case ScalarOp::kIsInfinity:
      return std::isinf(x);
    default:
      return x == 0;  // logical_not
  }
}

double binary(ScalarOp op, double x, double y) {
  switch (op) {
    case ScalarOp::kAdd:
      return x + y;
    case ScalarOp::kSubtract:
      return x - y;
    case ScalarOp::kMultiply:
      return x * y;
    case ScalarOp::kDivide:
      return x / y;
    case ScalarOp::kPow:
      return std::pow(x, y);
    case ScalarOp::kRemainder:
      return std::fmod(x, y);
    case ScalarOp::kAtan2:
      return std::atan2(x, y);
    case ScalarOp::kMin:
      return std::isnan(x) || x < y ? x : y;
    case ScalarOp::kMax:
      return std::isnan(x) || x > y ? x : y;
    case ScalarOp::kEqual:
      return x == y;
    case ScalarOp::kNotEqual:
      return x != y;
    case ScalarOp::kGreater:
      return x > y;
    case ScalarOp::kLess:
      return x < y;
    case ScalarOp::kGreaterEqual:
      return x >= y;
    case ScalarOp::kLessEqual:
      return x <= y;
    case ScalarOp::kLogicalAnd:
      return x != 0 && y != 0;
    case ScalarOp::kLogicalOr:
      return x != 0 || y != 0;
    default:
      return (x != 0) != (y != 0);  // logical_xor
  }
}

}  // namespace

std::span<const ScalarOp> scalar_ops() { return kAll; }

std::string_view name_of(ScalarOp op) { return kRows[static_cast<size_t>(op)].name; }

int operand_count(ScalarOp op) { return kRows[static_cast<size_t>(op)].operands; }

bool is_commutative(ScalarOp op) {
  return op == ScalarOp::kAdd || op == ScalarOp::kMultiply || op == ScalarOp::kEqual || op == ScalarOp::kNotEqual ||
         op == ScalarOp::kLogicalAnd || op == ScalarOp::kLogicalOr || op == ScalarOp::kLogicalXor;
}

std::optional<ScalarOp> find_scalar_op(std::string_view name) {
  static const auto* const kByName = [] {
    auto* map = new std::unordered_map<std::string_view, ScalarOp>;
    for (const ScalarOp op : kAll) map->emplace(name_of(op), op);
    return map;
  }();
  const auto found = kByName->find(name);
  if (found == kByName->end()) return std::nullopt;
  return found->second;
}

double evaluate(ScalarOp op, const double* operands) {
  switch (operand_count(op)) {
    case 1:
      return unary(op, operands[0]);
    case 2:
      return binary(op, operands[0], operands[1]);
    default:
      if (op == ScalarOp::kSelect) return operands[0] != 0 ? operands[1] : operands[2];
      return binary(ScalarOp::kMin, binary(ScalarOp::kMax, operands[0], operands[1]), operands[2]);
  }
}

}  // namespace gpu_node::chain
