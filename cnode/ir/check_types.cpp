// Result types: Nx's rules, and what a wider declared type may hold.
//
// Nx's numbers take the type of what they meet (add(u8 tensor, 1) is u8 although 1 alone is s32), so literals and
// operands of shape {} do not widen the result.
#include "ir/check.h"

namespace gpu_node::ir {
namespace {

std::string name(Dtype dtype) { return std::string(dtype_name(dtype)); }

Error wrong_type(const Checked& checked, const std::string& expected) {
  return invalid(checked, "the result is declared " + text(checked.result()) + ", but its type is " + expected);
}

// Whether numbers of |from| may be computed in |declared| under Nx's merging rules (f8 with bf16 merges to f8).
bool holds(Dtype declared, Dtype from) {
  if (declared == from) return true;
  const DtypeInfo& to = dtype_info(declared);
  const DtypeInfo& source = dtype_info(from);
  if (to.kind == DtypeKind::kComplex) return true;
  if (source.kind == DtypeKind::kComplex) return false;
  if (to.kind == DtypeKind::kFloat)
    return source.kind != DtypeKind::kFloat || to.bits >= source.bits || from == Dtype::bf16;
  if (source.kind == DtypeKind::kFloat) return false;
  if (to.kind == source.kind) return to.bits >= source.bits;
  return to.kind == DtypeKind::kSigned && (to.bits > source.bits || to.bits == 64);
}

Result<void> check_merge(const Checked& checked) {
  for (size_t i = 0; i < checked.operands.size(); ++i) {
    const TensorType& operand = checked.operands[i];
    if (operand.shape.empty() || holds(checked.result().dtype, operand.dtype)) continue;
    return invalid(checked, "the result is declared " + text(checked.result()) + ", which cannot hold operand " +
                                std::to_string(i) + ", " + text(operand));
  }
  return {};
}

Result<void> check_integers(const Checked& checked) {
  for (size_t i = 0; i < checked.operands.size(); ++i)
    if (!is_integer(checked.operands[i].dtype))
      return invalid(checked, "takes integers, but operand " + std::to_string(i) + " is " + text(checked.operands[i]));
  if (!is_integer(checked.result().dtype)) return wrong_type(checked, "an integer");
  return {};
}

Result<void> check_exact(const Checked& checked, Dtype expected) {
  if (checked.result().dtype == expected) return {};
  return wrong_type(checked, name(expected));
}

Dtype floating(Dtype dtype) { return is_integer(dtype) ? Dtype::f32 : dtype; }

Dtype component(Dtype dtype) { return dtype == Dtype::c64 ? Dtype::f32 : dtype == Dtype::c128 ? Dtype::f64 : dtype; }

Result<void> check_aggregate(const Checked& checked) {
  const Dtype from = checked.operands[0].dtype;
  if (!is_integer(from)) return check_exact(checked, from);
  if (!is_integer(checked.result().dtype)) return wrong_type(checked, "an integer, as its operand " + name(from));
  return {};
}

Result<void> check_declared(const Checked& checked) {
  const Family family = checked.op().family;
  const Dtype to = checked.result().dtype;
  if (family == Family::kArgReduce && !is_integer(to)) return wrong_type(checked, "an integer");
  if (checked.op().name == "bitcast") {
    const Dtype from = checked.operands[0].dtype;
    if (is_complex(from) || is_complex(to) || dtype_info(from).bits != dtype_info(to).bits)
      return invalid(checked, "from " + name(from) + " to " + name(to) + ": both must be real and of the same width");
  }
  return {};
}

}  // namespace

Result<void> check_type_rule(const Checked& checked) {
  const Op& op = checked.op();
  switch (op.type_rule) {
    case TypeRule::kSame:
      if (op.family == Family::kUnary &&
          (op.name == "bitwise_not" || op.name == "count_leading_zeros" || op.name == "population_count"))
        GPU_TRY(check_integers(checked));
      return check_exact(checked, checked.operands[0].dtype);
    case TypeRule::kFloating:
      return check_exact(checked, floating(checked.operands[0].dtype));
    case TypeRule::kMerge:
      return check_merge(checked);
    case TypeRule::kMergeFloat:
      if (is_integer(checked.result().dtype)) return wrong_type(checked, "a float");
      return check_merge(checked);
    case TypeRule::kMergeInt:
      GPU_TRY(check_integers(checked));
      return check_merge(checked);
    case TypeRule::kPredicate:
      return check_exact(checked, Dtype::u8);
    case TypeRule::kAggregate:
      return check_aggregate(checked);
    case TypeRule::kDeclared:
      return check_declared(checked);
    case TypeRule::kRealPart: {
      const Dtype part = component(checked.operands[0].dtype);
      return check_exact(checked, op.name == "abs" ? part : floating(part));
    }
  }
  return Error{ErrorCode::kInternal, "op " + std::string(op.name) + " has no type rule"};
}

}  // namespace gpu_node::ir
