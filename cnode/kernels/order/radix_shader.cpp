#include "kernels/order/radix_shader.h"

#include "base/concat.h"
#include "kernels/glsl/shader_builder.h"
#include "kernels/order/order_key.h"

namespace gpu_node::kernels {
namespace {

using enum ShaderBuilder::Access;

// How elements and their places come and go.
std::string move_text(const RadixPass& pass, ShaderBuilder& shader) {
  const auto written = [](std::string_view name, std::string_view what) {
    return concat("  if (to < P_KEEP) ", name, "[row * P_KEEP + to] = ", what, ";\n");
  };
  std::string text = "void put_bits(uint row, uint to, KEY bits) {\n";
  if (pass.values) text += written("out_bits", stored_bits_text(pass.element, "bits"));
  text += "}\n";
  if (!pass.positions) return text;
  text +=
      concat("uint index_at(uint row, uint place) { return ", pass.first ? "place" : "in_index[row * P_COUNT + place]",
             "; }\n", "void put_index(uint row, uint to, uint index) {\n");
  text += written("out_index", shader.store(pass.index, shader.convert(Dtype::u32, pass.index, "index")));
  return text + "}\n";
}

}  // namespace

uint32_t RadixPass::shared_bytes() const {
  const uint32_t bins = 1u << log_bins;
  if (!has_ballots()) return 4 * (bins * (invocations + 1) + invocations);
  const uint32_t of_key = dtype_size_bytes(element) == 8 ? 8 : 4;
  return 4 * bins * (invocations / subgroup + 2) + of_key * invocations * steps;
}

std::string RadixPass::key() const {
  const std::string how = has_ballots() ? concat(" l", subgroup, " x", steps) : "";
  const std::string head = concat("radix ", dtype_name(element), descending ? " d" : " a");
  const std::string tail = concat(" b", log_bins, " n", invocations);
  if (counts) return concat(head, " c", tail);
  return concat(head, " m", values ? "v" : "", positions ? concat(first ? "f " : "i ", dtype_name(index)) : "", tail,
                how);
}

Result<vulkan::KernelSource> RadixPass::emit(const vulkan::DeviceInfo& device) const {
  ShaderBuilder shader(device);
  shader.local_size(invocations);
  declare_bits("in_bits", element, kRead, shader);
  shader.buffer("offsets", "uint", counts ? kWrite : kRead);
  if (!counts) {
    if (positions && !first) shader.buffer("in_index", "uint", kRead);
    if (values) declare_bits("out_bits", element, kWrite, shader);
    if (positions) shader.buffer("out_index", index, kWrite);
  }
  shader.parameters(kWords);
  for (uint32_t i = 0; i < kWords; ++i) shader.define(concat("P_", kNames[i]), parameter_text(i, kWords));
  shader.define("INVOCATIONS", concat(invocations, "u"));
  shader.define("LOG_BINS", concat(log_bins, "u"));
  if (counts) shader.define("COUNTS");
  if (positions && !counts) shader.define("PLACES");
  declare_keys(element, descending, shader);
  shader.library("order_radix.glsl");
  shader.declare(concat("KEY bits_at(uint row, uint place) { return ",
                        bits_text(element, "in_bits[P_SOURCE + row * P_COUNT + place]"), "; }\n"));
  if (!counts) {
    if (has_ballots()) {
      shader.use_subgroups();
      shader.define("SUBGROUP", concat(subgroup));
      shader.define("STEPS", concat(steps, "u"));
    }
    shader.library(has_ballots() ? "order_radix_ballots.glsl" : "order_radix_columns.glsl");
    shader.declare(move_text(*this, shader));
  }
  shader.body() += "  radix_main();\n";
  return shader.build();
}

}  // namespace gpu_node::kernels
