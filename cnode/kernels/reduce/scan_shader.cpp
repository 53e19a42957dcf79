#include "kernels/reduce/scan_shader.h"

#include "base/concat.h"
#include "kernels/glsl/glsl_types.h"
#include "kernels/reduce/accumulator_text.h"

namespace gpu_node::kernels {
namespace {

using enum ShaderBuilder::Access;

std::string position_text(std::string_view place) {
  return concat("P_", place, "_START + line / P_INNER * P_", place, "_OUTER + line % P_INNER * P_", place,
                "_INNER + position * P_", place, "_STEP");
}

// The functions that the skeleton is told elements by, and tells their Accs.
std::string functions(const ScanPass& pass, ShaderBuilder& shader) {
  const auto load = [&](const std::string& name, const std::string& at) {
    return acc_load_text(pass.accumulator, pass.element, name, at);
  };
  const auto store = [&](const std::string& name, const std::string& at) {
    return acc_store_text(pass.accumulator, pass.element, name, at);
  };
  const bool elements = pass.data == ScanPass::Data::kElements;
  const std::string of_line = "line * P_COUNT + position", of_segment = "line * P_SEGMENTS + segment";
  const std::string element = shader.load(pass.element, concat("source[", position_text("IN"), "]"));
  std::string text;
  if (pass.tile > 0)
    text = concat("VALUE element_at(uint line, uint position) { return ", element, "; }\n");
  else
    text = concat("void take(inout Acc acc, uint line, uint position) {\n",
                  elements ? concat("  acc_add(acc, ", element, ", position);\n")
                           : concat("  acc = acc_merge(acc, ", load("accs", of_line), ");\n"),
                  "}\n");
  const auto put = [&](const std::string& value) {
    return concat("  result[", position_text("OUT"), "] = ", shader.store(pass.element, value), ";\n");
  };
  if (pass.totals) {
    text += concat("void put_total(uint line, uint segment, Acc acc) {\n", store("carry", of_segment), "}\n");
  } else if (pass.tile > 0) {
    text += concat("void put_at(uint line, uint position, VALUE value) {\n", put("value"), "}\n");
  } else {
    text += "void put(uint line, uint position, Acc acc) {\n";
    text += elements ? put("acc_result(acc)") : store("accs", of_line);
    text += "}\n";
  }
  if (pass.carries)
    text += concat("Acc carried(uint line, uint segment) {\n  return ", load("carry", of_segment), ";\n}\n");
  return text;
}

}  // namespace

std::string ScanPass::key() const {
  return concat("scan ", accumulator_name(accumulator), " ", dtype_name(element), data == Data::kElements ? " e" : " a",
                totals    ? "t"
                : carries ? "c"
                          : "w",
                " n", invocations, tile > 0 ? concat(" x", tile) : "");
}

Result<vulkan::KernelSource> ScanPass::emit(const vulkan::DeviceInfo& device) const {
  ShaderBuilder shader(device);
  shader.local_size(invocations);
  shader.use(dtype_info(element).compute);
  if (data == Data::kElements) {
    shader.buffer("source", element, kRead);
    if (!totals) shader.buffer("result", element, kWrite);
  } else {
    declare_acc_buffers(accumulator, element, "accs", kReadWrite, shader);
  }
  if (totals || carries) declare_acc_buffers(accumulator, element, "carry", totals ? kWrite : kRead, shader);
  shader.parameters(kWords);
  for (uint32_t i = 0; i < kWords; ++i) shader.define(concat("P_", kNames[i]), parameter_text(i, kWords));
  shader.define("INVOCATIONS", concat(invocations, "u"));
  if (totals) shader.define("TOTALS");
  if (carries) shader.define("CARRIES");
  if (data == Data::kAccs) shader.define("EXCLUSIVE");
  if (tile > 0) shader.define("TILE", concat(tile, "u"));
  define_accumulator(accumulator, element, shader);
  shader.library("reduce_accumulators.glsl");
  shader.library(tile > 0 ? "scan_tiled.glsl" : "scan.glsl");
  shader.declare(functions(*this, shader));
  shader.body() += "  scan_main();\n";
  return shader.build();
}

}  // namespace gpu_node::kernels
