// Positions are modulo 2^32, so that negative strides need no care.
#include "kernels/glsl/position_text.h"

#include <algorithm>

#include "base/concat.h"

namespace gpu_node::kernels {

uint32_t element_local_size(const vulkan::DeviceInfo& device) {
  return std::min<uint32_t>(256, device.max_workgroup_invocations);
}

std::string element_prologue(std::string_view count) {
  return concat(
      "  uint i = gl_GlobalInvocationID.x + gl_GlobalInvocationID.y * (gl_NumWorkGroups.x * gl_WorkGroupSize.x);\n"
      "  if (i >= ",
      count, ") return;\n");
}

std::string unravel_text(std::string_view index, uint32_t rank, const AxisText& size,
                         const std::function<std::string(uint32_t axis, const std::string& at)>& line) {
  std::string text;
  for (uint32_t axis = rank; axis-- > 1;) {
    const std::string extent = size(axis);
    text += concat("  ", line(axis, concat(index, " % ", extent)), ";\n  ", index, " /= ", extent, ";\n");
  }
  if (rank > 0) text += concat("  ", line(0, std::string(index)), ";\n");
  return text;
}

std::string position_function(std::string_view type, std::string_view name, std::string_view start, uint32_t rank,
                              const AxisText& size, const AxisText& stride) {
  const auto line = [&stride](uint32_t axis, const std::string& at) {
    return concat("at += ", stride(axis), axis > 0 ? " * (" : " * ", at, axis > 0 ? ")" : "");
  };
  return concat(type, " ", name, "(uint index) {\n  ", type, " at = ", start, ";\n",
                unravel_text("index", rank, size, line), "  return at;\n}\n");
}

}  // namespace gpu_node::kernels
