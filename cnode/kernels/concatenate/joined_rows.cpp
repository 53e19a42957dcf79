#include "kernels/concatenate/joined_rows.h"

#include <iterator>

#include "base/concat.h"
#include "kernels/glsl/position_text.h"
#include "kernels/glsl/shader_builder.h"

namespace gpu_node::kernels {
namespace {

std::string buffer_name(uint32_t piece) { return concat("in", piece); }

}  // namespace

std::string JoinedRows::key() const { return concat("join ", unit_bytes, " x", pieces); }

Result<vulkan::KernelSource> JoinedRows::emit(const vulkan::DeviceInfo& device) const {
  using enum ShaderBuilder::Access;
  ShaderBuilder shader(device);
  const uint32_t invocations = element_local_size(device);
  shader.local_size(invocations);
  const Dtype word = unit_bytes == 1 ? Dtype::u8 : unit_bytes == 2 ? Dtype::u16 : Dtype::u32;
  const auto buffer = [&](const std::string& name, ShaderBuilder::Access access) {
    if (unit_bytes == 16)
      shader.vector_buffer(name, word, access);
    else
      shader.buffer(name, word, access);
  };
  for (uint32_t k = 0; k < pieces; ++k) buffer(buffer_name(k), kRead);
  buffer("result", kWrite);
  shader.parameters(words());
  const auto parameter = [&](uint32_t position) { return parameter_text(position, words()); };

  shader.define("INVOCATIONS", concat(invocations, "u"));
  shader.define("UNITS", concat(kUnits, "u"));
  shader.define("UNIT", unit_bytes == 16 ? "uvec4" : "uint");
  constexpr std::string_view kNames[] = {"P_COUNT", "P_ROW", "P_START", "P_STEP"};
  for (uint32_t i = 0; i < std::size(kNames); ++i) shader.define(kNames[i], parameter(i));
  shader.library("joined_rows.glsl");

  std::string read = "UNIT unit_at(uint row, uint at) {\n";
  for (uint32_t k = 0; k < pieces; ++k) {
    const uint32_t first = 4 + 3 * k;
    read += concat(k + 1 < pieces ? concat("  if (at < ", parameter(first), ") ") : "  ", "return UNIT(",
                   buffer_name(k), "[", parameter(first + 1), " + row * ", parameter(first + 2), " + at]);\n");
  }
  const std::string stored = unit_bytes == 1 ? "uint8_t(unit)" : unit_bytes == 2 ? "uint16_t(unit)" : "unit";
  shader.declare(concat(read, "}\nvoid put_unit(uint place, UNIT unit) { result[place] = ", stored, "; }\n"));
  shader.body() += "  join_main();\n";
  return shader.build();
}

}  // namespace gpu_node::kernels
