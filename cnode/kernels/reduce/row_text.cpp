#include "kernels/reduce/row_text.h"

#include <algorithm>
#include <optional>

#include "base/concat.h"
#include "kernels/glsl/glsl_types.h"
#include "kernels/glsl/write_block.h"
#include "kernels/reduce/accumulator_text.h"

namespace gpu_node::kernels {
namespace {

constexpr std::string_view kComponents = "xyzw";

class RowText {
 public:
  RowText(const RowShader& rows, const RowWalks& walks, ShaderBuilder& shader)
      : rows_(rows),
        code_(rows.code),
        walks_(walks),
        accumulators_(accumulators_of(rows.code)),
        arrays_(kept_arrays(rows.code, walks)),
        shader_(shader) {}

  void write() {
    line("Seat seat = find_seat();");
    line("uint row = min(seat.output_index, P_OUTPUTS - 1u), end = seat.inside ? P_COUNT : 0u;");
    for (uint32_t place = 0; place < rows_.places(); ++place)
      line(concat("uint base", place, " = row", place, "(row);"));
    write_sources();
    if (rows_.in_registers) declare_registers();
    for (const RowWalk& walk : walks_.walks) {
      write_rows(walk.rows);
      write_walk(walk);
    }
    write_rows(walks_.end);
    write_results_of_rows();
  }

 private:
  void line(const std::string& text, const char* indent = "  ") { shader_.body() += indent + text + "\n"; }
  static std::string value_name(uint32_t value) { return concat("r", value); }

  // The element of source |value| at the index |at|.
  std::string read(uint32_t value, const std::string& at) {
    const RowCode::Source& source = code_.sources[value];
    if (source.read == RowCode::Read::kCounter) return shader_.convert(Dtype::u32, source.type, "(" + at + ")");
    return shader_.load(source.type, concat("in", rows_.place_of(value), "[", at, "]"));
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
          source.read == RowCode::Read::kNumber ? number(v, at) : read(v, concat("base", rows_.place_of(v)));
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

  // What is kept of the step that is written, a four where there are fours.
  std::string kept_element(uint32_t value) const {
    return concat("kept", *array_of(value), rows_.in_registers ? concat("_", step_) : std::string("[slot]"));
  }
  std::string four(uint32_t value) const { return concat("e", value, "_", step_); }

  void declare_registers() {
    for (size_t i = 0; i < arrays_.size(); ++i)
      for (uint32_t step = 0; step < rows_.slots / rows_.step_elements(); ++step)
        line(concat(rows_.step_type(arrays_[i].type), " kept", i, "_", step, ";"));
  }

  // The four that |walk| takes of a value as one, at the position |at|.
  void read_four(uint32_t value, const RowWalk& walk, const std::string& at, const char* indent) {
    if (given(value, walk) != Given::kRead) return;
    const uint32_t place = rows_.place_of(value);
    const std::string_view type = rows_.step_type(word_type(code_.type(value)));
    line(concat(type, " ", four(value), " = ", type, "(in", place, "[base", place, " + along", place, "(", at, ")]);"),
         indent);
  }

  // The element of |value| that is |component| of its four, where there are fours.
  std::string input(uint32_t value, const RowWalk& walk, const std::string& component) {
    switch (given(value, walk)) {
      case Given::kOfRows:
        return value_name(value);
      case Given::kKept:
        return rows_.fours && !rows_.in_registers ? four(value) + component : kept_element(value) + component;
      case Given::kCounter:
        return read(value, concat("base", rows_.place_of(value), " + along", rows_.place_of(value), "(column)"));
      case Given::kRead:
        break;
    }
    return shader_.load(
        code_.sources[value].type,
        rows_.fours ? four(value) + component : concat("in", rows_.place_of(value), at(rows_.place_of(value))));
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
                       : concat("out", w, at(rows_.first_written() + w), " = ", shader_.store(type, name), ";"),
           indent);
    }
  }

  void write_fours(const RowWalk& walk) {
    step_ = 0;
    if (rows_.in_registers) return write_steps(walk);
    line("for (uint k = 0u, position = seat.lane; position < end; position += seat.lanes, ++k) {");
    if (rows_.slots > 0) line("uint slot = k * INVOCATIONS + seat.thread;", "    ");
    for (const uint32_t value : walk.elements.inputs) {
      read_four(value, walk, "position", "    ");
      if (given(value, walk) == Given::kKept)
        line(
            concat(rows_.step_type(compute_type(code_.type(value))), " ", four(value), " = ", kept_element(value), ";"),
            "    ");
    }
    write_step(walk);
    line("}");
  }

  // All steps, since not every driver writes out loops over registers. What is read comes first, so that nothing waits
  // for one four after another; behind the end of a row its last is read.
  void write_steps(const RowWalk& walk) {
    const uint32_t steps = rows_.slots / rows_.step_elements();
    line("{");
    for (step_ = 0; step_ < steps; ++step_)
      for (const uint32_t value : walk.elements.inputs)
        read_four(value, walk, concat("min(seat.lane + ", step_, "u * seat.lanes, P_COUNT - 1u)"), "    ");
    for (step_ = 0; step_ < steps; ++step_) {
      line(concat("if (seat.lane + ", step_, "u * seat.lanes < end) {"), "    ");
      line(concat("uint position = seat.lane + ", step_, "u * seat.lanes;"), "    ");
      write_step(walk);
      line("}", "    ");
    }
    line("}");
  }

  void write_step(const RowWalk& walk) {
    for (const KeptValue& kept : walk.kept)
      line(concat(rows_.step_type(compute_type(code_.type(kept.value))), " k", kept.value, ";"), "    ");
    for (const uint32_t w : walk.written)
      line(concat(rows_.step_type(word_type(code_.type(code_.written[w].value))), " o", w, ";"), "    ");
    for (size_t c = 0; c < kComponents.size(); ++c) {
      line("{", "    ");
      line(concat("uint column = 4u * position + ", c, "u;"), "      ");
      write_element(walk, concat(".", kComponents.substr(c, 1)), "      ");
      line("}", "    ");
    }
    for (const KeptValue& kept : walk.kept) line(concat(kept_element(kept.value), " = k", kept.value, ";"), "    ");
    for (const uint32_t w : walk.written) {
      const std::string_view type = rows_.step_type(storage_type(code_.type(code_.written[w].value)));
      line(concat("out", w, at(rows_.first_written() + w), " = ", type, "(o", w, ");"), "    ");
    }
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
        text += concat("    out", w, "[base", rows_.first_written() + w,
                       "] = ", shader_.store(code_.type(value), value_name(value)), ";\n");
    }
    if (!text.empty()) shader_.body() += "  if (seat.inside && seat.lane == 0u) {\n" + text + "  }\n";
  }

  const RowShader& rows_;
  const RowCode& code_;
  const RowWalks& walks_;
  const std::vector<RowAccumulator> accumulators_;
  const std::vector<KeptArray> arrays_;
  ShaderBuilder& shader_;
  uint32_t step_ = 0;  // of a walk, which is written
};

}  // namespace

void write_row_text(const RowShader& rows, const RowWalks& walks, ShaderBuilder& shader) {
  RowText(rows, walks, shader).write();
}

}  // namespace gpu_node::kernels
