// Most ops are a call of the GLSL function op_<name> (or m_<name> for transcendental ones) on operands converted to the
// result's type. The rest are predicates, which look at each operand in its own type.
#include "kernels/glsl/op_expression.h"

#include <algorithm>
#include <vector>

#include "scalar/op_code.h"

namespace gpu_node::kernels {
namespace {

using ir::Code;

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

std::string compare(ShaderBuilder& shader, std::string_view name, const TypedValue& a, const TypedValue& b) {
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

std::string truth(const TypedValue& value) { return "is_true(" + value.name + ")"; }

std::string logical(ShaderBuilder& shader, std::string_view name, std::span<const TypedValue> operands) {
  shader.library("lib/op_common.glsl");
  if (name == "logical_not") return "uint(!" + truth(operands[0]) + ")";
  const char* relation = name == "logical_and" ? " && " : name == "logical_or" ? " || " : " != ";
  return "uint(" + truth(operands[0]) + relation + truth(operands[1]) + ")";
}

}  // namespace

std::string op_expression(ShaderBuilder& shader, const ir::Op& op, Dtype type, std::span<const TypedValue> operands) {
  const Code code = op.code;
  for (const TypedValue& operand : operands) shader.use(dtype_info(operand.type).compute);
  shader.use(dtype_info(type).compute);
  const auto converted = [&](size_t i) { return shader.convert(operands[i].type, type, operands[i].name); };
  std::vector<std::string> arguments;
  if (scalar::converts_operands(op))
    for (size_t i = 0; i < operands.size(); ++i) arguments.push_back(converted(i));
  const std::string function = "op_" + std::string(op.name);
  switch (code) {
    case Code::kCommon:
      shader.library("lib/op_common.glsl");
      return call(function, arguments);
    case Code::kWidth:
      arguments.push_back(std::to_string(dtype_info(type).bits));
      [[fallthrough]];
    case Code::kInteger:
      shader.library("lib/op_integer.glsl");
      return call(function, arguments);
    case Code::kMath:
      return math_call(shader, op.name, type, arguments);
    case Code::kPower:
    case Code::kRemainder:
      if (is_float(type)) return math_call(shader, code == Code::kPower ? "pow" : "fmod", type, arguments);
      shader.library("lib/op_integer.glsl");
      return call(function, arguments);
    case Code::kDivide:
      shader.use_double_where_supported();
      shader.library("lib/op_divide.glsl");
      return call(function, arguments);
    case Code::kCompare:
      return compare(shader, op.name, operands[0], operands[1]);
    case Code::kLogical:
      return logical(shader, op.name, operands);
    case Code::kTest:
      shader.library("lib/op_common.glsl");
      return "uint(" + std::string(op.name) + "(" + operands[0].name + "))";
    case Code::kSelect:
      shader.library("lib/op_common.glsl");
      return "(" + truth(operands[0]) + " ? " + converted(1) + " : " + converted(2) + ")";
    case Code::kConvert:
      return converted(0);
    case Code::kZero:
      return zero_literal(type);
  }
  return "";
}

}  // namespace gpu_node::kernels
