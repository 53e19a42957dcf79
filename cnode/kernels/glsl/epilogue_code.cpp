#include "kernels/glsl/epilogue_code.h"

#include <algorithm>
#include <vector>

#include "base/concat.h"
#include "kernels/glsl/glsl_types.h"
#include "kernels/glsl/position_text.h"
#include "kernels/glsl/write_block.h"
#include "scalar/op_code.h"

namespace gpu_node::kernels {
namespace {

constexpr size_t kLightSteps = 8;

// The types of the inputs behind the first.
std::vector<Dtype> input_types(const scalar::Block& block) {
  std::vector<Dtype> types;
  for (const scalar::Value& value : block.values())
    if (value.kind == scalar::ValueKind::kInput) types.push_back(value.type);
  types.erase(types.begin());
  return types;
}

}  // namespace

uint32_t EpilogueCode::places() const {
  const auto numbers =
      std::count_if(inputs.begin(), inputs.end(), [](const Input& i) { return i.read == Read::kNumber; });
  return static_cast<uint32_t>(inputs.size() - static_cast<size_t>(numbers) + flat_result.size());
}

bool EpilogueCode::is_flat(uint32_t place) const {
  for (const Input& input : inputs) {
    if (input.read == Read::kNumber) continue;
    if (place-- == 0) return input.flat;
  }
  return flat_result[place];
}

uint32_t EpilogueCode::strided() const {
  uint32_t count = 0;
  for (uint32_t place = 0; place < places(); ++place) count += is_flat(place) ? 0 : 1;
  return count;
}

uint32_t EpilogueCode::number_words() const {
  const std::vector<Dtype> types = input_types(block);
  uint32_t count = 0;
  for (size_t k = 0; k < inputs.size(); ++k)
    if (inputs[k].read == Read::kNumber) count += words_of_number(types[k]);
  return count;
}

uint32_t EpilogueCode::words() const {
  uint32_t axes = 0;
  for (const uint32_t rank : ranks) axes += rank;
  return number_words() + places() + axes * (1 + strided());
}

std::string EpilogueCode::text() const {
  SmallList<char, 8> marks;
  marks.push_back('e');
  for (const Input& input : inputs)
    marks.push_back(input.read == Read::kNumber    ? 'l'
                    : input.read == Read::kCounter ? (input.flat ? 'c' : 'd')
                                                   : (input.flat ? 'f' : 's'));
  std::string text;
  block.append_text(text, {marks.begin(), marks.size()});
  text += ' ';
  for (const bool flat : flat_result) text += flat ? 'f' : 's';
  for (const uint32_t rank : ranks) text += concat(" ", rank);
  return text;
}

void EpilogueCode::declare_buffers(ShaderBuilder& shader) const {
  using enum ShaderBuilder::Access;
  const std::vector<Dtype> types = input_types(block);
  for (size_t k = 0; k < inputs.size(); ++k)
    if (inputs[k].read == Read::kTensor) shader.buffer(concat("beside", k), types[k], kRead);
  for (size_t i = 0; i < flat_result.size(); ++i) shader.buffer(concat("out", i), block.result_type(i), kWrite);
}

void EpilogueCode::declare(ShaderBuilder& shader, uint32_t first, uint32_t words) const {
  const auto param = [words](uint32_t position) { return parameter_text(position, words); };
  const uint32_t offsets = first + number_words(), stride = 1 + strided();
  std::string lines;
  for (uint32_t place = 0, nth = 0; place < places(); ++place) {
    std::string at = param(offsets + place);
    if (is_flat(place)) {
      at += " + element";
    } else {
      ++nth;
      uint32_t axes = offsets + places();
      for (size_t g = 0; g < ranks.size(); ++g) {
        if (ranks[g] > 0) {
          const std::string name = concat("place", place, "_", g);
          shader.declare(position_function(
              "uint", name, "0u", ranks[g], [&](uint32_t axis) { return param(axes + axis * stride); },
              [&](uint32_t axis) { return param(axes + axis * stride + nth); }));
          at += concat(" + ", name, "(g", g, ")");
        }
        axes += ranks[g] * stride;
      }
    }
    lines += concat("  uint at", place, " = ", at, ";\n");
  }
  const std::vector<Dtype> types = input_types(block);
  const Dtype type = block[0].type;
  std::vector<std::string> values = {shader.round(type, "value")};
  uint32_t number = first, place = 0;
  for (size_t k = 0; k < inputs.size(); ++k) {
    if (inputs[k].read == Read::kNumber) {
      values.push_back(parameter_number(types[k], number, words));
      number += words_of_number(types[k]);
    } else if (inputs[k].read == Read::kCounter) {
      values.push_back(shader.convert(Dtype::u32, types[k], concat("at", place++)));
    } else {
      values.push_back(shader.load(types[k], concat("beside", k, "[at", place++, "]")));
    }
  }
  const WrittenBlock written = write_block(shader, block, values);
  lines += written.lines;
  for (size_t i = 0; i < flat_result.size(); ++i) {
    const TypedValue& result = written.result(block, i);
    lines += concat("  out", i, "[at", place++, "] = ", shader.store(result.type, result.name), ";\n");
  }
  std::string indices;
  for (size_t g = 0; g < ranks.size(); ++g) indices += concat("uint g", g, ", ");
  shader.declare(concat("void finish(uint element, ", indices, compute_type(type), " value) {\n", lines, "}\n"));
}

bool EpilogueCode::is_light() const {
  const auto values = block.values();
  return block.values().size() - block.inputs() <= kLightSteps &&
         std::none_of(values.begin(), values.end(), [](const scalar::Value& value) {
           return value.op != nullptr &&
                  (scalar::is_function(*value.op, value.type) || scalar::is_heavy(*value.op, value.type));
         });
}

}  // namespace gpu_node::kernels
