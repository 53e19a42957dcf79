// Files that travel inside the binary: shaders/embed.cmake writes the tables.
#pragma once

#include <span>

namespace gpu_node {

struct EmbeddedFile {
  const char* name;  // relative to its folder: "lib/math_f64.glsl", "normal.json"
  const char* text;
};

std::span<const EmbeddedFile> shaders_files();   // shaders/, with the kernels
std::span<const EmbeddedFile> families_files();  // specs/families/, with the chains

}  // namespace gpu_node
