#include "kernels/order/order_shader.h"

#include <string_view>

#include "base/concat.h"
#include "kernels/glsl/glsl_types.h"
#include "kernels/glsl/shader_builder.h"

namespace gpu_node::kernels {
namespace {

using enum ShaderBuilder::Access;

std::string_view key_macro(Dtype element) {
  switch (dtype_info(element).compute) {
    case ComputeType::kI32:
      return "KEY_I32";
    case ComputeType::kU32:
      return "KEY_U32";
    case ComputeType::kF32:
      return "KEY_F32";
    case ComputeType::kI64:
      return "KEY_I64";
    case ComputeType::kU64:
      return "KEY_U64";
    case ComputeType::kF64:
      return "KEY_F64";
  }
  return "";
}

std::string_view key_type(Dtype element) { return order_key_bytes(element) == 8 ? "uvec2" : "uint"; }

// The functions that shaders/order.glsl is told elements by, and tells their order.
std::string take_text(const OrderPass& pass, ShaderBuilder& shader) {
  std::string text = "void take(uint row, uint position, out KEY key, out uint index) {\n";
  if (pass.reads_source) {
    const std::string value = shader.load(pass.element, "source[P_SOURCE + row * P_LENGTH + position]");
    text += concat("  key = ", pass.descending ? "descending_key(" : "", "ascending_key(", value, ")",
                   pass.descending ? ")" : "", ";\n  index = position;\n");
  } else {
    text += "  key = in_key[row * P_COUNT + position];\n  index = in_index[row * P_COUNT + position];\n";
  }
  return text + "}\n";
}

std::string put_text(const OrderPass& pass, ShaderBuilder& shader) {
  std::string text =
      "void put(uint row, uint segment, uint position, KEY key, uint index) {\n"
      "  uint at = segment * P_KEEP + position;\n"
      "  if (position >= P_KEEP || at >= P_OUT) return;\n"
      "  at += row * P_OUT;\n";
  if (pass.writes_results) {
    if (pass.values) text += "  values[at] = source[P_SOURCE + row * P_LENGTH + index];\n";
    if (pass.positions)
      text += concat("  positions[at] = ", shader.store(pass.index, shader.convert(Dtype::u32, pass.index, "index")),
                     ";\n");
  } else {
    text += "  out_key[at] = key;\n  out_index[at] = index;\n";
  }
  return text + "}\n";
}

}  // namespace

void declare_keys(Dtype element, ShaderBuilder& shader) {
  shader.use(dtype_info(element).compute);
  shader.define(key_macro(element));
  shader.library("order_key.glsl");
}

uint32_t order_key_bytes(Dtype element) { return dtype_info(element).bits == 64 ? 8 : 4; }

std::string OrderPass::key() const {
  return concat("order ", dtype_name(element), " ", dtype_name(index), reads_source ? " s" : " p",
                writes_results ? "r" : "p", values ? "v" : "", positions ? "i" : "", descending ? "d" : "a", " w",
                static_cast<int>(network), " b", log_block, " n", invocations);
}

Result<vulkan::KernelSource> OrderPass::emit(const vulkan::DeviceInfo& device) const {
  ShaderBuilder shader(device);
  shader.local_size(invocations);
  if (binds_source()) shader.buffer("source", element, kRead);
  if (!reads_source) {
    shader.buffer("in_key", key_type(element), kRead);
    shader.buffer("in_index", "uint", kRead);
  }
  if (writes_results) {
    if (values) shader.buffer("values", element, kWrite);
    if (positions) shader.buffer("positions", index, kWrite);
  } else {
    shader.buffer("out_key", key_type(element), kWrite);
    shader.buffer("out_index", "uint", kWrite);
  }
  shader.parameters(kWords);
  for (uint32_t i = 0; i < kWords; ++i) shader.define(concat("P_", kNames[i]), parameter_text(i, kWords));
  shader.define("INVOCATIONS", concat(invocations, "u"));
  shader.define("LOG_BLOCK", concat(log_block, "u"));
  if (network == Network::kAlternate) shader.define("ALTERNATES");
  if (network == Network::kMerge) shader.define("MERGES");
  declare_keys(element, shader);
  shader.library("order.glsl");
  shader.declare(take_text(*this, shader));
  shader.declare(put_text(*this, shader));
  shader.body() += "  order_main();\n";
  return shader.build();
}

std::string OrderExchange::key() const { return concat("order exchange ", key_macro(element), " n", invocations); }

Result<vulkan::KernelSource> OrderExchange::emit(const vulkan::DeviceInfo& device) const {
  ShaderBuilder shader(device);
  shader.local_size(invocations);
  shader.buffer("run_key", key_type(element), kReadWrite);
  shader.buffer("run_index", "uint", kReadWrite);
  shader.parameters(kWords);
  for (uint32_t i = 0; i < kWords; ++i) shader.define(concat("P_", kNames[i]), parameter_text(i, kWords));
  declare_keys(element, shader);
  shader.library("order_exchange.glsl");
  shader.body() += "  exchange_main();\n";
  return shader.build();
}

}  // namespace gpu_node::kernels
