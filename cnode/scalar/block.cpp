#include "scalar/block.h"

#include <bit>
#include <charconv>

#include "base/concat.h"

namespace gpu_node::scalar {
namespace {

void append_hex(std::string& text, uint64_t bits) {
  char digits[16];
  text.append(digits, std::to_chars(digits, digits + sizeof digits, bits, 16).ptr);
}

uint32_t bits_of(float number) { return std::bit_cast<uint32_t>(number); }
double float_of(uint64_t bits) { return double{std::bit_cast<float>(static_cast<uint32_t>(bits))}; }

}  // namespace

ValueNumber Block::input(Dtype type) {
  ++inputs_;
  values_.push_back({.kind = ValueKind::kInput, .type = type});
  return static_cast<ValueNumber>(values_.size() - 1);
}

ValueNumber Block::constant(const Scalar& number) {
  values_.push_back({.kind = ValueKind::kConstant, .type = number.dtype, .bits = compute_bits(number)});
  return static_cast<ValueNumber>(values_.size() - 1);
}

ValueNumber Block::step(const ir::Op& op, Dtype type, std::span<const ValueNumber> operands) {
  Value step{.kind = ValueKind::kStep, .type = type, .op = &op, .operands = {operands.begin(), operands.end()}};
  if (rounding_ == Rounding::kEachStep) {
    SmallList<Dtype, 3> types;
    for (const ValueNumber operand : operands) types.push_back(values_[operand].type);
    step.computing = computing_of(op, type, {types.begin(), types.size()});
  }
  values_.push_back(std::move(step));
  return static_cast<ValueNumber>(values_.size() - 1);
}

void Block::append_text(std::string& text, std::string_view marks) const {
  if (rounding_ == Rounding::kNone) text += "~ ";
  size_t input = 0;
  for (const Value& value : values_) {
    if (&value != values_.begin()) text += ' ';
    if (value.kind == ValueKind::kStep) {
      text += value.op->name;
      for (const ValueNumber operand : value.operands) {
        text += ',';
        append_part(text, operand);
      }
      text += ':';
    }
    text += dtype_name(value.type);
    if (value.computing != Computing::kResult) {
      text += '@';
      text += word(value.computing);
    }
    if (value.kind == ValueKind::kConstant) {
      text += '=';
      append_hex(text, value.bits.low);
      if (value.type == Dtype::c128) {
        text += '_';
        append_hex(text, value.bits.high);
      }
    } else if (value.kind == ValueKind::kInput && !marks.empty()) {
      text += '.';
      text += marks[input++];
    }
  }
  if (results_.size() == 1 && results_[0] + 1 == values_.size()) return;
  char before = '>';
  text += ' ';
  for (const ValueNumber result : results_) {
    text += before;
    append_part(text, result);
    before = ',';
  }
  if (results_.empty()) text += before;
}

std::string Block::text() const {
  std::string text;
  append_text(text);
  return text;
}

NumberBits compute_bits(const Scalar& number) {
  const Scalar own = converted(number, number.dtype);
  if (const auto* parts = std::get_if<std::complex<double>>(&own.value)) {
    if (own.dtype == Dtype::c128)
      return {std::bit_cast<uint64_t>(parts->real()), std::bit_cast<uint64_t>(parts->imag())};
    const uint64_t imaginary = bits_of(static_cast<float>(parts->imag()));
    return {imaginary << 32 | bits_of(static_cast<float>(parts->real()))};
  }
  if (const auto* real = std::get_if<double>(&own.value))
    return {own.dtype == Dtype::f64 ? std::bit_cast<uint64_t>(*real) : bits_of(static_cast<float>(*real))};
  if (const auto* whole = std::get_if<int64_t>(&own.value)) return {static_cast<uint64_t>(*whole)};
  return {std::get<uint64_t>(own.value)};
}

Scalar number_of(Dtype type, const NumberBits& bits) {
  if (type == Dtype::c128)
    return {type, std::complex<double>(std::bit_cast<double>(bits.low), std::bit_cast<double>(bits.high))};
  if (type == Dtype::c64) return {type, std::complex<double>(float_of(bits.low), float_of(bits.low >> 32))};
  if (type == Dtype::f64) return {type, std::bit_cast<double>(bits.low)};
  if (is_float(type)) return {type, float_of(bits.low)};
  if (dtype_info(type).kind == DtypeKind::kSigned) return {type, static_cast<int64_t>(bits.low)};
  return {type, bits.low};
}

}  // namespace gpu_node::scalar
