// Literals as kernels take them: eight bytes, of c128 sixteen, in the push constants or in a buffer.
#pragma once

#include <cstdint>
#include <optional>

#include "base/small_list.h"
#include "ir/op.h"
#include "tensor/scalar.h"

namespace gpu_node::kernels {

// |scalar|, converted to its own type, as the compute type's bits: small integers extended to 32 bits, small floats as
// the float they equal.
using LiteralBits = SmallList<uint32_t, 4>;
LiteralBits literal_bits(const Scalar& scalar);
inline uint32_t literal_words(Dtype dtype) { return dtype == Dtype::c128 ? 4 : 2; }

// Whether |scalar| is a number of |to| too, exactly (NaN is, of any float type).
bool is_exact(const Scalar& scalar, Dtype to);

// |literal| as operand |operand| of elementwise |op|, whose result is |result|: converted here where the op would do so
// on the device, and for comparisons with a tensor of |other| where no digit is lost: one kernel then serves more
// literals.
Scalar literal_operand(const ir::Op& op, size_t operand, const Scalar& literal, Dtype result,
                       std::optional<Dtype> other);

}  // namespace gpu_node::kernels
