#include "kernels/reduce/scan_shader.h"

#include <algorithm>

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

uint32_t acc_words(const ScanPass& pass) {
  return (acc_value_bytes(pass.accumulator, pass.element) + acc_extra_bytes(pass.accumulator, pass.element)) / 4;
}

// Four of something that depends on the number in |each|'s '#', as arguments.
std::string four(const std::string& each) {
  std::string text;
  for (const char k : {'0', '1', '2', '3'}) {
    std::string one = each;
    std::replace(one.begin(), one.end(), '#', k);
    text += concat(text.empty() ? "" : ", ", one);
  }
  return text;
}

// The four neighbours from |position| on, as they lie in memory: their vector's index and, where positions go
// backwards, their order.
std::string quad_index(std::string_view place) { return concat("(", position_text(place), ") / 4u"); }
std::string is_forward(std::string_view place) { return concat("P_", place, "_STEP == 1u"); }

void declare_quads(const ScanPass& pass, ShaderBuilder& shader) {
  const std::string four_words(vector_type(word_type(pass.element))), neutral = "acc_identity().value";
  std::string text = concat("VALUES quad_at(uint line, uint position) {\n");
  if (pass.reads_vectors) {
    text += concat("  if (position >= P_COUNT) return VALUES(", four(neutral), ");\n  ", four_words,
                   " words = ", four_words, "(source[", quad_index("IN"), "]);\n  VALUES values = VALUES(",
                   four(shader.load(pass.element, "words[#]")), ");\n  return ", is_forward("IN"),
                   " ? values : VALUES(values[3], values[2], values[1], values[0]);\n}\n");
  } else {
    text += concat("  return VALUES(", four("element_at(line, position + #u)"), ");\n}\n");
    shader.declare(concat("VALUE element_at(uint line, uint position) {\n  if (position >= P_COUNT) return ", neutral,
                          ";\n  return ", shader.load(pass.element, concat("source[", position_text("IN"), "]")),
                          ";\n}\n"));
  }
  if (!pass.totals) {
    text += "void put_quad(uint line, uint position, VALUES values) {\n";
    if (pass.writes_vectors) {
      const std::string four_elements(vector_type(storage_type(pass.element)));
      const std::string words = concat(four_words, "(", four(shader.word(pass.element, "values[#]")), ")");
      text += concat("  if (!(", is_forward("OUT"), ")) values = VALUES(values[3], values[2], values[1], values[0]);\n",
                     "  if (position < P_COUNT) result[", quad_index("OUT"), "] = ", four_elements, "(", words, ");\n");
    } else {
      shader.declare(concat("void put_element(uint line, uint position, VALUE value) {\n",
                            "  if (position < P_COUNT) result[", position_text("OUT"),
                            "] = ", shader.store(pass.element, "value"), ";\n}\n"));
      for (const char k : {'0', '1', '2', '3'})
        text += concat("  put_element(line, position + ", std::string(1, k), "u, values[", std::string(1, k), "]);\n");
    }
    text += "}\n";
  }
  shader.declare(text);
}

// The functions that the skeleton is told elements by, and tells their Accs.
void declare_functions(const ScanPass& pass, ShaderBuilder& shader) {
  const auto load = [&](const std::string& name, const std::string& at) {
    return acc_load_text(pass.accumulator, pass.element, name, at);
  };
  const auto store = [&](const std::string& name, const std::string& at) {
    return acc_store_text(pass.accumulator, pass.element, name, at);
  };
  const bool elements = pass.data == ScanPass::Data::kElements;
  const std::string of_line = "line * P_COUNT + position", of_segment = "line * P_SEGMENTS + segment";
  std::string text;
  if (pass.tile > 0) {
    declare_quads(pass, shader);
  } else {
    const std::string element = shader.load(pass.element, concat("source[", position_text("IN"), "]"));
    text = concat("void take(inout Acc acc, uint line, uint position) {\n",
                  elements ? concat("  acc_add(acc, ", element, ", position);\n")
                           : concat("  acc = acc_merge(acc, ", load("accs", of_line), ");\n"),
                  "}\n");
  }
  if (pass.totals) {
    text += concat("void put_total(uint line, uint segment, Acc acc) {\n", store("carry", of_segment), "}\n");
  } else if (pass.tile == 0) {
    text += "void put(uint line, uint position, Acc acc) {\n";
    text += elements ? concat("  result[", position_text("OUT"), "] = ", shader.store(pass.element, "acc_result(acc)"),
                              ";\n")
                     : store("accs", of_line);
    text += "}\n";
  }
  if (pass.carries)
    text += concat("Acc carried(uint line, uint segment) {\n  return ", load("carry", of_segment), ";\n}\n");
  shader.declare(text);
}

void declare_source_and_result(const ScanPass& pass, ShaderBuilder& shader) {
  const auto declare = [&](const char* name, bool vectors, ShaderBuilder::Access access) {
    if (vectors)
      shader.vector_buffer(name, pass.element, access);
    else
      shader.buffer(name, pass.element, access);
  };
  declare("source", pass.reads_vectors, kRead);
  if (!pass.totals) declare("result", pass.writes_vectors, kWrite);
}

// What the tiles' skeleton needs beside the Accs.
void define_tiles(const ScanPass& pass, ShaderBuilder& shader) {
  shader.define("QUADS", concat(pass.tile / 4));
  shader.define("VALUES", vector_type(acc_value_type(pass.accumulator, pass.element)));
  if (pass.subgroup == 0) return;
  shader.use_subgroups();
  shader.define("SUBGROUP", concat(pass.subgroup, "u"));
  shader.define("ACC_WORDS", concat(acc_words(pass), "u"));
  shader.define("VALUE_WORDS", concat(acc_value_bytes(pass.accumulator, pass.element) / 4, "u"));
  const ComputeType compute = dtype_info(pass.element).compute;
  if (compute == ComputeType::kI64 || compute == ComputeType::kU64) shader.define("VALUE_I64");
}

}  // namespace

std::string ScanPass::key() const {
  return concat("scan ", accumulator_name(accumulator), " ", dtype_name(element), data == Data::kElements ? " e" : " a",
                totals    ? "t"
                : carries ? "c"
                          : "w",
                " n", invocations, tile > 0 ? concat(" x", tile) : "", reads_vectors ? " r4" : "",
                writes_vectors && !totals ? " w4" : "", subgroup > 0 ? concat(" s", subgroup) : "");
}

Result<vulkan::KernelSource> ScanPass::emit(const vulkan::DeviceInfo& device) const {
  ShaderBuilder shader(device);
  shader.local_size(invocations);
  shader.use(dtype_info(element).compute);
  if (data == Data::kElements)
    declare_source_and_result(*this, shader);
  else
    declare_acc_buffers(accumulator, element, "accs", kReadWrite, shader);
  if (totals || carries) declare_acc_buffers(accumulator, element, "carry", totals ? kWrite : kRead, shader);
  shader.parameters(kWords);
  for (uint32_t i = 0; i < kWords; ++i) shader.define(concat("P_", kNames[i]), parameter_text(i, kWords));
  shader.define("INVOCATIONS", concat(invocations, "u"));
  if (totals) shader.define("TOTALS");
  if (carries) shader.define("CARRIES");
  if (data == Data::kAccs) shader.define("EXCLUSIVE");
  if (tile > 0) define_tiles(*this, shader);
  define_accumulator(accumulator, element, shader);
  shader.library("reduce_accumulators.glsl");
  if (subgroup > 0) shader.library("acc_words.glsl");
  shader.library("scan_lanes.glsl");
  shader.library(tile > 0 ? "scan_tiled.glsl" : "scan.glsl");
  declare_functions(*this, shader);
  shader.body() += "  scan_main();\n";
  return shader.build();
}

}  // namespace gpu_node::kernels
