// Result types: Nx's rules, and what a wider declared type may hold.
#include "ir/inference.h"

namespace gpu_node::ir {
namespace {

Dtype floating(Dtype dtype) { return is_integer(dtype) ? Dtype::f32 : dtype; }
Dtype complex(Dtype dtype) { return dtype == Dtype::f64 || dtype == Dtype::c128 ? Dtype::c128 : Dtype::c64; }

Error wrong_type(const Inference& inference, size_t result, std::string_view expected) {
  return invalid(inference, "the result is declared ", text(inference.declared(result)), ", but is ", expected);
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

// The declared type, which must hold the operands from |first| on, each |step|-th. Scalars take the type of what they
// meet; but no real number is a complex one's.
Result<Dtype> merged(const Inference& inference, size_t result, size_t first, size_t step = 1) {
  const TensorType& declared = inference.declared(result);
  for (size_t i = first; i < inference.operands.size(); i += step) {
    const bool lost = is_complex(inference.dtype(i)) && !is_complex(declared.dtype);
    if ((inference.shape(i).empty() && !lost) || holds(declared.dtype, inference.dtype(i))) continue;
    return invalid(inference, "the result is declared ", text(declared), ", which cannot hold operand ", i, ", ",
                   inference.operand_text(i));
  }
  return declared.dtype;
}

Result<void> check_operands(const Inference& inference) {
  const Takes takes = inference.op().takes;
  if (takes == Takes::kAny) return {};
  for (size_t i = 0; i < inference.operands.size(); ++i) {
    if (takes == Takes::kInteger && !is_integer(inference.dtype(i)))
      return invalid(inference, "takes integers, but operand ", i, " is ", inference.operand_text(i));
    if (takes == Takes::kOrdered && is_complex(inference.dtype(i)))
      return invalid(inference, "complex numbers have no order, but operand ", i, " is ", inference.operand_text(i));
  }
  return {};
}

// The steps of |function|, of numbers of |type|, must be instructions that could stand alone, and give |type|.
Result<void> check_function(const Inference& inference, const Function& function, Dtype type) {
  if (function.steps.empty()) return invalid(inference, "function has no step");
  SmallList<Dtype, 8> types;
  for (const FunctionStep& step : function.steps) {
    const auto number = static_cast<int64_t>(types.size()) + 1;
    const auto wrong = [&](const auto&... what) {
      return invalid(inference, "step ", number, " of function", what...);
    };
    if (!is_elementwise(step.op->family) || step.op->type_rule == TypeRule::kSameWidth)
      return wrong(": ", step.op->name, " is not computed element by element");
    static const Shape kScalar;
    Instruction alone{step.op, {}, {{0, {step.type, kScalar}}}, {}};
    SmallList<OperandType, 3> operands;
    for (const FunctionStep::Operand& operand : step.operands) {
      alone.operands.push_back(operand);
      if (const auto* literal = std::get_if<Scalar>(&operand)) {
        operands.push_back(OperandType::of(*literal));
        continue;
      }
      const int64_t name = std::get<int64_t>(operand);
      if (name > 1 || name <= -number)
        return wrong(" names ", name, "; there are 0, the element, 1, what came before",
                     number > 1 ? concat(", and -1 to -", number - 1) : "");
      operands.push_back({name >= 0 ? type : types[static_cast<size_t>(-name - 1)], &kScalar});
    }
    TensorTypes results;
    if (Result<void> step_type = infer(alone, {operands.begin(), operands.size()}, results); !step_type.ok())
      return wrong(": ", step_type.error().message);
    types.push_back(step.type);
  }
  if (types.back() == type) return {};
  return invalid(inference, "function gives ", dtype_name(types.back()), ", but the result is of ", dtype_name(type));
}

Result<Dtype> of_function(const Inference& inference, Dtype declared) {
  Result<void> checked;
  inference.instruction.attributes.visit([&](std::string_view, const auto& field) {
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(field)>, Function>)
      checked = check_function(inference, field, declared);
  });
  GPU_TRY(std::move(checked));
  return declared;
}

}  // namespace

Result<Dtype> infer_type(const Inference& inference, size_t result) {
  GPU_TRY(check_operands(inference));
  const Dtype declared = inference.declared(result).dtype;
  switch (inference.op().type_rule) {
    case TypeRule::kSame:
      return inference.dtype(0);
    case TypeRule::kSameAndFloating:
      if (result == 0) return inference.dtype(0);
      [[fallthrough]];
    case TypeRule::kFloating:
      return floating(inference.dtype(0));
    case TypeRule::kComponent:
      return component_type(inference.dtype(0));
    case TypeRule::kReal:
      return floating(component_type(inference.dtype(0)));
    case TypeRule::kComplex:
      return complex(inference.dtype(0));
    case TypeRule::kPredicate:
      return Dtype::u8;
    case TypeRule::kMergeFloating:
      if (is_integer(declared)) return wrong_type(inference, result, "of a float type");
      [[fallthrough]];
    case TypeRule::kMerge:
      // Integers alone give an integer: nothing else could say what its bits are.
      if (inference.op().takes == Takes::kInteger && !is_integer(declared))
        return wrong_type(inference, result, "of an integer type");
      if (inference.op().takes == Takes::kOrdered && is_complex(declared))
        return wrong_type(inference, result, "of a type that has an order");
      return merged(inference, result, 0);
    case TypeRule::kMergeValues:
      return merged(inference, result, 1);
    case TypeRule::kMergeUpdates:
      return merged(inference, result, 0, 2);
    case TypeRule::kAggregate:
      if (!is_integer(inference.dtype(0))) return inference.dtype(0);
      if (!is_integer(declared))
        return wrong_type(inference, result,
                          concat("of an integer type, as its operand ", dtype_name(inference.dtype(0))));
      return declared;
    case TypeRule::kDeclared:
      return declared;
    case TypeRule::kSameWidth:
      if (is_complex(inference.dtype(0)) || is_complex(declared) ||
          dtype_info(inference.dtype(0)).bits != dtype_info(declared).bits)
        return invalid(inference, "from ", dtype_name(inference.dtype(0)), " to ", dtype_name(declared),
                       ": both must be real and of the same width");
      return declared;
    case TypeRule::kState:
      if (inference.instruction.is_literal(result))
        return invalid(inference, "takes tensors, operand ", result, " is a number");
      return inference.dtype(result);
    case TypeRule::kFunction:
      return of_function(inference, declared);
    case TypeRule::kSameAndIndex:
      if (result == 0) return inference.dtype(0);
      [[fallthrough]];
    case TypeRule::kIndex:
      if (!is_integer(declared)) return wrong_type(inference, result, "of an integer type");
      return declared;
  }
  return Error{ErrorCode::kInternal, concat("op ", inference.op().name, " has no type rule")};
}

}  // namespace gpu_node::ir
