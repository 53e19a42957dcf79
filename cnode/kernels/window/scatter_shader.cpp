#include "kernels/window/scatter_shader.h"

#include "base/concat.h"
#include "kernels/glsl/position_text.h"
#include "kernels/glsl/shader_builder.h"

namespace gpu_node::kernels {
namespace {

using enum ShaderBuilder::Access;

std::string word(uint32_t position) { return concat("parameters[", position, "]"); }

// "  uint NAME_AXIS = ...;" for each axis of |index|, which is used up; |size| gives the word with an axis's extent.
std::string coordinates(std::string_view index, std::string_view name, uint32_t rank,
                        const std::function<uint32_t(uint32_t axis)>& size) {
  return unravel_text(
      index, rank, [&](uint32_t axis) { return word(size(axis)); },
      [&](uint32_t axis, const std::string& at) { return concat("uint ", name, axis, " = ", at); });
}

void write_choose(const ScatterKernel& kernel, ShaderBuilder& shader) {
  const uint32_t rank = kernel.rank, windows = 2, sizes = windows + rank, starts = sizes + rank,
                 steps = starts + 1 + rank;
  const std::string type(compute_type(kernel.element));
  std::string& body = shader.body();
  body += element_prologue(word(0));
  body += "  uint rest = i;\n" + coordinates("rest", "w", rank, [=](uint32_t axis) { return windows + axis; });
  body += concat("  uint first = ", word(starts), ";\n");
  for (uint32_t d = 0; d < rank; ++d) body += concat("  first += w", d, " * ", word(starts + 1 + d), ";\n");
  body += concat("  ", type, " best = ", zero_literal(kernel.element), ";\n  uint choice = 0u;\n");
  body += concat("  for (uint k = 0u; k < ", word(1), "; ++k) {\n  uint at = first;\n  uint left = k;\n");
  body += coordinates("left", "c", rank, [=](uint32_t axis) { return sizes + axis; });
  for (uint32_t d = 0; d < rank; ++d) body += concat("  at += c", d, " * ", word(steps + 1 + d), ";\n");
  body += concat("  ", type, " x = ", shader.load(kernel.element, "tensor[at]"), ";\n  if (k == 0u || x ",
                 kernel.greatest ? ">=" : "<=", " best) {\n    best = x;\n    choice = k;\n  }\n  }\n",
                 "  chosen[i] = choice;\n");
}

void write_gather(const ScatterKernel& kernel, const vulkan::DeviceInfo& device, ShaderBuilder& shader) {
  const uint32_t rank = kernel.rank, source = 2 + 5 * rank;
  const auto of_axis = [](uint32_t axis, uint32_t which) { return word(2 + 5 * axis + which); };
  // Sums of floats are of f64 where there is one, and rounded once.
  Dtype sum = computing_type(kernel.result);
  if (sum == Dtype::f32 && device.has_f64) sum = Dtype::f64;
  const auto term = [&](Dtype from, const std::string& element) {
    return shader.convert(from, sum, shader.load(from, element));
  };
  std::string& body = shader.body();
  body += element_prologue(word(0));
  body += "  uint rest = i;\n" + coordinates("rest", "x", rank, [](uint32_t axis) { return 2 + 5 * axis; });
  body += concat("  ", compute_type(sum), " sum = ", term(kernel.init, concat("init[", word(1), "]")), ";\n");
  // The windows over x: those that begin after x - size and not after x.
  for (uint32_t d = 0; d < rank; ++d) {
    const std::string windows = of_axis(d, 1), size = of_axis(d, 2), stride = of_axis(d, 3), low = of_axis(d, 4);
    body += concat("  int p", d, " = int(x", d, " + ", low, ");\n");
    body +=
        concat("  int last", d, " = p", d, " < 0 ? -1 : min(p", d, " / int(", stride, "), int(", windows, ") - 1);\n");
    body +=
        concat("  int first", d, " = max(0, (p", d, " - int(", size, ") + int(", stride, ")) / int(", stride, "));\n");
  }
  for (uint32_t d = 0; d < rank; ++d)
    body += concat("  for (int o", d, " = first", d, "; o", d, " <= last", d, "; ++o", d, ") {\n");
  body += "  uint window = 0u, k = 0u;\n";
  body += concat("  uint at = ", word(source), ";\n");
  for (uint32_t d = 0; d < rank; ++d) {
    body += concat("  window = window * ", of_axis(d, 1), " + uint(o", d, ");\n");
    body += concat("  k = k * ", of_axis(d, 2), " + uint(p", d, " - o", d, " * int(", of_axis(d, 3), "));\n");
    body += concat("  at += uint(o", d, ") * ", word(source + 1 + d), ";\n");
  }
  body += concat("  if (chosen[window] == k) sum += ", term(kernel.source, "source[at]"), ";\n");
  for (uint32_t d = 0; d < rank; ++d) body += "  }\n";
  body += concat("  to[i] = ", shader.store(kernel.result, shader.narrow(sum, kernel.result, "sum")), ";\n");
}

}  // namespace

std::string ScatterKernel::key() const {
  return kind == Kind::kChoose
             ? concat("window choose ", greatest ? "max " : "min ", dtype_name(element), " r", rank)
             : concat("window gather ", dtype_name(source), " ", dtype_name(init), " ", dtype_name(result), " r", rank);
}

Result<vulkan::KernelSource> ScatterKernel::emit(const vulkan::DeviceInfo& device) const {
  ShaderBuilder shader(device);
  shader.local_size(element_local_size(device));
  if (kind == Kind::kChoose) {
    shader.buffer("tensor", element, kRead);
    shader.buffer("chosen", "uint", kWrite);
  } else {
    shader.buffer("source", source, kRead);
    shader.buffer("init", init, kRead);
    shader.buffer("chosen", "uint", kRead);
    shader.buffer("to", result, kWrite);
  }
  shader.buffer("parameters", "uint", kRead);
  if (kind == Kind::kChoose)
    write_choose(*this, shader);
  else
    write_gather(*this, device, shader);
  return shader.build();
}

}  // namespace gpu_node::kernels
