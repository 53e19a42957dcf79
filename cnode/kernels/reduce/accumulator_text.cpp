#include "kernels/reduce/accumulator_text.h"

#include <array>
#include <vector>

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

std::vector<ShaderBuilder::Macro> macros(Accumulator accumulator, Dtype element) {
  const std::string_view value = acc_value_type(accumulator, element);
  std::vector<ShaderBuilder::Macro> all;
  const auto add = [&all](std::string_view name, std::string_view text = "") { all.emplace_back(name, text); };
  add("VALUE", value);
  if (value == "float") add("VALUE_F32");
  if (value == "double") add("VALUE_F64");
  if (value == "vec2") add("VALUE_C64");
  if (value == "dvec2") add("VALUE_C128");
  add(macro(accumulator, element));
  if (is_complex(element) && accumulator == Accumulator::kProduct) add("ACC_ONE", one_literal(element));
  if (accumulator == Accumulator::kArgMaxHigh || accumulator == Accumulator::kArgMinHigh) add("TIE_HIGH");
  if (accumulator == Accumulator::kMax) add("ACC_START", lowest_literal(element));
  if (accumulator == Accumulator::kMin) add("ACC_START", highest_literal(element));
  return all;
}

// What the pieces declare, and the macros that they define for themselves.
constexpr std::array<std::string_view, 14> kDeclared = {
    "Acc",        "acc_identity", "acc_put",    "acc_add",      "acc_one_product", "acc_product",     "acc_merge",
    "acc_result", "acc_tree",     "acc_of_all", "is_nan_value", "are_finite",      "is_finite_value", "shared_acc"};
constexpr std::array<std::string_view, 6> kInner = {"ACC_EXTRA", "VALUE_SPLIT", "WIDE",
                                                    "ACC_JOIN",  "ACC_BEATS",   "ACC_START"};

// 1 where |value| of |dtype| is not zero; by its bits, since a comparison may take a subnormal for zero.
std::string truth(Dtype dtype, const std::string& value) {
  if (is_complex(dtype)) {
    const Dtype part = component_type(dtype);
    return "(" + truth(part, value + ".x") + " | " + truth(part, value + ".y") + ")";
  }
  if (dtype == Dtype::f64) {
    return "(((unpackDouble2x32(" + value + ").y & 0x7fffffffu) | unpackDouble2x32(" + value + ").x) != 0u ? 1u : 0u)";
  }
  if (is_float(dtype)) return "((floatBitsToUint(" + value + ") & 0x7fffffffu) != 0u ? 1u : 0u)";
  return "(" + value + " != " + zero_literal(dtype) + " ? 1u : 0u)";
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
  for (const auto& [name, value] : macros(accumulator, element)) shader.define(name, value);
  if (is_complex(element) && accumulator == Accumulator::kProduct) {
    shader.use_double_where_supported();
    shader.library("lib/op_common.glsl");
    shader.library("lib/op_complex.glsl");
  }
}

void declare_accumulator(Accumulator accumulator, Dtype element, std::string_view suffix, ShaderBuilder& shader) {
  std::vector<ShaderBuilder::Macro> all = macros(accumulator, element);
  for (const std::string_view name : kDeclared) all.emplace_back(name, concat(name, suffix));
  shader.use(dtype_info(element).compute);
  shader.declare_under(all, {"reduce_accumulators.glsl", "reduce_tree.glsl"}, kInner);
}

void declare_plain_accumulator(Accumulator accumulator, Dtype element, std::string_view suffix, bool products,
                               const vulkan::DeviceInfo& device, ShaderBuilder& shader) {
  std::vector<ShaderBuilder::Macro> all = macros(accumulator, element);
  for (const std::string_view name : kDeclared) all.emplace_back(name, concat(name, suffix));
  shader.use(dtype_info(element).compute);
  const std::string_view value = acc_value_type(accumulator, element);
  if (products && device.has_f64 && (value == "float" || value == "vec2")) {
    shader.use(ComputeType::kF64);
    all.emplace_back("PRODUCT_IN_DOUBLE", "");
  }
  shader.declare_under(all, {"reduce_accumulators.glsl"}, kInner);
}

std::string acc_element_text(Accumulator accumulator, Dtype element, Dtype from, const std::string& value,
                             ShaderBuilder& shader) {
  return is_truth(accumulator) ? truth(from, value) : shader.convert(from, computing_type(element), value);
}

std::string acc_outcome_text(Accumulator accumulator, Dtype element, Dtype result, const std::string& value,
                             ShaderBuilder& shader) {
  const Dtype outcome = is_arg(accumulator) || is_truth(accumulator) ? Dtype::u32 : element;
  return dtype_info(outcome).compute == dtype_info(result).compute ? value : shader.convert(outcome, result, value);
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
