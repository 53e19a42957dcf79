#include "kernels/reduce/fold_shader.h"

#include <array>

#include "base/concat.h"
#include "kernels/glsl/position_text.h"
#include "kernels/glsl/shader_builder.h"
#include "kernels/glsl/write_block.h"

namespace gpu_node::kernels {

using enum ShaderBuilder::Access;

std::string FoldKernel::key() const {
  std::string key = concat("fold ", dtype_name(source), " ", dtype_name(result), " k", kept_rank, "w", walk_rank, " ");
  function.append_text(key);
  return key;
}

Result<vulkan::KernelSource> FoldKernel::emit(const vulkan::DeviceInfo& device) const {
  ShaderBuilder shader(device);
  shader.local_size(element_local_size(device));
  shader.buffer("source", source, kRead);
  shader.buffer("result", result, kReadWrite);
  shader.parameters(words());
  const auto parameter = [this](uint32_t position) { return parameter_text(position, words()); };
  for (uint32_t i = 0; i < kFixed; ++i) shader.define(concat("P_", kNames[i]), parameter(i));
  shader.declare(position_function(
      "uint", "kept_offset", "P_IN_START", kept_rank, [&](uint32_t axis) { return parameter(kept_at(axis)); },
      [&](uint32_t axis) { return parameter(kept_at(axis) + 1); }));
  shader.declare(position_function(
      "uint", "walk_offset", "0u", walk_rank, [&](uint32_t axis) { return parameter(walk_at(axis)); },
      [&](uint32_t axis) { return parameter(walk_at(axis) + 1); }));
  const std::string_view type = compute_type(result);
  const WrittenBlock written = write_block(shader, function, std::array<std::string, 2>{"x", "acc"});
  shader.declare(concat(type, " function(", type, " x, ", type, " acc) {\n", written.lines, "  return ",
                        shader.round(result, written.result(function).name), ";\n}\n"));
  const std::string element = shader.load(source, "source[kept + walk_offset(position)]");
  shader.body() += element_prologue("P_RESULTS");
  shader.body() += concat("  uint kept = kept_offset(i), at = P_OUT_START + i;\n  ", type,
                          " acc = ", shader.load(result, "result[at]"), ";\n");
  shader.body() += concat("  for (uint position = P_FIRST; position < P_END; ++position) {\n    ", compute_type(source),
                          " element = ", element, ";\n    acc = function(",
                          source == result ? "element" : shader.convert(source, result, "element"), ", acc);\n  }\n");
  shader.body() += concat("  result[at] = ", shader.store(result, "acc"), ";\n");
  return shader.build();
}

}  // namespace gpu_node::kernels
