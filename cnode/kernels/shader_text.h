// The files of shaders/, embedded in the binary by shaders/embed.cmake.
#pragma once

namespace gpu_node::kernels {

struct ShaderText {
  const char* name;  // relative to shaders/: "lib/math_f64.glsl"
  const char* text;
};

// Ends with a row of nullptr.
extern const ShaderText kShaderTexts[];

}  // namespace gpu_node::kernels
