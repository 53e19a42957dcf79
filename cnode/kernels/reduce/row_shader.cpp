// Emits a kernel of rows: its buffers, places and accumulators, around the text of its walks.
#include "kernels/reduce/row_shader.h"

#include <algorithm>
#include <bit>

#include "base/concat.h"
#include "kernels/glsl/glsl_types.h"
#include "kernels/glsl/position_text.h"
#include "kernels/glsl/shader_builder.h"
#include "kernels/glsl/write_block.h"
#include "kernels/reduce/accumulator_text.h"
#include "kernels/reduce/row_text.h"

namespace gpu_node::kernels {
namespace {

class Emitter {
 public:
  Emitter(const RowShader& rows, const vulkan::DeviceInfo& device)
      : rows_(rows), code_(rows.code), walks_(walks_of(rows.code, rows.slots > 0)), shader_(device) {}

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
    const std::vector<RowAccumulator> accumulators = accumulators_of(code_);
    for (size_t i = 0; i < accumulators.size(); ++i)
      declare_accumulator(accumulators[i].accumulator, accumulators[i].element, concat(i), shader_);
    declare_places();
    if (rows_.slots > 0 && !rows_.in_registers) declare_kept();
    write_row_text(rows_, walks_, shader_);
    return shader_.build();
  }

 private:
  std::string param(uint32_t position) const { return parameter_text(position, rows_.words()); }

  void declare_buffers() {
    using enum ShaderBuilder::Access;
    for (uint32_t v = 0; v < code_.sources.size(); ++v)
      if (code_.sources[v].read == RowCode::Read::kTensor)
        declare_buffer(concat("in", rows_.place_of(v)), code_.sources[v].type, code_.sources[v].of_rows, kRead);
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

  void declare_kept() {
    const std::vector<KeptArray> arrays = kept_arrays(code_, walks_);
    for (size_t i = 0; i < arrays.size(); ++i)
      shader_.declare(concat("shared ", rows_.step_type(arrays[i].type), " kept", i, "[",
                             rows_.slots * rows_.invocations / rows_.step_elements(), "];\n"));
  }

  const RowShader& rows_;
  const RowCode& code_;
  const RowWalks walks_;
  ShaderBuilder shader_;
};

}  // namespace

std::vector<RowAccumulator> accumulators_of(const RowCode& code) {
  std::vector<RowAccumulator> all;
  for (const RowCode::Step& step : code.steps) {
    if (step.op->family != ir::Family::kReduce) continue;
    const RowAccumulator one = accumulator_of(*step.op, step.type);
    if (std::find(all.begin(), all.end(), one) == all.end()) all.push_back(one);
  }
  return all;
}

uint32_t RowShader::place_of(uint32_t value) const {
  uint32_t place = 0;
  for (uint32_t v = 0; v < value; ++v) place += code.sources[v].read == RowCode::Read::kNumber ? 0 : 1;
  return place;
}

std::string_view RowShader::step_type(std::string_view type) const { return fours ? vector_type(type) : type; }

uint32_t RowShader::places() const { return first_written() + static_cast<uint32_t>(code.written.size()); }

uint32_t RowShader::number_words() const {
  uint32_t words = 0;
  for (const RowCode::Source& source : code.sources)
    if (source.read == RowCode::Read::kNumber) words += words_of_number(source.type);
  return words;
}

std::string RowShader::key() const {
  return concat("rows ", code.text(), " k", kept_rank, "w", walk_rank, "n", invocations, in_registers ? "r" : "s",
                slots, fours ? "v" : "");
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
