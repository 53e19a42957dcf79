// Scalar code without branches: what a kernel computes of one element, or a density in a loop. Values in SSA form, each
// an input, a constant, or an op of the table on earlier values; some of them are the results.
//
// A block knows neither where its inputs come from nor where its results go: whoever writes a kernel gives an
// expression for each input and takes the names of the results. The text of a block says all that it computes, in few
// characters: it is its key, in the names of kernels and elsewhere.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "base/small_list.h"
#include "ir/op.h"
#include "scalar/computing.h"
#include "tensor/scalar.h"

namespace gpu_node::scalar {

using ValueNumber = uint32_t;

// A number's bits in its compute type: integers extended to 64 bits, floats below 64 bits as the float that they equal,
// of c64 the real part in the lower half. |high| is the imaginary part of a c128.
struct NumberBits {
  uint64_t low = 0, high = 0;
  bool operator==(const NumberBits&) const = default;
};

enum class ValueKind : uint8_t { kInput, kConstant, kStep };

struct Value {
  ValueKind kind = ValueKind::kInput;
  Dtype type = Dtype::f32;
  const ir::Op* op = nullptr;                // of a step
  Computing computing = Computing::kResult;  // of a step
  NumberBits bits{};                         // of a constant
  SmallList<ValueNumber, 3> operands{};      // of a step

  bool operator==(const Value&) const = default;
};

class Block {
 public:
  // What is between an op and the next one.
  enum class Rounding : uint8_t {
    kEachStep,  // a value is a number of its element type, as tensors' are
    kNone,      // a value is what its compute type holds: densities
  };
  explicit Block(Rounding rounding = Rounding::kEachStep) : rounding_(rounding) {}

  // Each appends a value and returns its number; the first is 0. Inputs are counted in the order of their values.
  ValueNumber input(Dtype type);
  ValueNumber constant(const Scalar& number);  // converted to its own type
  // A step computes in what computing_of says, where the block rounds; else in |type|'s compute type.
  // REQUIRES: |op| is elementwise and takes operands of these types, all of which come before.
  ValueNumber step(const ir::Op& op, Dtype type, std::span<const ValueNumber> operands);
  ValueNumber step(const ir::Op& op, Dtype type, std::initializer_list<ValueNumber> operands) {
    return step(op, type, std::span(operands.begin(), operands.size()));
  }
  // Makes |value| the next result. A value may be several.
  void result(ValueNumber value) { results_.push_back(value); }

  Rounding rounding() const { return rounding_; }
  std::span<const Value> values() const { return {values_.begin(), values_.size()}; }
  const Value& operator[](ValueNumber value) const { return values_[value]; }
  size_t inputs() const { return inputs_; }
  std::span<const ValueNumber> results() const { return {results_.begin(), results_.size()}; }
  Dtype result_type(size_t result = 0) const { return values_[results_[result]].type; }

  // Appends the text: values in order, separated by spaces, as "f32", "f32=3f800000" and "add,0,1:f32", with what
  // it computes in where that is not the result's ("add,0,1:f32@f64"), then " >" with the numbers of the results,
  // unless it is the last value alone. In front of it "~ " where nothing is rounded.
  // |marks|: a character for each input, written behind it ("f32.s"), by which a user of the block tells its inputs
  // apart; or nothing. Blocks are equal where their texts are.
  void append_text(std::string& text, std::string_view marks = {}) const;
  std::string text() const;

  bool operator==(const Block&) const = default;

 private:
  SmallList<Value, 4> values_;
  SmallList<ValueNumber, 2> results_;
  uint32_t inputs_ = 0;
  Rounding rounding_;
};

// |number|, converted to its own type, as bits; and back.
NumberBits compute_bits(const Scalar& number);
Scalar number_of(Dtype type, const NumberBits& bits);

}  // namespace gpu_node::scalar
