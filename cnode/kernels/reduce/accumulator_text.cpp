#include "kernels/reduce/accumulator_text.h"

#include <array>

#include "base/concat.h"
#include "kernels/glsl/glsl_types.h"

namespace gpu_node::kernels {
namespace {

constexpr std::array<std::string_view, 10> kNames = {"sum", "product", "max",         "min",    "all",
                                                     "any", "argmax",  "argmax_high", "argmin", "argmin_high"};

std::string_view macro(Accumulator accumulator, Dtype element) {
  switch (accumulator) {
    case Accumulator::kSum:
      return is_compensated(accumulator, element) ? "ACC_SUM_COMPENSATED" : "ACC_SUM";
    case Accumulator::kProduct:
      return "ACC_PRODUCT";
    case Accumulator::kMax:
      return "ACC_MAX";
    case Accumulator::kMin:
      return "ACC_MIN";
    case Accumulator::kAll:
      return "ACC_ALL";
    case Accumulator::kAny:
      return "ACC_ANY";
    case Accumulator::kArgMax:
    case Accumulator::kArgMaxHigh:
      return "ACC_ARGMAX";
    case Accumulator::kArgMin:
    case Accumulator::kArgMinHigh:
      return "ACC_ARGMIN";
  }
  return "";
}

}  // namespace

std::string_view accumulator_name(Accumulator accumulator) { return kNames[static_cast<size_t>(accumulator)]; }

std::string_view acc_value_type(Accumulator accumulator, Dtype element) {
  return is_truth(accumulator) ? "uint" : compute_type(element);
}

uint32_t acc_value_bytes(Accumulator accumulator, Dtype element) {
  if (is_truth(accumulator)) return 4;
  return static_cast<uint32_t>(dtype_size_bytes(computing_type(element)));
}

uint32_t acc_extra_bytes(Accumulator accumulator, Dtype element) {
  if (is_arg(accumulator)) return 4;
  return is_compensated(accumulator, element) ? acc_value_bytes(accumulator, element) : 0;
}

void define_accumulator(Accumulator accumulator, Dtype element, ShaderBuilder& shader) {
  const std::string_view value = acc_value_type(accumulator, element);
  shader.define("VALUE", value);
  if (value == "float") shader.define("VALUE_F32");
  if (value == "double") shader.define("VALUE_F64");
  if (value == "vec2") shader.define("VALUE_C64");
  if (value == "dvec2") shader.define("VALUE_C128");
  shader.define(macro(accumulator, element));
  if (is_complex(element) && accumulator == Accumulator::kProduct) {
    shader.define("ACC_ONE", one_literal(element));
    shader.use_double_where_supported();
    shader.library("lib/op_common.glsl");
    shader.library("lib/op_complex.glsl");
  }
  if (accumulator == Accumulator::kArgMaxHigh || accumulator == Accumulator::kArgMinHigh) shader.define("TIE_HIGH");
  if (accumulator == Accumulator::kMax) shader.define("ACC_START", lowest_literal(element));
  if (accumulator == Accumulator::kMin) shader.define("ACC_START", highest_literal(element));
}

void declare_acc_buffers(Accumulator accumulator, Dtype element, const std::string& name, ShaderBuilder::Access access,
                         ShaderBuilder& shader) {
  const std::string_view value = acc_value_type(accumulator, element);
  shader.buffer(name + "_value", value, access);
  if (acc_extra_bytes(accumulator, element) > 0)
    shader.buffer(name + "_extra", is_arg(accumulator) ? "uint" : value, access);
}

std::string acc_load_text(Accumulator accumulator, Dtype element, const std::string& name, const std::string& at) {
  const std::string extra = concat(", ", name, "_extra[", at, "]");
  return concat("Acc(", name, "_value[", at, "]", acc_extra_bytes(accumulator, element) > 0 ? extra : "", ")");
}

std::string acc_store_text(Accumulator accumulator, Dtype element, const std::string& name, const std::string& at) {
  std::string text = concat("  ", name, "_value[", at, "] = acc.value;\n");
  if (acc_extra_bytes(accumulator, element) > 0) text += concat("  ", name, "_extra[", at, "] = acc.extra;\n");
  return text;
}

}  // namespace gpu_node::kernels
