#include "kernels/fourier/fourier_shader.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>

#include "base/concat.h"
#include "kernels/glsl/glsl_types.h"
#include "kernels/glsl/position_text.h"
#include "kernels/glsl/shader_builder.h"

namespace gpu_node::kernels {
namespace {

using enum ShaderBuilder::Access;

// What a skewed tile takes: slot() of fourier.glsl.
constexpr uint32_t slots_of(uint32_t tile) { return tile + tile / 8 + tile / 64 + tile / 512 + 1; }

void declare_numbers(Dtype computing, ShaderBuilder& shader) {
  const bool wide = computing == Dtype::c128;
  shader.use(dtype_info(computing).compute);
  shader.define("REAL", wide ? "double" : "float");
  shader.define("VEC", wide ? "dvec2" : "vec2");
  if (wide) shader.define("WIDE");
}

void declare_roots(bool wide, ShaderBuilder& shader) {
  const auto angle = [](int k, int n) { return 2 * std::numbers::pi * k / n; };
  shader.define("SIN_3", fourier_number(std::sin(angle(1, 3)), wide));
  for (const int k : {1, 2}) {
    shader.define(concat("COS_5_", k), fourier_number(std::cos(angle(k, 5)), wide));
    shader.define(concat("SIN_5_", k), fourier_number(std::sin(angle(k, 5)), wide));
  }
  std::string roots;
  for (const int radix : {7, 11, 13})
    for (int k = 0; k < radix; ++k)
      roots += concat(roots.empty() ? "" : ", ", "VEC(", fourier_number(std::cos(angle(k, radix)), wide), ", ",
                      fourier_number(std::sin(angle(k, radix)), wide), ")");
  shader.define("ROOTS", roots);
}

}  // namespace

uint32_t fourier_tile(Dtype computing, const vulkan::DeviceInfo& device) {
  constexpr uint32_t kMost = 4096;
  return std::min(kMost,
                  std::bit_floor(device.shared_memory_bytes / static_cast<uint32_t>(dtype_size_bytes(computing))));
}

bool fourier_skewed(Dtype computing, const vulkan::DeviceInfo& device) {
  const uint32_t slots = slots_of(fourier_tile(computing, device));
  return !device.software && slots * static_cast<uint32_t>(dtype_size_bytes(computing)) <= device.shared_memory_bytes;
}

std::string fourier_number(double value, bool wide) {
  std::string text = wide ? concat(value) : concat(static_cast<float>(value));
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return wide ? text + "lf" : text;
}

std::string FourierEnds::key() const {
  return concat(dtype_name(source), " ", dtype_name(computing), " ", dtype_name(result), in_table ? " i" : "",
                out_table ? " o" : "", mirrored ? " m" : "");
}

void FourierEnds::declare(std::initializer_list<std::string_view> own, bool may_divide, ShaderBuilder& shader) const {
  declare_numbers(computing, shader);
  const bool wide = computing == Dtype::c128;
  const std::string_view pair = compute_type(computing);
  shader.buffer("source", source, kRead);
  if (in_table) shader.buffer("in_table", pair, kRead);
  if (out_table) shader.buffer("out_table", pair, kRead);
  shader.buffer("result", result, kWrite);
  const auto words = static_cast<uint32_t>(own.size() + std::size(kNames));
  shader.parameters(words);
  uint32_t word = 0;
  for (const std::string_view name : own) shader.define(concat("P_", name), parameter_text(word++, words));
  for (const std::string_view name : kNames) shader.define(concat("P_", name), parameter_text(word++, words));
  if (in_table) shader.define("IN_TABLE");
  if (out_table) shader.define("OUT_TABLE");
  if (mirrored) shader.define("MIRRORED");
  shader.define("ROOT_HALF", fourier_number(std::sqrt(0.5), wide));
  shader.define("EPS", wide ? "packDouble2x32(uvec2(P_EPS, P_EPS2))" : "uintBitsToFloat(P_EPS)");
  const std::string_view scale = wide ? "packDouble2x32(uvec2(P_SCALE, P_SCALE2))" : "uintBitsToFloat(P_SCALE)";
  shader.define("scaled(z)", concat("((z) * ", scale, ")"));
  if (may_divide) {
    shader.define("MAY_DIVIDE");
    shader.define("divided(z)", concat("((z) / ", scale, wide ? ")" : " / uintBitsToFloat(P_SCALE2))"));
  }
  shader.define("LOAD(i)", shader.convert(source, computing, shader.load(source, "source[i]")));
  const std::string kept = computing == result ? "z" : shader.convert(computing, result, "z");
  shader.define("STORE(i, z)", concat("result[i] = ", shader.store(result, kept)));
  shader.library("fourier_turn.glsl");
  shader.library("fourier_ends.glsl");
}

std::string FourierPass::key() const {
  return concat("fourier ", ends.key(), " n", invocations, " t", tile, skewed ? " s" : "");
}

Result<vulkan::KernelSource> FourierPass::emit(const vulkan::DeviceInfo& device) const {
  ShaderBuilder shader(device);
  shader.local_size(invocations);
  ends.declare({"SIZES", "RADICES"}, true, shader);
  shader.define("INVOCATIONS", concat(invocations, "u"));
  shader.define("TILE", concat(skewed ? slots_of(tile) : tile, "u"));
  if (skewed) shader.define("SKEWED");
  declare_roots(ends.computing == Dtype::c128, shader);
  shader.library("fourier.glsl");
  shader.body() += "  fourier_main();\n";
  return shader.build();
}

std::string FourierChirp::key() const { return concat("fourier chirp ", dtype_name(computing)); }

Result<vulkan::KernelSource> FourierChirp::emit(const vulkan::DeviceInfo& device) const {
  ShaderBuilder shader(device);
  shader.local_size(element_local_size(device));
  declare_numbers(computing, shader);
  shader.buffer("chirp", compute_type(computing), kWrite);
  shader.buffer("around", compute_type(computing), kWrite);
  shader.parameters(2);
  shader.define("P_LENGTH", parameter_text(0, 2));
  shader.define("P_WHOLE", parameter_text(1, 2));
  shader.library("fourier_turn.glsl");
  shader.library("fourier_chirp.glsl");
  shader.body() += element_prologue(parameter_text(1, 2)) + "  chirp_main(i);\n";
  return shader.build();
}

}  // namespace gpu_node::kernels
