#include "kernels/order/radix_shader.h"

#include "base/concat.h"
#include "kernels/glsl/glsl_types.h"
#include "kernels/glsl/position_text.h"
#include "kernels/glsl/shader_builder.h"
#include "kernels/order/order_shader.h"

namespace gpu_node::kernels {
namespace {

using enum ShaderBuilder::Access;

// Integers of fewer bits than what computes them: their own bits are key enough.
bool is_narrow(Dtype element) { return is_integer(element) && dtype_info(element).bits < 32; }

}  // namespace

KeyBits order_key_bits(Dtype element) {
  const auto bits = static_cast<uint32_t>(dtype_info(element).bits);
  if (is_integer(element) || bits >= 32) return {0, bits};
  // Of small floats the low bits of the f32 that holds them are all alike.
  switch (element) {
    case Dtype::bf16:
      return {16, 16};
    case Dtype::f16:
      return {12, 20};
    default:
      return {20, 12};
  }
}

std::string RadixPass::key() const {
  return concat("radix ",
                counts  ? "c"
                : first ? "f"
                        : "m",
                wide ? " 64" : " 32", " b", log_bins, " n", invocations, !counts && tile > 0 ? concat(" x", tile) : "");
}

Result<vulkan::KernelSource> RadixPass::emit(const vulkan::DeviceInfo& device) const {
  ShaderBuilder shader(device);
  const std::string_view type = wide ? "uvec2" : "uint";
  shader.local_size(invocations);
  shader.buffer("in_key", type, kRead);
  shader.buffer("offsets", "uint", counts ? kWrite : kRead);
  if (!counts) {
    if (!first) shader.buffer("in_index", "uint", kRead);
    shader.buffer("out_key", type, kWrite);
    shader.buffer("out_index", "uint", kWrite);
  }
  shader.parameters(kWords);
  for (uint32_t i = 0; i < kWords; ++i) shader.define(concat("P_", kNames[i]), parameter_text(i, kWords));
  shader.define("INVOCATIONS", concat(invocations, "u"));
  shader.define("LOG_BINS", concat(log_bins, "u"));
  shader.define("KEY", type);
  if (wide) shader.define("KEY_WIDE");
  if (counts) shader.define("COUNTS");
  if (first) shader.define("FIRST");
  if (tile > 0 && !counts) shader.define("TILE", concat(tile, "u"));
  shader.library("order_radix.glsl");
  shader.body() += "  radix_main();\n";
  return shader.build();
}

std::string RadixKeys::key() const { return concat("radix keys ", dtype_name(element), descending ? " d" : " a"); }

Result<vulkan::KernelSource> RadixKeys::emit(const vulkan::DeviceInfo& device) const {
  ShaderBuilder shader(device);
  shader.local_size(element_local_size(device));
  shader.buffer("source", element, kRead);
  shader.buffer("out_key", order_key_bytes(element) == 8 ? "uvec2" : "uint", kWrite);
  shader.parameters(2);
  declare_keys(element, shader);
  const std::string value = shader.load(element, concat("source[", parameter_text(1, 2), " + i]"));
  std::string made = concat("ascending_key(", value, ")");
  if (is_narrow(element)) {
    const int bits = dtype_info(element).bits;
    made = concat("uint(", value, ")");
    if (dtype_info(element).kind == DtypeKind::kSigned) made = concat("(", made, " ^ ", 1u << (bits - 1), "u)");
  }
  if (descending) made = concat("descending_key(", made, ")");
  if (is_narrow(element)) made = concat(made, " & ", (1u << dtype_info(element).bits) - 1, "u");
  shader.body() += element_prologue(parameter_text(0, 2)) + concat("  out_key[i] = ", made, ";\n");
  return shader.build();
}

}  // namespace gpu_node::kernels
