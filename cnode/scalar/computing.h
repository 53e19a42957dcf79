// What an elementwise op computes in: a type that holds each of its operands, so that what comes of them is rounded, or
// wrapped, to the result's type once.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "ir/op.h"
#include "tensor/dtype.h"

namespace gpu_node::scalar {

enum class Computing : uint8_t {
  kResult,  // the result's compute type
  kS32,
  kU32,
  kS64,
  kU64,
  kF64,
  kC128,
  kS65,  // integers of 64 bits and a sign: what holds s64 and u64
};

// How blocks' texts spell it.
std::string_view word(Computing computing);
// The element type that it is. REQUIRES neither kResult nor kS65.
Dtype dtype_of(Computing computing);

// Whether every number of |from| is one of |to|.
bool holds(Dtype to, Dtype from);

// What |op| computes in where its result is |result|, its operands |operands|: the result's compute type if that holds
// them, else the least that does. Where nothing does, because an integer of 64 bits meets a float, it is f64, and the
// integer is rounded to it. Ops of integers that the result's width does not change (ir::Op::modular) need no wider
// type; a float operand of an integer result is converted to that first.
Computing computing_of(const ir::Op& op, Dtype result, std::span<const Dtype> operands);

}  // namespace gpu_node::scalar
