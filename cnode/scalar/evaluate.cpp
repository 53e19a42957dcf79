#include "scalar/evaluate.h"

#include <algorithm>
#include <cmath>

#include "scalar/op_value.h"

namespace gpu_node::scalar {
namespace {

using ir::Code;

bool holds(uint8_t mask, int bit) { return (mask >> bit & 1) != 0; }

// 0, 1 or 2 where |a| is less, equal or greater, 3 where one is NaN: the bits of OpValue::orders.
template <typename T>
int order(T a, T b) {
  return a < b ? 0 : a == b ? 1 : a > b ? 2 : 3;
}

bool is_complex(const Scalar& number) { return std::holds_alternative<Complex>(number.value); }

// A complex number is what its parts are; REQUIRES a real one elsewhere.
double imaginary_of(const Scalar& number) {
  const auto* parts = std::get_if<Complex>(&number.value);
  return parts == nullptr ? 0 : parts->imag();
}

// The real part; exact where long double holds every 64-bit integer.
long double real_of(const Scalar& number) {
  if (const auto* whole = std::get_if<int64_t>(&number.value)) return static_cast<long double>(*whole);
  if (const auto* whole = std::get_if<uint64_t>(&number.value)) return static_cast<long double>(*whole);
  if (const auto* parts = std::get_if<Complex>(&number.value)) return parts->real();
  return std::get<double>(number.value);
}

int order(const Scalar& a, const Scalar& b) {
  const int real = order(real_of(a), real_of(b)), imaginary = order(imaginary_of(a), imaginary_of(b));
  return imaginary == 1 ? real : 3;  // equal or not: complex numbers have no order
}

bool is_true(const Scalar& number) { return real_of(number) != 0 || imaginary_of(number) != 0; }

Integer whole_of(const Scalar& number) {
  if (const auto* whole = std::get_if<int64_t>(&number.value)) return *whole;
  return std::get<uint64_t>(number.value);
}

// Of complex numbers in two doubles; a modulus is real.
Scalar of_complex(const ir::Op& op, Dtype type, std::span<const Scalar> operands) {
  SmallList<Complex, 3> numbers;
  for (const Scalar& operand : operands) numbers.push_back(std::get<Complex>(converted(operand, Dtype::c128).value));
  const Complex value = value_of(op).complex(numbers.begin());
  if (gpu_node::is_complex(type)) return {type, value};
  return {type, value.real()};
}

// Of integers exactly, of floats in double: what a step computes in is no wider.
Scalar computed(const ir::Op& op, Dtype type, std::span<const Scalar> operands) {
  if (gpu_node::is_complex(type) || std::any_of(operands.begin(), operands.end(), is_complex))
    return of_complex(op, type, operands);
  if (is_integer(type)) {
    SmallList<Integer, 3> numbers;
    for (const Scalar& operand : operands)
      numbers.push_back(
          whole_of(std::holds_alternative<double>(operand.value) ? converted(operand, computing_type(type)) : operand));
    return {type, value_of(op).integer({numbers.begin(), dtype_info(type).bits})};
  }
  SmallList<double, 3> numbers;
  SmallList<Dtype, 3> types;
  for (const Scalar& operand : operands) {
    types.push_back(operand.dtype);
    numbers.push_back(std::get<double>(converted(operand, Dtype::f64).value));
  }
  const Scalar exact{type, value_of(op).real(numbers.begin())};
  // What is computed in f32 is rounded to that on its way to a smaller type.
  const bool in_f32 = computing_of(op, type, {types.begin(), types.size()}) == Computing::kResult;
  return in_f32 ? converted(exact, computing_type(type)) : exact;
}

// Not yet rounded to |type|.
Scalar step(const ir::Op& op, Dtype type, std::span<const Scalar> operands) {
  const OpValue& value = value_of(op);
  const auto truth = [type](bool is) { return Scalar{type, uint64_t{is}}; };
  switch (op.code) {
    case Code::kCompare:
      return truth(holds(value.orders, order(operands[0], operands[1])));
    case Code::kLogical: {
      const bool second = operands.size() > 1 && is_true(operands[1]);
      return truth(holds(value.truths, int{is_true(operands[0])} + 2 * int{second}));
    }
    case Code::kTest: {
      const auto real = static_cast<double>(real_of(operands[0]));
      const double imaginary = imaginary_of(operands[0]);
      return truth(value.real(&real) != 0 || value.real(&imaginary) != 0);
    }
    case Code::kSelect:
      return operands[is_true(operands[0]) ? 1 : 2];
    case Code::kConvert:
      return operands[0];
    case Code::kImaginary:
      return {type, imaginary_of(operands[0])};
    default:
      return computed(op, type, operands);
  }
}

}  // namespace

std::vector<Scalar> evaluate(const Block& block, std::span<const Scalar> inputs) {
  std::vector<Scalar> values;
  values.reserve(block.values().size());
  size_t input = 0;
  for (const Value& value : block.values()) {
    // Floats that are not rounded are doubles, whatever their type is.
    const bool rounds = block.rounding() == Block::Rounding::kEachStep || is_integer(value.type);
    const Dtype held = rounds ? value.type : Dtype::f64;
    Scalar number;
    if (value.kind == ValueKind::kInput) {
      number = inputs[input++];
    } else if (value.kind == ValueKind::kConstant) {
      number = number_of(value.type, value.bits);
    } else {
      SmallList<Scalar, 3> operands;
      for (const ValueNumber operand : value.operands) operands.push_back(values[operand]);
      number = step(*value.op, held, {operands.begin(), operands.size()});
    }
    number = converted(number, held);
    number.dtype = value.type;
    values.push_back(number);
  }
  std::vector<Scalar> results;
  results.reserve(block.results().size());
  for (const ValueNumber result : block.results()) results.push_back(values[result]);
  return results;
}

double evaluate(const ir::Op& op, const double* operands) {
  const OpValue& value = value_of(op);
  if (value.real != nullptr) return value.real(operands);
  switch (op.code) {
    case Code::kCompare:
      return holds(value.orders, order(operands[0], operands[1]));
    case Code::kLogical: {
      const bool second = op.operands() > 1 && operands[1] != 0;
      return holds(value.truths, int{operands[0] != 0} + 2 * int{second});
    }
    case Code::kSelect:
      return operands[0] != 0 ? operands[1] : operands[2];
    case Code::kImaginary:
      return 0;
    default:
      return operands[0];  // conversions
  }
}

}  // namespace gpu_node::scalar
