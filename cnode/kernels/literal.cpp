#include "kernels/literal.h"

#include <cmath>

#include "scalar/block.h"
#include "scalar/op_code.h"

namespace gpu_node::kernels {

LiteralBits literal_bits(const Scalar& number) {
  const scalar::NumberBits bits = scalar::compute_bits(number);
  LiteralBits words = {static_cast<uint32_t>(bits.low), static_cast<uint32_t>(bits.low >> 32)};
  if (literal_words(number.dtype) == 2) return words;
  words.push_back(static_cast<uint32_t>(bits.high));
  words.push_back(static_cast<uint32_t>(bits.high >> 32));
  return words;
}

bool is_exact(const Scalar& scalar, Dtype to) {
  if (is_complex(scalar.dtype)) {
    const Scalar parts = converted(scalar, scalar.dtype);
    const auto& number = std::get<std::complex<double>>(parts.value);
    return is_complex(to) && is_exact({Dtype::f64, number.real()}, component_type(to)) &&
           is_exact({Dtype::f64, number.imag()}, component_type(to));
  }
  if (is_complex(to)) return is_exact(scalar, component_type(to));
  const auto number = [](const Scalar& from) -> long double {
    if (const auto* whole = std::get_if<int64_t>(&from.value)) return static_cast<long double>(*whole);
    if (const auto* whole = std::get_if<uint64_t>(&from.value)) return static_cast<long double>(*whole);
    return std::get<double>(from.value);
  };
  const Scalar own = converted(scalar, scalar.dtype);
  const long double value = number(own);
  if (std::isnan(value)) return is_float(to);
  if (value == 0 && std::signbit(value) && is_integer(to)) return false;
  return value == number(converted(own, to));
}

namespace {

// |literal|, of its own type already, as an operand that |op| computes with: of the result's type or compute type where
// that says the same, else of the least type in which the op then computes.
Scalar as_operand(const ir::Op& op, const Scalar& literal, Dtype result) {
  const Dtype own = computing_type(result);
  if (is_complex(result)) return converted(literal, is_exact(literal, result) ? result : Dtype::c128);
  if (is_complex(literal.dtype)) return literal;
  if (is_float(result)) return converted(literal, is_exact(literal, own) ? own : Dtype::f64);
  const Scalar whole = is_integer(literal.dtype) ? literal : converted(literal, own);
  if (!op.modular)
    for (const Dtype type : {result, Dtype::s32, Dtype::u32, Dtype::s64, Dtype::u64})
      if (is_exact(whole, type)) return converted(whole, type);
  return converted(whole, result);
}

}  // namespace

Scalar literal_operand(const ir::Op& op, size_t operand, const Scalar& literal, Dtype result,
                       std::optional<Dtype> other) {
  if (scalar::converts_operands(op)) return as_operand(op, converted(literal, literal.dtype), result);
  if (op.code == ir::Code::kSelect && operand > 0) return converted(converted(literal, literal.dtype), result);
  if (op.type_rule == ir::TypeRule::kPredicate && other && is_exact(literal, *other)) return converted(literal, *other);
  return literal;
}

}  // namespace gpu_node::kernels
