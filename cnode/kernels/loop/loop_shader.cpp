#include "kernels/loop/loop_shader.h"

#include "base/concat.h"
#include "kernels/glsl/position_text.h"
#include "kernels/glsl/shader_builder.h"
#include "kernels/glsl/write_block.h"

namespace gpu_node::kernels {
namespace {

using enum ShaderBuilder::Access;

std::string numbered(const char* name, size_t i) { return concat(name, i); }

}  // namespace

std::string ElementLoopKernel::key() const {
  std::string marks;
  for (const ElementLoop::Value& value : code.state) marks += value.is_scalar ? 's' : 'v';
  std::string key = first ? "loop first " : "loop ";
  code.condition.append_text(key, marks);
  key += " ? ";
  code.body.append_text(key, marks);
  return key;
}

Result<vulkan::KernelSource> ElementLoopKernel::emit(const vulkan::DeviceInfo& device) const {
  ShaderBuilder shader(device);
  shader.local_size(element_local_size(device));
  const size_t changed = code.body.results().size();
  for (size_t k = 0; k < code.state.size(); ++k) shader.buffer(numbered("from", k), code.state[k].type, kRead);
  if (!first) shader.buffer("goes_on", Dtype::u32, kRead);
  for (size_t k = 0; k < changed; ++k) shader.buffer(numbered("to", k), code.state[k].type, kWrite);
  shader.buffer("goes_on_then", Dtype::u32, kWrite);
  shader.parameters(2);
  shader.define("P_ELEMENTS", parameter_text(0, 2));
  shader.define("P_ROUNDS", parameter_text(1, 2));

  std::vector<std::string> state;
  state.reserve(code.state.size());
  for (size_t k = 0; k < code.state.size(); ++k) state.push_back(numbered("s", k));
  const WrittenBlock condition = write_block(shader, code.condition, state, "      ");
  const WrittenBlock body = write_block(shader, code.body, state, "    ");

  std::string& text = shader.body();
  text += element_prologue("P_ELEMENTS");
  for (size_t k = 0; k < code.state.size(); ++k)
    text += concat("  ", compute_type(code.state[k].type), " ", state[k], " = ",
                   shader.load(code.state[k].type, concat("from", k, code.state[k].is_scalar ? "[0]" : "[i]")), ";\n");
  text += concat("  bool more = ", first ? "true" : "goes_on[0] != 0u", ";\n",
                 "  for (uint round = 0u; more && round < P_ROUNDS; ++round) {\n    {\n", condition.lines,
                 "      more = ", shader.round(code.condition.result_type(), condition.result(code.condition).name),
                 " != 0;\n    }\n    if (!more) break;\n", body.lines);
  // All of a round before any of the next.
  for (size_t k = 0; k < changed; ++k)
    text += concat("    ", compute_type(code.state[k].type), " next", k, " = ",
                   shader.round(code.state[k].type, body.result(code.body, k).name), ";\n");
  for (size_t k = 0; k < changed; ++k) text += concat("    ", state[k], " = next", k, ";\n");
  text += "  }\n";
  const auto write = [&](bool scalars) {
    for (size_t k = 0; k < changed; ++k)
      if (code.state[k].is_scalar == scalars)
        text += concat("  to", k, scalars ? "[0] = " : "[i] = ", shader.store(code.state[k].type, state[k]), ";\n");
  };
  write(false);
  text += "  if (i != 0u) return;\n";
  write(true);
  text += "  goes_on_then[0] = more ? 1u : 0u;\n";
  return shader.build();
}

}  // namespace gpu_node::kernels
