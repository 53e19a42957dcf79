// Emits a kernel of rows: walks over a row, one after the other, with a tree behind each.
#include "kernels/reduce/row_shader.h"

#include <algorithm>
#include <bit>

#include "base/concat.h"
#include "kernels/glsl/glsl_types.h"
#include "kernels/glsl/position_text.h"
#include "kernels/glsl/shader_builder.h"
#include "kernels/glsl/write_block.h"
#include "kernels/reduce/accumulator_text.h"

namespace gpu_node::kernels {
namespace {

constexpr std::string_view kComponents = "xyzw";

// The kinds of accumulators in |code|, each once.
std::vector<RowAccumulator> accumulators_of(const RowCode& code) {
  std::vector<RowAccumulator> all;
  for (const RowCode::Step& step : code.steps) {
    if (step.op->family != ir::Family::kReduce) continue;
    const RowAccumulator one = accumulator_of(*step.op, step.type);
    if (std::find(all.begin(), all.end(), one) == all.end()) all.push_back(one);
  }
  return all;
}

class Emitter {
 public:
  Emitter(const RowShader& rows, const vulkan::DeviceInfo& device)
      : rows_(rows),
        code_(rows.code),
        walks_(walks_of(rows.code, rows.slots > 0)),
        accumulators_(accumulators_of(rows.code)),
        arrays_(kept_arrays(rows.code, walks_)),
        shader_(device) {}

  Result<vulkan::KernelSource> emit() {
    shader_.local_size(rows_.invocations);
    shader_.define("INVOCATIONS", concat(rows_.invocations, "u"));
    shader_.define("LOG_INVOCATIONS", concat(std::countr_zero(rows_.invocations), "u"));
    shader_.define("P_OUTPUTS", param(RowShader::kOutputs));
    shader_.define("P_COUNT", param(RowShader::kCount));
    shader_.define("P_MODE", param(RowShader::kMode));
    shader_.define("P_FOURS", param(RowShader::kFours));
    shader_.library("reduce_table.glsl");
    if (!rows_.fours) shader_.library("rows.glsl");
    declare_buffers();
    for (size_t i = 0; i < accumulators_.size(); ++i)
      declare_accumulator(accumulators_[i].accumulator, accumulators_[i].element, concat(i), shader_);
    declare_places();
    if (rows_.slots > 0)
      for (size_t i = 0; i < arrays_.size(); ++i)
        shader_.declare(concat("shared ", of_elements(arrays_[i].type), " kept", i, "[",
                               rows_.slots * rows_.invocations / elements(), "];\n"));
    line("Seat seat = find_seat();");
    line("uint row = min(seat.output_index, P_OUTPUTS - 1u), end = seat.inside ? P_COUNT : 0u;");
    for (uint32_t place = 0; place < rows_.places(); ++place)
      line(concat("uint base", place, " = row", place, "(row);"));
    write_sources();
    for (uint32_t s = 0; s < walks_.walks.size(); ++s) {
      write_rows(walks_.walks[s].rows);
      write_walk(walks_.walks[s]);
    }
    write_rows(walks_.end);
    write_results_of_rows();
    return shader_.build();
  }

 private:
  std::string param(uint32_t position) const { return parameter_text(position, rows_.words()); }
  void line(const std::string& text, const char* indent = "  ") { shader_.body() += indent + text + "\n"; }

  // What a step of a walk has, and a GLSL type of that.
  uint32_t elements() const { return rows_.fours ? 4 : 1; }
  std::string_view of_elements(std::string_view type) const { return rows_.fours ? vector_type(type) : type; }

  static std::string value_name(uint32_t value) { return concat("r", value); }
  // Source |value| in the places; the first of what is written.
  uint32_t place_of(uint32_t value) const {
    uint32_t place = 0;
    for (uint32_t v = 0; v < value; ++v) place += code_.sources[v].read == RowCode::Read::kNumber ? 0 : 1;
    return place;
  }
  uint32_t first_written() const { return place_of(static_cast<uint32_t>(code_.sources.size())); }

  void declare_buffers() {
    using enum ShaderBuilder::Access;
    for (uint32_t v = 0; v < code_.sources.size(); ++v)
      if (code_.sources[v].read == RowCode::Read::kTensor)
        declare_buffer(concat("in", place_of(v)), code_.sources[v].type, code_.sources[v].of_rows, kRead);
    for (uint32_t w = 0; w < code_.written.size(); ++w)
      declare_buffer(concat("out", w), code_.type(code_.written[w].value), code_.written[w].of_rows, kWrite);
    shader_.parameters(rows_.words());
  }

  void declare_buffer(const std::string& name, Dtype type, bool of_rows, ShaderBuilder::Access access) {
    rows_.fours && !of_rows ? shader_.vector_buffer(name, type, access) : shader_.buffer(name, type, access);
  }

  // rowN(i): where row i of place N begins; alongN(i): how far from there its element i lies.
  void declare_places() {
    for (uint32_t place = 0; place < rows_.places(); ++place) {
      shader_.declare(position_function(
          "uint", concat("row", place), param(rows_.offset_at() + place), rows_.kept_rank,
          [this](uint32_t axis) { return param(rows_.kept_at(axis)); },
          [this, place](uint32_t axis) { return param(rows_.kept_at(axis) + 1 + place); }));
      shader_.declare(position_function(
          "uint", concat("along", place), "0u", rows_.walk_rank,
          [this](uint32_t axis) { return param(rows_.walk_at(axis)); },
          [this, place](uint32_t axis) { return param(rows_.walk_at(axis) + 1 + place); }));
    }
  }

  // The element of source |value| at the index |at|.
  std::string read(uint32_t value, const std::string& at) {
    const RowCode::Source& source = code_.sources[value];
    if (source.read == RowCode::Read::kCounter) return shader_.convert(Dtype::u32, source.type, "(" + at + ")");
    return shader_.load(source.type, concat("in", place_of(value), "[", at, "]"));
  }

  std::string number(uint32_t value, uint32_t& at) {
    const Dtype type = code_.sources[value].type;
    const uint32_t first = at;
    at += words_of_number(type);
    return parameter_number(type, first, rows_.words());
  }

  // Those of rows.
  void write_sources() {
    uint32_t at = rows_.numbers_at();
    for (uint32_t v = 0; v < code_.sources.size(); ++v) {
      const RowCode::Source& source = code_.sources[v];
      if (!source.of_rows) continue;
      shader_.use(dtype_info(source.type).compute);
      const std::string text =
          source.read == RowCode::Read::kNumber ? number(v, at) : read(v, concat("base", place_of(v)));
      line(concat(compute_type(source.type), " ", value_name(v), " = ", text, ";"));
    }
  }

  // A block's lines, whose values are called |prefix| and the code's number.
  WrittenBlock write(const RowBlock& block, const std::vector<std::string>& inputs, const std::string& prefix,
                     const char* indent) {
    WrittenBlock written = write_block(shader_, block.block, inputs, indent, [&](scalar::ValueNumber number) {
      return concat(prefix, block.values[number]);
    });
    shader_.body() += written.lines;
    return written;
  }

  void write_rows(const RowBlock& block) {
    if (block.empty()) return;
    for (const uint32_t value : block.results)
      line(concat(compute_type(code_.type(value)), " ", value_name(value), ";"));
    line("{");
    std::vector<std::string> inputs;
    inputs.reserve(block.inputs.size());
    for (const uint32_t value : block.inputs) inputs.push_back(value_name(value));
    write(block, inputs, "v", "    ");
    for (const uint32_t value : block.results)
      line(concat(value_name(value), " = ", shader_.round(code_.type(value), concat("v", value)), ";"), "    ");
    line("}");
  }

  size_t accumulator_number(uint32_t reduction) const {
    const RowCode::Step& step = *code_.step(reduction);
    const auto found = std::find(accumulators_.begin(), accumulators_.end(), accumulator_of(*step.op, step.type));
    return static_cast<size_t>(found - accumulators_.begin());
  }

  // The place of |value| among what is kept of the walks; nothing where it is read or computed.
  std::optional<size_t> array_of(uint32_t value) const {
    for (size_t i = 0; i < arrays_.size(); ++i)
      if (std::find(arrays_[i].values.begin(), arrays_[i].values.end(), value) != arrays_[i].values.end()) return i;
    return std::nullopt;
  }

  // How a walk has a value that it does not compute.
  enum class Given : uint8_t { kOfRows, kKept, kCounter, kRead };
  Given given(uint32_t value, const RowWalk& walk) const {
    if (walks_.of_rows[value]) return Given::kOfRows;
    const bool is_new =
        std::any_of(walk.kept.begin(), walk.kept.end(), [value](const KeptValue& kept) { return kept.value == value; });
    if (array_of(value) && !is_new) return Given::kKept;
    return code_.sources[value].read == RowCode::Read::kCounter ? Given::kCounter : Given::kRead;
  }

  // Where the element, or the four, of place |place| lies that a walk is at.
  std::string at(uint32_t place) const {
    return concat("[base", place, " + along", place, rows_.fours ? "(position)]" : "(column)]");
  }

  // The four that |walk| takes of a value as one.
  void write_four(uint32_t value, const RowWalk& walk) {
    if (given(value, walk) == Given::kKept) {
      const std::string_view type = of_elements(compute_type(code_.type(value)));
      line(concat(type, " e", value, " = kept", *array_of(value), "[slot];"), "    ");
    } else if (given(value, walk) == Given::kRead) {
      const uint32_t place = place_of(value);
      const std::string_view type = of_elements(word_type(code_.type(value)));
      line(concat(type, " e", value, " = ", type, "(in", place, at(place), ");"), "    ");
    }
  }

  // The element of |value| that is |component| of its four, where there are fours.
  std::string input(uint32_t value, const RowWalk& walk, const std::string& component) {
    switch (given(value, walk)) {
      case Given::kOfRows:
        return value_name(value);
      case Given::kKept:
        return rows_.fours ? concat("e", value, component) : concat("kept", *array_of(value), "[slot]");
      case Given::kCounter:
        return read(value, concat("base", place_of(value), " + along", place_of(value), "(column)"));
      case Given::kRead:
        break;
    }
    return shader_.load(code_.sources[value].type, rows_.fours ? concat("e", value, component)
                                                               : concat("in", place_of(value), at(place_of(value))));
  }

  // |value|, rounded, in the walk whose block is |written|.
  std::string element(uint32_t value, const RowBlock& block, const WrittenBlock& written) const {
    return walks_.of_rows[value] ? value_name(value) : written.values[block.number(value)].name;
  }

  // What |walk| does at |column|, with the |component| of each four.
  void write_element(const RowWalk& walk, const std::string& component, const char* indent) {
    std::vector<std::string> inputs;
    inputs.reserve(walk.elements.inputs.size());
    for (const uint32_t value : walk.elements.inputs) inputs.push_back(input(value, walk, component));
    const WrittenBlock written = write(walk.elements, inputs, "v", indent);
    for (const uint32_t value : walk.reductions) {
      const RowCode::Step& step = *code_.step(value);
      const RowAccumulator& acc = accumulators_[accumulator_number(value)];
      const uint32_t operand = step.operands[0];
      const Dtype from = code_.type(operand);
      const std::string rounded = concat("x", value);
      line(concat(compute_type(from), " ", rounded, " = ",
                  shader_.round(from, element(operand, walk.elements, written)), ";"),
           indent);
      line(concat("acc_add", accumulator_number(value), "(acc", value, ", ",
                  acc_element_text(acc.accumulator, acc.element, from, rounded, shader_), ", column);"),
           indent);
    }
    for (const KeptValue& kept : walk.kept) {
      const std::string to = rows_.fours ? concat("k", kept.value, component) : kept_element(kept.value);
      line(concat(to, " = ", shader_.round(code_.type(kept.value), element(kept.value, walk.elements, written)), ";"),
           indent);
    }
    for (const uint32_t w : walk.written) {
      const uint32_t value = code_.written[w].value;
      const Dtype type = code_.type(value);
      const std::string name = element(value, walk.elements, written);
      line(rows_.fours ? concat("o", w, component, " = ", shader_.word(type, name), ";")
                       : concat("out", w, at(first_written() + w), " = ", shader_.store(type, name), ";"),
           indent);
    }
  }

  std::string kept_element(uint32_t value) const { return concat("kept", *array_of(value), "[slot]"); }

  void write_fours(const RowWalk& walk) {
    line("for (uint k = 0u, position = seat.lane; position < end; position += seat.lanes, ++k) {");
    if (rows_.slots > 0) line("uint slot = k * INVOCATIONS + seat.thread;", "    ");
    for (const uint32_t value : walk.elements.inputs) write_four(value, walk);
    for (const KeptValue& kept : walk.kept)
      line(concat(of_elements(compute_type(code_.type(kept.value))), " k", kept.value, ";"), "    ");
    for (const uint32_t w : walk.written)
      line(concat(of_elements(word_type(code_.type(code_.written[w].value))), " o", w, ";"), "    ");
    for (size_t c = 0; c < kComponents.size(); ++c) {
      line("{", "    ");
      line(concat("uint column = 4u * position + ", c, "u;"), "      ");
      write_element(walk, concat(".", kComponents.substr(c, 1)), "      ");
      line("}", "    ");
    }
    for (const KeptValue& kept : walk.kept) line(concat(kept_element(kept.value), " = k", kept.value, ";"), "    ");
    for (const uint32_t w : walk.written) {
      const std::string_view type = of_elements(storage_type(code_.type(code_.written[w].value)));
      line(concat("out", w, at(first_written() + w), " = ", type, "(o", w, ");"), "    ");
    }
    line("}");
  }

  void write_ones(const RowWalk& walk) {
    line("for (uint k = 0u, column = column_of(seat, 0u); column < end; column = column_of(seat, ++k)) {");
    if (rows_.slots > 0) line("uint slot = k * INVOCATIONS + seat.thread;", "    ");
    write_element(walk, "", "    ");
    line("}");
  }

  void write_walk(const RowWalk& walk) {
    for (const uint32_t value : walk.reductions) {
      const size_t n = accumulator_number(value);
      line(concat("Acc", n, " acc", value, " = acc_identity", n, "();"));
    }
    rows_.fours ? write_fours(walk) : write_ones(walk);
    for (const uint32_t value : walk.reductions) {
      const size_t n = accumulator_number(value);
      const Dtype type = code_.type(value);
      const std::string result = concat("acc_result", n, "(acc_of_all", n, "(acc", value, ", seat))");
      line(concat(acc_outcome_type(n), " a", value, " = ", result, ";"));
      line(concat(compute_type(type), " ", value_name(value), " = ",
                  shader_.round(type, acc_outcome_text(accumulators_[n].accumulator, accumulators_[n].element, type,
                                                       concat("a", value), shader_)),
                  ";"));
    }
  }

  std::string_view acc_outcome_type(size_t n) const {
    return acc_value_type(accumulators_[n].accumulator, accumulators_[n].element);
  }

  void write_results_of_rows() {
    std::string text;
    for (uint32_t w = 0; w < code_.written.size(); ++w) {
      const uint32_t value = code_.written[w].value;
      if (code_.written[w].of_rows)
        text += concat("    out", w, "[base", first_written() + w,
                       "] = ", shader_.store(code_.type(value), value_name(value)), ";\n");
    }
    if (!text.empty()) shader_.body() += "  if (seat.inside && seat.lane == 0u) {\n" + text + "  }\n";
  }

  const RowShader& rows_;
  const RowCode& code_;
  const RowWalks walks_;
  const std::vector<RowAccumulator> accumulators_;
  const std::vector<KeptArray> arrays_;
  ShaderBuilder shader_;
};

}  // namespace

uint32_t RowShader::places() const {
  uint32_t places = static_cast<uint32_t>(code.written.size());
  for (const RowCode::Source& source : code.sources) places += source.read == RowCode::Read::kNumber ? 0 : 1;
  return places;
}

uint32_t RowShader::number_words() const {
  uint32_t words = 0;
  for (const RowCode::Source& source : code.sources)
    if (source.read == RowCode::Read::kNumber) words += words_of_number(source.type);
  return words;
}

std::string RowShader::key() const {
  return concat("rows ", code.text(), " k", kept_rank, "w", walk_rank, "n", invocations, "s", slots, fours ? "v" : "");
}

Result<vulkan::KernelSource> RowShader::emit(const vulkan::DeviceInfo& device) const {
  return Emitter(*this, device).emit();
}

std::vector<KeptArray> kept_arrays(const RowCode& code, const RowWalks& walks) {
  std::vector<KeptArray> arrays;
  for (uint32_t s = 0; s < walks.walks.size(); ++s) {
    for (const KeptValue& kept : walks.walks[s].kept) {
      const Dtype type = code.type(kept.value);
      const std::string_view glsl = compute_type(type);
      // What this walk itself leaves there is busy until a later one.
      const auto free = std::find_if(arrays.begin(), arrays.end(), [&](const KeptArray& array) {
        return array.type == glsl && array.busy_until <= s;
      });
      KeptArray& array = free == arrays.end() ? arrays.emplace_back() : *free;
      array.type = glsl;
      array.bytes = words_of_number(type) * 4;
      array.values.push_back(kept.value);
      array.busy_until = kept.last;
    }
  }
  return arrays;
}

uint32_t acc_bytes(const RowCode& code) {
  uint32_t bytes = 0;
  for (const RowAccumulator& one : accumulators_of(code))
    bytes += acc_value_bytes(one.accumulator, one.element) + acc_extra_bytes(one.accumulator, one.element);
  return bytes;
}

uint32_t kept_bytes(const RowCode& code, const RowWalks& walks) {
  uint32_t bytes = 0;
  for (const KeptArray& array : kept_arrays(code, walks)) bytes += array.bytes;
  return bytes;
}

}  // namespace gpu_node::kernels
