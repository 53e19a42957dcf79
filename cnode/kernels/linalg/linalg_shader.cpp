#include "kernels/linalg/linalg_shader.h"

#include <algorithm>
#include <cctype>

#include "base/concat.h"

namespace gpu_node::kernels {

std::string LinalgShader::key() const {
  std::string text =
      concat("linalg ", kernel->function, " ", dtype_name(number), rounds_to_f32 ? " r" : "", " n", invocations);
  for (const LinalgConstant& constant : kernel->constants) text += concat(" ", constant.name, constant.value);
  return text;
}

Result<vulkan::KernelSource> LinalgShader::emit(const vulkan::DeviceInfo& device) const {
  using Holds = LinalgBuffer::Holds;
  ShaderBuilder shader(device);
  shader.local_size(invocations);
  shader.use(dtype_info(number).compute);
  shader.use_double_where_supported();
  const Dtype part = component_type(number);
  const Dtype rounded = !rounds_to_f32 ? number : is_complex(number) ? Dtype::c64 : Dtype::f32;
  for (const LinalgBuffer& buffer : kernel->buffers) {
    const Dtype element = buffer.holds == Holds::kNumbers   ? number
                          : buffer.holds == Holds::kRounded ? rounded
                          : buffer.holds == Holds::kParts   ? part
                                                            : Dtype::u32;
    using enum ShaderBuilder::Access;
    shader.buffer(buffer.name, element, buffer.written ? kReadWrite : kRead);
  }
  const auto words = static_cast<uint32_t>(kernel->parameters.size());
  shader.parameters(words);
  for (uint32_t i = 0; i < words; ++i) shader.define(concat("P_", kernel->parameters[i]), parameter_text(i, words));
  std::string chosen(kernel->function);
  std::transform(chosen.begin(), chosen.end(), chosen.begin(), [](unsigned char c) { return std::toupper(c); });
  shader.define(chosen);
  shader.define("INVOCATIONS", concat(invocations, "u"));
  shader.define("NUM", compute_type(number));
  shader.define("PART", compute_type(part));
  shader.define("ELEMENT", compute_type(rounded));
  for (const LinalgConstant& constant : kernel->constants) shader.define(constant.name, concat(constant.value, "u"));
  shader.define("EPSILON", part == Dtype::f64 ? "PART(2.220446049250313e-16lf)" : "PART(1.1920929e-7)");
  shader.define("RESULT_EPSILON", part == Dtype::f64 && !rounds_to_f32 ? "EPSILON" : "PART(1.1920929e-7)");
  // Of the powers 2^(2^step) in the range.
  shader.define("HIGHEST_STEP", part == Dtype::f64 ? "9" : "6");
  shader.define("MOST_PAIRS", concat(kMostPairs, "u"));
  if (kernel->adds_up) shader.define("ADDS_UP");
  if (is_complex(number)) shader.define("COMPLEX");
  if (rounds_to_f32) shader.define("ROUNDS_TO_F32");
  shader.library("linalg/numbers.glsl");
  shader.library(concat("linalg/", kernel->file));
  shader.body() += concat("  ", kernel->function, "();\n");
  return shader.build();
}

}  // namespace gpu_node::kernels
