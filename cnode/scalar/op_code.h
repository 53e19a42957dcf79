// What follows from the code of an elementwise op's row, for whoever writes, evaluates or plans it.
#pragma once

#include "ir/op.h"
#include "tensor/dtype.h"

namespace gpu_node::scalar {

// Whether |op| converts its operands to the result's type before it computes, so that a literal may be converted too.
constexpr bool converts_operands(const ir::Op& op) {
  using ir::Code;
  return op.code != Code::kCompare && op.code != Code::kLogical && op.code != Code::kTest && op.code != Code::kSelect &&
         op.code != Code::kConvert && op.code != Code::kImaginary;
}

// Whether |op| of |type| is a function of the math library, which computes in double.
inline bool is_function(const ir::Op& op, Dtype type) {
  using ir::Code;
  return op.code == Code::kMath || op.code == Code::kLogsumexp ||
         ((op.code == Code::kPower || op.code == Code::kRemainder) && !is_integer(type)) ||
         ((op.code == Code::kModulus || op.code == Code::kDivide) && is_complex(type));
}

// Whether |op| costs more to compute for |type| than to move, so that wider loads gain nothing.
inline bool is_heavy(const ir::Op& op, Dtype type) {
  using ir::Code;
  return op.code == Code::kMath || op.code == Code::kPower || (op.code == Code::kRemainder && is_float(type));
}

}  // namespace gpu_node::scalar
