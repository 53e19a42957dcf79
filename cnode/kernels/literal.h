// Literals as kernels take them: eight bytes, of c128 sixteen, in the push constants or in a buffer.
#pragma once

#include <cstdint>

#include "base/small_list.h"
#include "tensor/scalar.h"

namespace gpu_node::kernels {

// |scalar|, converted to its own type, as the compute type's bits: small integers extended to 32 bits, small floats as
// the float they equal.
using LiteralBits = SmallList<uint32_t, 4>;
LiteralBits literal_bits(const Scalar& scalar);
inline uint32_t literal_words(Dtype dtype) { return dtype == Dtype::c128 ? 4 : 2; }

// Whether |scalar| is a number of |to| too, exactly (NaN is, of any float type).
bool is_exact(const Scalar& scalar, Dtype to);

}  // namespace gpu_node::kernels
