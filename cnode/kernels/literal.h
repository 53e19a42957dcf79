// Literals as kernels take them: eight bytes, in the push constants or in a buffer.
#pragma once

#include <array>
#include <cstdint>

#include "tensor/scalar.h"

namespace gpu_node::kernels {

// |scalar|, converted to its own type, as the compute type's bits: small integers extended to 32 bits, small floats as
// the float they equal. REQUIRES a real type.
std::array<uint32_t, 2> literal_bits(const Scalar& scalar);

// Whether |scalar| is a number of |to| too, exactly (NaN is, of any float type).
bool is_exact(const Scalar& scalar, Dtype to);

}  // namespace gpu_node::kernels
