// The value of each op on the host. Private to this folder.
#pragma once

#include <complex>
#include <cstdint>

#include "ir/op.h"

namespace gpu_node::scalar {

using Complex = std::complex<double>;
// Holds every integer of 64 bits, signed and unsigned.
using Integer = __int128;

// Operands of an integer op, exact; what it returns has the result in its lower |bits|.
struct Integers {
  const Integer* x;
  int bits;
};

struct OpValue {
  double (*real)(const double* operands) = nullptr;
  Complex (*complex)(const Complex* operands) = nullptr;  // of a modulus the real part
  uint64_t (*integer)(const Integers& operands) = nullptr;
  // Of a comparison: bits 0 to 3 say whether it holds where the first operand is less, equal, greater, or one is NaN.
  uint8_t orders = 0;
  // Of a logical op: bit a + 2 b says whether it holds for the truths a and b (b is 0 where there is no second
  // operand).
  uint8_t truths = 0;
};

const OpValue& value_of(const ir::Op& op);

}  // namespace gpu_node::scalar
