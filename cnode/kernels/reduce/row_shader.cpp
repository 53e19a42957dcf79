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
    shader_.library("rows.glsl");
    declare_buffers();
    for (size_t i = 0; i < accumulators_.size(); ++i)
      declare_accumulator(accumulators_[i].accumulator, accumulators_[i].element, concat(i), shader_);
    declare_places();
    if (rows_.slots > 0)
      for (size_t i = 0; i < arrays_.size(); ++i)
        shader_.declare(concat("shared ", arrays_[i].type, " kept", i, "[", rows_.slots * rows_.invocations, "];\n"));
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
        shader_.buffer(concat("in", place_of(v)), code_.sources[v].type, kRead);
    for (uint32_t w = 0; w < code_.written.size(); ++w)
      shader_.buffer(concat("out", w), code_.type(code_.written[w].value), kWrite);
    shader_.parameters(rows_.words());
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

  std::string input(uint32_t value, const RowWalk& walk) {
    if (walks_.of_rows[value]) return value_name(value);
    const bool is_new =
        std::any_of(walk.kept.begin(), walk.kept.end(), [value](const KeptValue& kept) { return kept.value == value; });
    if (const std::optional<size_t> array = array_of(value); array && !is_new) return concat("kept", *array, "[slot]");
    const uint32_t place = place_of(value);
    return read(value, concat("base", place, " + along", place, "(column)"));
  }

  // |value|, rounded, in the walk whose block is |written|.
  std::string element(uint32_t value, const RowBlock& block, const WrittenBlock& written) const {
    return walks_.of_rows[value] ? value_name(value) : written.values[block.number(value)].name;
  }

  void write_walk(const RowWalk& walk) {
    for (const uint32_t value : walk.reductions) {
      const size_t n = accumulator_number(value);
      line(concat("Acc", n, " acc", value, " = acc_identity", n, "();"));
    }
    line("for (uint k = 0u, column = column_of(seat, 0u); column < end; column = column_of(seat, ++k)) {");
    if (rows_.slots > 0) line("uint slot = k * INVOCATIONS + seat.thread;", "    ");
    std::vector<std::string> inputs;
    inputs.reserve(walk.elements.inputs.size());
    for (const uint32_t value : walk.elements.inputs) inputs.push_back(input(value, walk));
    const WrittenBlock written = write(walk.elements, inputs, "v", "    ");
    for (const uint32_t value : walk.reductions) {
      const RowCode::Step& step = *code_.step(value);
      const RowAccumulator& acc = accumulators_[accumulator_number(value)];
      const uint32_t operand = step.operands[0];
      const Dtype from = code_.type(operand);
      const std::string rounded = concat("x", value);
      line(concat(compute_type(from), " ", rounded, " = ",
                  shader_.round(from, element(operand, walk.elements, written)), ";"),
           "    ");
      line(concat("acc_add", accumulator_number(value), "(acc", value, ", ",
                  acc_element_text(acc.accumulator, acc.element, from, rounded, shader_), ", column);"),
           "    ");
    }
    for (const KeptValue& kept : walk.kept)
      line(concat("kept", *array_of(kept.value),
                  "[slot] = ", shader_.round(code_.type(kept.value), element(kept.value, walk.elements, written)), ";"),
           "    ");
    for (const uint32_t w : walk.written) {
      const uint32_t place = first_written() + w, value = code_.written[w].value;
      line(concat("out", w, "[base", place, " + along", place,
                  "(column)] = ", shader_.store(code_.type(value), element(value, walk.elements, written)), ";"),
           "    ");
    }
    line("}");
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
  return concat("rows ", code.text(), " k", kept_rank, "w", walk_rank, "n", invocations, "s", slots);
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
