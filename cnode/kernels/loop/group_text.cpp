#include "kernels/loop/group_text.h"

#include <algorithm>

#include "base/concat.h"
#include "kernels/glsl/glsl_types.h"
#include "kernels/glsl/position_text.h"
#include "kernels/glsl/write_block.h"
#include "kernels/reduce/accumulator_text.h"

namespace gpu_node::kernels {
namespace {

std::string acc_at(size_t n, bool has_extra, const std::string& at) {
  return concat("Acc", n, "(acc", n, "_value[", at, "]", has_extra ? concat(", acc", n, "_extra[", at, "]") : "", ")");
}

std::string store_acc(size_t n, bool has_extra, const std::string& at, const char* indent) {
  std::string text = concat(indent, "acc", n, "_value[", at, "] = acc.value;\n");
  if (has_extra) text += concat(indent, "acc", n, "_extra[", at, "] = acc.extra;\n");
  return text;
}

// Whether code of |stage| up to its reductions writes what one of these reads.
bool reads_own(const GroupStage& stage) {
  return std::ranges::any_of(stage.reductions, [&](const GroupReduction& reduction) {
    return std::ranges::any_of(reduction.sources, [&](const GroupRead& read) {
      return std::ranges::any_of(stage.elements, [&](const GroupElements& one) {
        return one.count > 1 && std::ranges::find(one.writes, *read.value) != one.writes.end();
      });
    });
  });
}

}  // namespace

void declare_group(const GroupMemory& memory, uint32_t invocations, const vulkan::DeviceInfo& device,
                   ShaderBuilder& shader) {
  shader.local_size(invocations);
  shader.define("INVOCATIONS", concat(invocations, "u"));
  for (const GroupMemory::Array& array : memory.arrays()) {
    shader.use(dtype_info(array.element).compute);
    shader.declare(concat("shared ", array.type, " array_", array.type, "[", array.length, "];\n"));
  }
  for (size_t n = 0; n < memory.accumulators().size(); ++n) {
    const GroupMemory::Accumulators& one = memory.accumulators()[n];
    declare_plain_accumulator(one.accumulator, one.element, concat(n), one.products, device, shader);
    const std::string_view value = acc_value_type(one.accumulator, one.element);
    shader.declare(concat("shared ", value, " acc", n, "_value[", one.length, "];\n"));
    if (acc_extra_bytes(one.accumulator, one.element) > 0)
      shader.declare(
          concat("shared ", is_arg(one.accumulator) ? "uint" : value, " acc", n, "_extra[", one.length, "];\n"));
  }
  shader.body() += "  uint lane = gl_LocalInvocationIndex;\n";
}

std::string word_text(uint32_t at, uint32_t words) {
  return fits_push(words) ? parameter_text(at, words) : concat("word", at);
}

void declare_words(uint32_t words, ShaderBuilder& shader) {
  if (fits_push(words)) return;
  for (uint32_t at = 0; at < words; ++at) {
    shader.declare(concat("uint ", word_text(at, words), ";\n"));
    shader.body() += concat("  ", word_text(at, words), " = ", parameter_text(at, words), ";\n");
  }
}

std::string shared_element(Dtype type, const std::string& at, const std::string& index) {
  return concat("array_", compute_type(type), "[", at, " + ", index, "]");
}

GroupText::GroupText(const GroupCode& code, const GroupLayout& layout, const GroupMemory& memory, std::string prefix,
                     std::span<const std::string> inputs, uint32_t words, ShaderBuilder& shader)
    : code_(code),
      layout_(layout),
      memory_(memory),
      prefix_(std::move(prefix)),
      words_(words),
      shader_(shader),
      names_(inputs.begin(), inputs.end()) {
  for (size_t value = code_.inputs; value < code_.values.size(); ++value) names_.push_back(concat(prefix_, "n", value));
}

std::string GroupText::param(uint32_t at) const { return word_text(at, words_); }

std::string GroupText::declarations() const {
  std::string text;
  const auto declare = [&](uint32_t value) {
    if (code_.values[value].is_number())
      text += concat("  ", compute_type(code_.values[value].type), " ", names_[value], ";\n");
  };
  for (const GroupStage& stage : code_.stages) {
    for (const GroupElements& one : stage.elements) std::ranges::for_each(one.writes, declare);
    for (const GroupReduction& one : stage.reductions) declare(one.result);
  }
  return text;
}

std::string GroupText::stages() {
  std::string text;
  for (size_t s = 0; s < code_.stages.size(); ++s) {
    const GroupStage& stage = code_.stages[s];
    if (s > 0) text += "    barrier();\n";
    for (size_t i = 0; i < stage.elements.size(); ++i) text += elements(stage.elements[i], layout_[s].elements[i]);
    if (reads_own(stage)) text += "    barrier();\n";
    for (size_t i = 0; i < stage.reductions.size(); ++i) {
      const size_t n = layout_[s].reductions[i].accumulator;
      // What the one before kept there is still read.
      for (size_t j = 0; j < i; ++j)
        if (layout_[s].reductions[j].accumulator == n) {
          text += "    barrier();\n";
          break;
        }
      text += reduction(stage.reductions[i], layout_[s].reductions[i]);
    }
  }
  return text;
}

// The name of a function of an index: a start plus, for each of |rank| axes, a stride times its index.
std::string GroupText::declare_position(uint32_t start, uint32_t first_axis, uint32_t rank, uint32_t words_of_axis,
                                        uint32_t stride) {
  std::string name = concat(prefix_, "at", positions_++);
  shader_.declare(position_function(
      "uint", name, param(start), rank, [&](uint32_t axis) { return param(first_axis + axis * words_of_axis); },
      [&](uint32_t axis) { return param(first_axis + axis * words_of_axis + stride); }));
  return name;
}

std::string GroupText::source(const GroupRead& read, const ReadLayout& layout) {
  if (read.value && code_.values[*read.value].is_number()) return names_[*read.value];
  std::string at;
  if (layout.rank > 0)
    at = concat(declare_position(layout.at, layout.at + 1, layout.rank, 2, 1), "(e)");
  else
    at = concat("(", param(layout.at), " + ", read.is_plain() ? "e" : "0u", ")");
  if (!read.value) return shader_.convert(Dtype::u32, read.type, at);
  return concat("array_", compute_type(read.type), "[", at, "]");
}

std::string GroupText::elements(const GroupElements& one, const ElementsLayout& layout) {
  const bool is_number = one.count == 1;
  std::vector<std::string> inputs;
  inputs.reserve(one.reads.size());
  for (size_t k = 0; k < one.reads.size(); ++k) inputs.push_back(source(one.reads[k], layout.reads[k]));
  std::string text = is_number ? "    {\n      const uint e = 0u;\n"
                               : concat("    for (uint e = lane; e < ", param(layout.count), "; e += INVOCATIONS) {\n");
  const WrittenBlock written = write_block(shader_, one.block, inputs, "      ");
  text += written.lines;
  for (size_t k = 0; k < one.writes.size(); ++k) {
    const Dtype type = code_.values[one.writes[k]].type;
    text += concat("      ", is_number ? names_[one.writes[k]] : shared_element(type, param(layout.writes[k]), "e"),
                   " = ", shader_.round(type, written.result(one.block, k).name), ";\n");
  }
  return text + "    }\n";
}

std::string GroupText::reduction(const GroupReduction& one, const ReductionLayout& layout) {
  const size_t n = layout.accumulator;
  const GroupMemory::Accumulators& acc = memory_.accumulators()[n];
  const bool has_extra = acc_extra_bytes(acc.accumulator, acc.element) > 0;
  const auto sources = static_cast<uint32_t>(one.sources.size());
  using Layout = ReductionLayout;
  const auto word = [&](uint32_t which) { return param(layout.at + which); };
  const std::string outputs = word(Layout::kOutputs), at_once = word(Layout::kAtOnce),
                    log_lanes = word(Layout::kLogLanes);
  const uint32_t starts = layout.at + Layout::kStarts, kept = starts + sources;
  const uint32_t walked = kept + layout.kept_rank * (1 + sources);

  std::string text =
      concat("    for (uint begin = 0u; begin < ", outputs, "; begin += ", at_once, ") {\n    uint those = min(",
             at_once, ", ", outputs, " - begin);\n    for (uint t = lane; t < those << ", log_lanes,
             "; t += INVOCATIONS) {\n      uint output_index = begin + (t >> ", log_lanes, ");\n");
  std::vector<std::string> along;
  for (uint32_t k = 0; k < sources; ++k) {
    const std::string from = declare_position(starts + k, kept, layout.kept_rank, 1 + sources, 1 + k);
    text += concat("      uint base", k, " = ", from, "(output_index);\n");
    const std::string name = concat(prefix_, "at", positions_++);
    along.push_back(name);
    shader_.declare(position_function(
        "uint", name, "0u", layout.walk_rank, [&](uint32_t axis) { return param(walked + axis * (1 + sources)); },
        [&](uint32_t axis) { return param(walked + axis * (1 + sources) + 1 + k); }));
  }
  text += concat("      Acc", n, " acc = acc_identity", n, "();\n      for (uint r = t & ((1u << ", log_lanes,
                 ") - 1u); r < ", word(Layout::kCount), "; r += 1u << ", log_lanes, ") {\n");
  for (uint32_t k = 0; k < sources; ++k) text += concat("        uint at", k, " = base", k, " + ", along[k], "(r);\n");
  const bool has_factors = sources == 2 && is_compensated(acc.accumulator, acc.element);
  for (uint32_t c = 0; c < (layout.fours ? 4u : 1u); ++c) {
    std::vector<std::string> values;
    text += "        {\n";
    for (uint32_t k = 0; k < sources; ++k) {
      const GroupRead& read = one.sources[k];
      const std::string place = code_.values[*read.value].is_number()
                                    ? names_[*read.value]
                                    : shared_element(read.type, concat("at", k), concat(c, "u"));
      text += concat("          ", compute_type(read.type), " x", k, " = ", place, ";\n");
      values.push_back(acc_element_text(acc.accumulator, acc.element, read.type, concat("x", k), shader_));
    }
    const std::string position = layout.fours ? concat("4u * r + ", c, "u") : "r";
    text += has_factors ? concat("          acc_product", n, "(acc, ", values[0], ", ", values[1], ");\n        }\n")
                        : concat("          acc_add", n, "(acc, ", values[0], sources == 2 ? " * " + values[1] : "",
                                 ", ", position, ");\n        }\n");
  }
  text += "      }\n" + store_acc(n, has_extra, "t", "      ") + "    }\n    barrier();\n";
  // The tree of a reduction alone.
  text += concat("    for (uint log_gap = ", log_lanes, "; log_gap-- > 0u;) {\n      uint gap = 1u << log_gap;\n",
                 "      for (uint t = lane; t < those << log_gap; t += INVOCATIONS) {\n",
                 "        uint at = ((t >> log_gap) << ", log_lanes, ") + (t & (gap - 1u));\n        Acc", n,
                 " acc = acc_merge", n, "(", acc_at(n, has_extra, "at"), ", ", acc_at(n, has_extra, "at + gap"), ");\n",
                 store_acc(n, has_extra, "at", "        "), "      }\n      barrier();\n    }\n");
  const GroupValue& result = code_.values[one.result];
  const bool is_number = result.is_number();
  text +=
      is_number ? "    {\n      uint o = 0u;\n" : concat("    for (uint o = lane; o < those; o += INVOCATIONS) {\n");
  text += concat(
      "      ", is_arg(acc.accumulator) ? "uint" : acc_value_type(acc.accumulator, acc.element),
      " outcome = acc_result", n, "(", acc_at(n, has_extra, concat("o << ", log_lanes)), ");\n      ",
      is_number ? names_[one.result] : shared_element(result.type, word(Layout::kResults) + " + begin", "o"), " = ",
      shader_.round(result.type, acc_outcome_text(acc.accumulator, acc.element, result.type, "outcome", shader_)),
      ";\n    }\n    if (begin + ", at_once, " < ", outputs, ") barrier();\n    }\n");
  return text;
}

}  // namespace gpu_node::kernels
