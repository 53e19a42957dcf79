// Most ops are a call of the GLSL function op_<name> (or m_<name> for transcendental ones) on operands converted to
// what the op computes in. The rest are predicates, which look at each operand in its own type.
#include "kernels/glsl/op_expression.h"

#include <algorithm>
#include <vector>

#include "base/concat.h"
#include "kernels/glsl/glsl_types.h"
#include "scalar/op_code.h"

namespace gpu_node::kernels {
namespace {

using ir::Code;
using scalar::Computing;

std::string call(std::string_view function, std::span<const std::string> arguments) {
  std::string text(function);
  for (size_t i = 0; i < arguments.size(); ++i) text += (i == 0 ? "(" : ", ") + arguments[i];
  return text + ")";
}

std::string math_call(ShaderBuilder& shader, std::string_view name, Dtype type,
                      std::span<const std::string> arguments) {
  shader.math(name, type);
  return call("m_" + std::string(name), arguments);
}

// The spelling of a comparison: between equal compute types, and of compare()'s result, which is -1, 0 or 1, and 2 for
// NaN (so uint(c) <= 1u is "not less").
struct Relation {
  std::string_view op;
  std::string_view same;
  std::string_view ordered;
  std::string_view swapped;  // of compare(b, a)
};
constexpr Relation kRelations[] = {
    {"equal", " == ", "# == 0", "# == 0"},
    {"not_equal", " != ", "# != 0", "# != 0"},
    {"greater", " > ", "# == 1", "# == -1"},
    {"less", " < ", "# == -1", "# == 1"},
    {"greater_equal", " >= ", "uint(#) <= 1u", "# <= 0"},
    {"less_equal", " <= ", "# <= 0", "uint(#) <= 1u"},
};

// The real (0) or imaginary (1) part.
TypedValue part(const TypedValue& value, size_t i) {
  if (is_complex(value.type)) return {component_type(value.type), value.name + (i == 0 ? ".x" : ".y")};
  return i == 0 ? value : TypedValue{Dtype::f32, zero_literal(Dtype::f32)};
}

std::string compare(ShaderBuilder& shader, std::string_view name, const TypedValue& a, const TypedValue& b) {
  if (is_complex(a.type) || is_complex(b.type)) {
    // Only equal and not_equal take them.
    const char* both = name == "equal" ? " & " : " | ";
    return "(" + compare(shader, name, part(a, 0), part(b, 0)) + both + compare(shader, name, part(a, 1), part(b, 1)) +
           ")";
  }
  const auto* relation = std::find_if(std::begin(kRelations), std::end(kRelations),
                                      [name](const Relation& row) { return row.op == name; });
  const ComputeType x = dtype_info(a.type).compute;
  const ComputeType y = dtype_info(b.type).compute;
  const auto same = [relation](const std::string& left, const std::string& right) {
    return "uint(" + left + std::string(relation->same) + right + ")";
  };
  // f32 goes by its bits: a device that flushes subnormal numbers compares them as zeros.
  if (x == y && x != ComputeType::kF32) return same(a.name, b.name);
  if (is_float(a.type) && is_float(b.type) && x != y)
    return same(shader.convert(a.type, Dtype::f64, a.name), shader.convert(b.type, Dtype::f64, b.name));
  shader.library("lib/op_common.glsl");
  shader.library("lib/op_compare.glsl");
  // compare() takes its operands in the order of ComputeType.
  const bool swap = x > y;
  std::string text(swap ? relation->swapped : relation->ordered);
  text.replace(text.find('#'), 1, "compare(" + (swap ? b.name + ", " + a.name : a.name + ", " + b.name) + ")");
  return "uint(" + text + ")";
}

// What ops of |operands| are written in.
void use_common(ShaderBuilder& shader, std::span<const Dtype> types) {
  shader.library("lib/op_common.glsl");
  if (std::any_of(types.begin(), types.end(), is_complex)) {
    shader.use_double_where_supported();
    shader.library("lib/op_complex.glsl");
  }
}

std::string truth(ShaderBuilder& shader, const TypedValue& value) {
  use_common(shader, {&value.type, 1});
  return "is_true(" + value.name + ")";
}

// Whether a part is NaN, or infinite.
std::string test(ShaderBuilder& shader, std::string_view name, const TypedValue& value) {
  shader.library("lib/op_common.glsl");
  std::string text;
  for (size_t i = 0; i < (is_complex(value.type) ? 2 : 1); ++i)
    text += (i == 0 ? "" : " || ") + std::string(name) + "(" + part(value, i).name + ")";
  return "uint(" + text + ")";
}

std::string logical(ShaderBuilder& shader, std::string_view name, std::span<const TypedValue> operands) {
  if (name == "logical_not") return "uint(!" + truth(shader, operands[0]) + ")";
  const char* relation = name == "logical_and" ? " && " : name == "logical_or" ? " || " : " != ";
  return "uint(" + truth(shader, operands[0]) + relation + truth(shader, operands[1]) + ")";
}

// Of integers that only 65 bits hold, all of them: the op gives its result's lower 64.
std::string wide_call(ShaderBuilder& shader, const ir::Op& op, Dtype type, std::span<const TypedValue> operands) {
  shader.library("lib/op_wide.glsl");
  std::vector<std::string> arguments;
  for (const TypedValue& operand : operands) {
    const Dtype own = dtype_info(operand.type).kind == DtypeKind::kSigned ? Dtype::s64 : Dtype::u64;
    arguments.push_back("wide(" + shader.convert(operand.type, own, operand.name) + ")");
  }
  return shader.convert(Dtype::u64, type, call("wide_" + std::string(op.name), arguments));
}

// |op| of |arguments| of |type|, one of those that are computed in; |bits| is the width that a shift moves out of.
std::string own_call(ShaderBuilder& shader, const ir::Op& op, Dtype type, int bits,
                     std::vector<std::string> arguments) {
  const std::string function = "op_" + std::string(op.name);
  switch (op.code) {
    case Code::kModulus:
      if (is_complex(type)) return math_call(shader, op.name, type, arguments);
      [[fallthrough]];
    case Code::kCommon:
      use_common(shader, {&type, 1});
      return call(function, arguments);
    case Code::kMath:
      return math_call(shader, op.name, type, arguments);
    case Code::kDivide:
      if (is_complex(type)) return math_call(shader, op.name, type, arguments);
      shader.use_double_where_supported();
      shader.library("lib/op_divide.glsl");
      return call(function, arguments);
    case Code::kPower:
    case Code::kRemainder:
      if (is_float(type) || is_complex(type))
        return math_call(shader, op.code == Code::kPower ? "pow" : "fmod", type, arguments);
      break;
    case Code::kWidth:
      arguments.push_back(std::to_string(bits));
      break;
    default:
      break;
  }
  shader.library("lib/op_integer.glsl");
  return call(function, arguments);
}

// |op| of operands converted to what it computes in.
std::string computed(ShaderBuilder& shader, const ir::Op& op, Dtype type, Computing computing,
                     std::span<const TypedValue> operands) {
  if (computing == Computing::kS65) return wide_call(shader, op, type, operands);
  // The modulus of a complex number is of its parts' type.
  if (is_complex(operands[0].type) && !is_complex(type)) {
    const TypedValue& operand = operands[0];
    return shader.convert(component_type(operand.type), type, own_call(shader, op, operand.type, 0, {operand.name}));
  }
  const Dtype in = computing == Computing::kResult ? computing_type(type) : scalar::dtype_of(computing);
  shader.use(dtype_info(in).compute);
  std::vector<std::string> arguments;
  for (const TypedValue& operand : operands) arguments.push_back(shader.convert(operand.type, in, operand.name));
  // What is shifted has the width that it is computed in, unless all of it is the result's.
  const bool own = computing == Computing::kResult && operands[0].type == type;
  const int bits = dtype_info(own ? type : in).bits;
  const std::string text = own_call(shader, op, in, bits, std::move(arguments));
  return computing == Computing::kResult ? text : shader.narrow(in, type, text);
}

// The number of |type| that has the bits of |value|, which is real and as wide.
std::string bitcast(ShaderBuilder& shader, const TypedValue& value, Dtype type) {
  const Dtype from = value.type;
  if (from == type || (is_integer(from) && is_integer(type))) return shader.convert(from, type, value.name);
  const int bits = dtype_info(from).bits;
  const std::string_view compute = compute_type(type);
  if (bits == 64 && type == Dtype::f64) return concat("packDouble2x32(unpackUint2x32(uint64_t(", value.name, ")))");
  if (bits == 64) return concat(compute, "(packUint2x32(unpackDouble2x32(", value.name, ")))");
  std::string word = concat("uint(", value.name, ")");
  if (from == Dtype::f32)
    word = concat("floatBitsToUint(", value.name, ")");
  else if (is_float(from))
    word = shader.word(from, value.name);
  else if (bits < 32)
    word = concat("(", word, " & ", (1u << bits) - 1, "u)");
  if (type == Dtype::f32) return concat("uintBitsToFloat(", word, ")");
  if (is_float(type)) return shader.load(type, word);
  return shader.round(type, concat(compute, "(", word, ")"));
}

}  // namespace

std::string op_expression(ShaderBuilder& shader, const ir::Op& op, Dtype type, Computing computing,
                          std::span<const TypedValue> operands) {
  for (const TypedValue& operand : operands) shader.use(dtype_info(operand.type).compute);
  shader.use(dtype_info(type).compute);
  const auto converted = [&](size_t i) { return shader.convert(operands[i].type, type, operands[i].name); };
  switch (op.code) {
    case Code::kCompare:
      return compare(shader, op.name, operands[0], operands[1]);
    case Code::kLogical:
      return logical(shader, op.name, operands);
    case Code::kTest:
      return test(shader, op.name, operands[0]);
    case Code::kSelect:
      use_common(shader, {&type, 1});
      if (component_type(type) == Dtype::f64)
        return "op_select(" + truth(shader, operands[0]) + ", " + converted(1) + ", " + converted(2) + ")";
      return "(" + truth(shader, operands[0]) + " ? " + converted(1) + " : " + converted(2) + ")";
    case Code::kConvert:
      return op.type_rule == ir::TypeRule::kSameWidth ? bitcast(shader, operands[0], type) : converted(0);
    case Code::kImaginary:
      if (!is_complex(operands[0].type)) return zero_literal(type);
      return shader.convert(component_type(operands[0].type), type, part(operands[0], 1).name);
    default:
      return computed(shader, op, type, computing, operands);
  }
}

}  // namespace gpu_node::kernels
