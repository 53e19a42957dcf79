// The scalar operations of log densities: the floating elementwise rows of the op table, under the same names. Their
// values are in scalar/, their GLSL is that of the rows, and what differentiates them is in derivative.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "scalar/evaluate.h"

namespace gpu_node::chain {

// X(enumerator, name in the op table). Predicates give 0 or 1. Left out are the rows that make no sense for
// real numbers: bits, integer division, complex parts.
#define GPU_NODE_SCALAR_OPS(X)      \
  X(kExp, "exp")                    \
  X(kExpm1, "expm1")                \
  X(kLog, "log")                    \
  X(kLog1p, "log1p")                \
  X(kSigmoid, "sigmoid")            \
  X(kLogSigmoid, "log_sigmoid")     \
  X(kSoftplus, "softplus")          \
  X(kLgamma, "lgamma")              \
  X(kDigamma, "digamma")            \
  X(kCos, "cos")                    \
  X(kSin, "sin")                    \
  X(kTan, "tan")                    \
  X(kCosh, "cosh")                  \
  X(kSinh, "sinh")                  \
  X(kTanh, "tanh")                  \
  X(kAcos, "acos")                  \
  X(kAsin, "asin")                  \
  X(kAtan, "atan")                  \
  X(kAcosh, "acosh")                \
  X(kAsinh, "asinh")                \
  X(kAtanh, "atanh")                \
  X(kSqrt, "sqrt")                  \
  X(kRsqrt, "rsqrt")                \
  X(kCbrt, "cbrt")                  \
  X(kErf, "erf")                    \
  X(kErfc, "erfc")                  \
  X(kErfInv, "erf_inv")             \
  X(kAbs, "abs")                    \
  X(kNegate, "negate")              \
  X(kSign, "sign")                  \
  X(kCeil, "ceil")                  \
  X(kFloor, "floor")                \
  X(kRound, "round")                \
  X(kIsNan, "is_nan")               \
  X(kIsInfinity, "is_infinity")     \
  X(kLogicalNot, "logical_not")     \
  X(kAdd, "add")                    \
  X(kSubtract, "subtract")          \
  X(kMultiply, "multiply")          \
  X(kDivide, "divide")              \
  X(kPow, "pow")                    \
  X(kRemainder, "remainder")        \
  X(kAtan2, "atan2")                \
  X(kMin, "min")                    \
  X(kMax, "max")                    \
  X(kEqual, "equal")                \
  X(kNotEqual, "not_equal")         \
  X(kGreater, "greater")            \
  X(kLess, "less")                  \
  X(kGreaterEqual, "greater_equal") \
  X(kLessEqual, "less_equal")       \
  X(kLogicalAnd, "logical_and")     \
  X(kLogicalOr, "logical_or")       \
  X(kLogicalXor, "logical_xor")     \
  X(kSelect, "select")              \
  X(kClip, "clip")

enum class ScalarOp : uint8_t {
#define GPU_NODE_X(name, text) name,
  GPU_NODE_SCALAR_OPS(GPU_NODE_X)
#undef GPU_NODE_X
};

inline constexpr size_t kMaxOperands = 3;

std::span<const ScalarOp> scalar_ops();
// The op's row in the table.
const ir::Op& row_of(ScalarOp op);
bool is_commutative(ScalarOp op);

inline std::string_view name_of(ScalarOp op) { return row_of(op).name; }
inline int operand_count(ScalarOp op) { return static_cast<int>(row_of(op).operands()); }
// REQUIRES as many |operands| as operand_count(op).
inline double evaluate(ScalarOp op, const double* operands) { return scalar::evaluate(row_of(op), operands); }

// The operation called |name|, if there is one.
std::optional<ScalarOp> find_scalar_op(std::string_view name);

}  // namespace gpu_node::chain
