#include "scalar/computing.h"

#include <algorithm>

#include "scalar/op_code.h"

namespace gpu_node::scalar {
namespace {

constexpr Computing kIntegers[] = {Computing::kS32, Computing::kU32, Computing::kS64, Computing::kU64};

// Bits of the whole numbers from 0 on that |dtype| holds, all of them.
int whole_bits(Dtype dtype) {
  switch (dtype) {
    case Dtype::f64:
      return 53;
    case Dtype::f32:
      return 24;
    case Dtype::f16:
      return 11;
    case Dtype::bf16:
      return 8;
    case Dtype::f8_e4m3fn:
      return 4;
    case Dtype::f8:
      return 3;
    default:
      return dtype_info(dtype).bits - (dtype_info(dtype).kind == DtypeKind::kSigned ? 1 : 0);
  }
}

bool holds_all(Dtype to, std::span<const Dtype> operands) {
  return std::all_of(operands.begin(), operands.end(), [to](Dtype from) { return holds(to, from); });
}

}  // namespace

std::string_view word(Computing computing) {
  static constexpr std::string_view kWords[] = {"", "s32", "u32", "s64", "u64", "f64", "c128", "s65"};
  return kWords[static_cast<size_t>(computing)];
}

Dtype dtype_of(Computing computing) {
  static constexpr Dtype kTypes[] = {Dtype::f32, Dtype::s32, Dtype::u32,  Dtype::s64,
                                     Dtype::u64, Dtype::f64, Dtype::c128, Dtype::s64};
  return kTypes[static_cast<size_t>(computing)];
}

bool holds(Dtype to, Dtype from) {
  if (to == from) return true;
  if (is_complex(to)) return holds(component_type(to), component_type(from));
  if (is_complex(from)) return false;
  if (is_float(from)) return to == Dtype::f64 || (to == Dtype::f32 && from != Dtype::f64);
  if (is_integer(to) && dtype_info(to).kind == DtypeKind::kUnsigned && dtype_info(from).kind == DtypeKind::kSigned)
    return false;
  return whole_bits(to) >= whole_bits(from);
}

Computing computing_of(const ir::Op& op, Dtype result, std::span<const Dtype> operands) {
  const Dtype own = computing_type(result);
  if (!converts_operands(op) || holds_all(own, operands)) return Computing::kResult;
  // Of a complex number the modulus is real: it is computed in what holds the operand.
  if (is_complex(result)) return own == Dtype::c128 ? Computing::kResult : Computing::kC128;
  if (std::any_of(operands.begin(), operands.end(), is_complex)) return Computing::kResult;
  if (is_float(result)) return own == Dtype::f64 ? Computing::kResult : Computing::kF64;
  if (op.modular || std::any_of(operands.begin(), operands.end(), is_float)) return Computing::kResult;
  for (const Computing computing : kIntegers)
    if (holds_all(dtype_of(computing), operands)) return computing;
  return Computing::kS65;
}

}  // namespace gpu_node::scalar
