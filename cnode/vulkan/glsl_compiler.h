// GLSL to SPIR-V in process. The only user of shaderc. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace gpu_node::vulkan {

// A whole compute shader to SPIR-V for Vulkan 1.2; no includes, no optimiser (drivers have their own). Errors:
// kCompileFailed with the compiler's message and the line of |glsl| that it names, and the details of stage "glsl".
Result<std::vector<uint32_t>> compile_glsl(const std::string& glsl);

// Says which compiler and options made the SPIR-V; part of the key under which it is kept.
std::string glsl_compiler_version();

}  // namespace gpu_node::vulkan
