// The scalar operations of log densities: the floating elementwise rows of the op table, under the same names, each
// with its value in double. What differentiates them is in derivative.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace gpu_node::chain {

// X(enumerator, name in the op table, operands). Predicates give 0 or 1. Left out are the rows that make no sense for
// real numbers: bits, integer division, complex parts.
#define GPU_NODE_SCALAR_OPS(X)         \
  X(kExp, "exp", 1)                    \
  X(kExpm1, "expm1", 1)                \
  X(kLog, "log", 1)                    \
  X(kLog1p, "log1p", 1)                \
  X(kSigmoid, "sigmoid", 1)            \
  X(kLogSigmoid, "log_sigmoid", 1)     \
  X(kSoftplus, "softplus", 1)          \
  X(kLgamma, "lgamma", 1)              \
  X(kDigamma, "digamma", 1)            \
  X(kCos, "cos", 1)                    \
  X(kSin, "sin", 1)                    \
  X(kTan, "tan", 1)                    \
  X(kCosh, "cosh", 1)                  \
  X(kSinh, "sinh", 1)                  \
  X(kTanh, "tanh", 1)                  \
  X(kAcos, "acos", 1)                  \
  X(kAsin, "asin", 1)                  \
  X(kAtan, "atan", 1)                  \
  X(kAcosh, "acosh", 1)                \
  X(kAsinh, "asinh", 1)                \
  X(kAtanh, "atanh", 1)                \
  X(kSqrt, "sqrt", 1)                  \
  X(kRsqrt, "rsqrt", 1)                \
  X(kCbrt, "cbrt", 1)                  \
  X(kErf, "erf", 1)                    \
  X(kErfc, "erfc", 1)                  \
  X(kErfInv, "erf_inv", 1)             \
  X(kAbs, "abs", 1)                    \
  X(kNegate, "negate", 1)              \
  X(kSign, "sign", 1)                  \
  X(kCeil, "ceil", 1)                  \
  X(kFloor, "floor", 1)                \
  X(kRound, "round", 1)                \
  X(kIsNan, "is_nan", 1)               \
  X(kIsInfinity, "is_infinity", 1)     \
  X(kLogicalNot, "logical_not", 1)     \
  X(kAdd, "add", 2)                    \
  X(kSubtract, "subtract", 2)          \
  X(kMultiply, "multiply", 2)          \
  X(kDivide, "divide", 2)              \
  X(kPow, "pow", 2)                    \
  X(kRemainder, "remainder", 2)        \
  X(kAtan2, "atan2", 2)                \
  X(kMin, "min", 2)                    \
  X(kMax, "max", 2)                    \
  X(kEqual, "equal", 2)                \
  X(kNotEqual, "not_equal", 2)         \
  X(kGreater, "greater", 2)            \
  X(kLess, "less", 2)                  \
  X(kGreaterEqual, "greater_equal", 2) \
  X(kLessEqual, "less_equal", 2)       \
  X(kLogicalAnd, "logical_and", 2)     \
  X(kLogicalOr, "logical_or", 2)       \
  X(kLogicalXor, "logical_xor", 2)     \
  X(kSelect, "select", 3)              \
  X(kClip, "clip", 3)

enum class ScalarOp : uint8_t {
#define GPU_NODE_X(name, text, operands) name,
  GPU_NODE_SCALAR_OPS(GPU_NODE_X)
#undef GPU_NODE_X
};

inline constexpr size_t kMaxOperands = 3;

std::span<const ScalarOp> scalar_ops();
std::string_view name_of(ScalarOp op);
int operand_count(ScalarOp op);
bool is_commutative(ScalarOp op);

// The operation called |name|, if there is one.
std::optional<ScalarOp> find_scalar_op(std::string_view name);

// The value of |op| in double. REQUIRES as many |operands| as operand_count(op).
double evaluate(ScalarOp op, const double* operands);

}  // namespace gpu_node::chain
