// Literals as kernels take them: eight bytes, of c128 sixteen, in the push constants or in a buffer.
#pragma once

#include <cstdint>
#include <optional>

#include "base/small_list.h"
#include "ir/program.h"
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
// The same of |instruction|'s operand |k|, a literal, where |type_of(name)| is the type of a tensor.
template <typename TypeOf>
Scalar literal_operand(const ir::Instruction& instruction, size_t k, const TypeOf& type_of) {
  std::optional<Dtype> other;
  if (instruction.operands.size() == 2)
    if (const auto* name = std::get_if<ir::ValueName>(&instruction.operands[1 - k])) other = type_of(*name);
  return literal_operand(*instruction.op, k, std::get<Scalar>(instruction.operands[k]),
                         instruction.results[0].type.dtype, other);
}

}  // namespace gpu_node::kernels
