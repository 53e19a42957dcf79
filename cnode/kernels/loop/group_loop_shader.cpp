// A loop of a workgroup: its state is read into shared memory, where rounds find and leave it.
#include "base/concat.h"
#include "kernels/glsl/shader_builder.h"
#include "kernels/loop/group_text.h"
#include "kernels/loop/loop_shader.h"

namespace gpu_node::kernels {
namespace {

class Emitter {
 public:
  Emitter(const GroupLoopKernel& kernel, const vulkan::DeviceInfo& device)
      : kernel_(kernel), condition_(kernel.code->condition), body_(kernel.code->body), shader_(device) {
    declare_group(kernel.memory, kernel.invocations, device, shader_);
    for (size_t k = 0; k < body_.inputs; ++k) names_.push_back(concat("s", k));
  }

  Result<vulkan::KernelSource> emit() {
    declare_buffers();
    declare_words(kernel_.words, shader_);
    GroupText condition(condition_, kernel_.condition, kernel_.memory, "c", names_, kernel_.words, shader_);
    GroupText body(body_, kernel_.body, kernel_.memory, "b", names_, kernel_.words, shader_);
    line("", condition.declarations() + body.declarations());
    read_state();
    line("  ", concat("bool more = ", kernel_.first ? "true" : "goes_on[0] != 0u", ";\n  barrier();\n"));
    line("  ", concat("for (uint round = 0u; more && round < ", param(0), "; ++round) {\n"));
    line("", condition.stages());
    line("    ", concat("more = ", condition.name(condition_.outputs[0]), " != 0;\n    if (!more) break;\n"));
    line("", "    barrier();\n" + body.stages() + "    barrier();\n");
    move_on(body);
    line("    ", "barrier();\n  }\n");
    write_state();
    return shader_.build();
  }

 private:
  void line(const char* indent, const std::string& text) { shader_.body() += indent + text; }
  std::string param(uint32_t at) const { return word_text(at, kernel_.words); }
  const GroupValue& value(size_t k) const { return body_.values[k]; }
  bool is_given_anew(size_t k) const { return body_.outputs[k] != k; }

  void declare_buffers() {
    using enum ShaderBuilder::Access;
    for (size_t k = 0; k < body_.inputs; ++k) shader_.buffer(concat("from", k), value(k).type, kRead);
    if (!kernel_.first) shader_.buffer("goes_on", Dtype::u32, kRead);
    for (size_t k = 0; k < body_.outputs.size(); ++k) shader_.buffer(concat("to", k), value(k).type, kWrite);
    shader_.buffer("goes_on_then", Dtype::u32, kWrite);
    shader_.parameters(kernel_.words);
  }

  std::string each_element(size_t k, const std::string& text) const {
    return concat("  for (uint e = lane; e < ", param(kernel_.state[k].count), "; e += INVOCATIONS) ", text, ";\n");
  }
  std::string element(size_t k) const { return shared_element(value(k).type, param(kernel_.state[k].at), "e"); }

  void read_state() {
    for (size_t k = 0; k < body_.inputs; ++k) {
      const Dtype type = value(k).type;
      if (value(k).is_number())
        line("  ",
             concat(compute_type(type), " ", names_[k], " = ", shader_.load(type, concat("from", k, "[0]")), ";\n"));
      else
        line("", each_element(k, concat(element(k), " = ", shader_.load(type, concat("from", k, "[e]")))));
    }
  }

  // All of a round before any of the next.
  void move_on(const GroupText& body) {
    std::string numbers;
    for (size_t k = 0; k < body_.outputs.size(); ++k) {
      if (!is_given_anew(k)) continue;
      if (value(k).is_number()) {
        line("    ", concat(compute_type(value(k).type), " next", k, " = ", body.name(body_.outputs[k]), ";\n"));
        numbers += concat("    ", names_[k], " = next", k, ";\n");
      } else {
        line("  ",
             each_element(k, concat(element(k), " = ", shared_element(value(k).type, param(kernel_.next[k]), "e"))));
      }
    }
    line("", numbers);
  }

  void write_state() {
    for (size_t k = 0; k < body_.outputs.size(); ++k)
      if (!value(k).is_number())
        line("", each_element(k, concat("to", k, "[e] = ", shader_.store(value(k).type, element(k)))));
    line("  ", "if (lane != 0u) return;\n");
    for (size_t k = 0; k < body_.outputs.size(); ++k)
      if (value(k).is_number()) line("  ", concat("to", k, "[0] = ", shader_.store(value(k).type, names_[k]), ";\n"));
    line("  ", "goes_on_then[0] = more ? 1u : 0u;\n");
  }

  const GroupLoopKernel& kernel_;
  const GroupCode& condition_;
  const GroupCode& body_;
  ShaderBuilder shader_;
  std::vector<std::string> names_;  // of numbers of the state
};

}  // namespace

std::string GroupLoopKernel::key() const {
  std::string key = concat(first ? "group loop first " : "group loop ", "n", invocations, " w", words, " ");
  memory.append_text(key);
  code->condition.append_text(key);
  append_text(condition, key);
  key += " ? ";
  code->body.append_text(key);
  append_text(body, key);
  return key;
}

Result<vulkan::KernelSource> GroupLoopKernel::emit(const vulkan::DeviceInfo& device) const {
  return Emitter(*this, device).emit();
}

}  // namespace gpu_node::kernels
