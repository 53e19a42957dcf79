// Unravels a flat index, last axis first; positions are modulo 2^32, so that negative strides need no care.
#include "kernels/glsl/position_text.h"

namespace gpu_node::kernels {

std::string position_function(std::string_view type, std::string_view name, std::string_view start, uint32_t rank,
                              const std::function<std::string(uint32_t)>& size,
                              const std::function<std::string(uint32_t)>& stride) {
  std::string text(type);
  text += " " + std::string(name) + "(uint index) {\n  " + std::string(type) + " at = " + std::string(start) + ";\n";
  for (uint32_t axis = rank; axis-- > 1;) {
    text += "  at += " + stride(axis) + " * (index % " + size(axis) + ");\n";
    text += "  index /= " + size(axis) + ";\n";
  }
  if (rank > 0) text += "  at += " + stride(0) + " * index;\n";
  return text + "  return at;\n}\n";
}

}  // namespace gpu_node::kernels
