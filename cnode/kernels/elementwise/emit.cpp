// Text of elementwise kernels, around that of their block.
#include "kernels/elementwise/emit.h"

#include <algorithm>

#include "base/concat.h"
#include "kernels/glsl/position_text.h"
#include "kernels/glsl/write_block.h"
#include "kernels/literal.h"

namespace gpu_node::kernels {
namespace {

std::string numbered(const char* name, size_t i) { return concat(name, i); }
// Where result |i| lies: its index and strides are called so.
std::string out_place(size_t i) { return i == 0 ? "out" : numbered("out", i); }

// Whether a vector kernel reads four neighbours there.
bool is_vector(InputMode mode) { return mode == InputMode::kFlat || mode == InputMode::kStrided; }

// The types of the inputs, in order.
std::vector<Dtype> input_types(const scalar::Block& block) {
  std::vector<Dtype> types;
  for (const scalar::Value& value : block.values())
    if (value.kind == scalar::ValueKind::kInput) types.push_back(value.type);
  return types;
}

std::string_view number_type(Dtype dtype) {
  const uint32_t words = number_words(dtype);
  return words == 1 ? "uint" : words == 2 ? "uvec2" : "uvec4";
}

// Push constants, in this order: count; with a rank: the sizes of coordinates 1...; per input that is no number its
// offset and, where strided, a stride per coordinate; per result the same; the numbers, unless they lie in the buffer.
void declare_parameters(ShaderBuilder& shader, const scalar::Block& block, const Layout& layout) {
  const std::vector<Dtype> types = input_types(block);
  shader.push("uint", "count");
  for (int d = 1; d < layout.rank; ++d) shader.push("uint", numbered("size", d));
  const auto position = [&](const std::string& name, bool strided) {
    shader.push("uint", "offset_" + name);
    for (int d = 0; strided && d < layout.rank; ++d) shader.push("uint", concat("stride_", name, "_", d));
  };
  for (size_t k = 0; k < layout.inputs.size(); ++k)
    if (layout.inputs[k] != InputMode::kLiteral) position(numbered("in", k), is_strided(layout.inputs[k]));
  for (size_t i = 0; i < block.results().size(); ++i) position(out_place(i), layout.out_strided);
  for (size_t k = 0; k < layout.inputs.size() && !layout.numbers_in_buffer; ++k)
    if (layout.inputs[k] == InputMode::kLiteral) shader.push(number_type(types[k]), numbered("literal", k));
}

// The places whose index depends on coordinates, by name.
std::vector<std::string> strided_places(const scalar::Block& block, const Layout& layout) {
  std::vector<std::string> places;
  for (size_t k = 0; k < layout.inputs.size(); ++k)
    if (is_strided(layout.inputs[k])) places.push_back(numbered("in", k));
  for (size_t i = 0; layout.out_strided && i < block.results().size(); ++i) places.push_back(out_place(i));
  return places;
}

// Coordinates from the element's number, innermost first, then every place's index. Strides are words that wrap, so
// that negative ones work.
std::string index_text(const scalar::Block& block, const Layout& layout) {
  const std::vector<std::string> places = strided_places(block, layout);
  std::string text;
  if (layout.rank > 0) {
    text += "  uint rest = i;\n" +
            unravel_text(
                "rest", static_cast<uint32_t>(layout.rank), [](uint32_t axis) { return numbered("size", axis); },
                [](uint32_t axis, const std::string& at) { return concat("uint c", axis, " = ", at); });
    for (const std::string& place : places) {
      text += concat("  uint at_", place, " = offset_", place);
      for (int d = 0; d < layout.rank; ++d) text += concat(" + c", d, " * stride_", place, "_", d);
      text += ";\n";
    }
    return text;
  }
  // Parameter buffer, behind the numbers: rank, then per coordinate from the innermost its size and the stride of every
  // place.
  const std::string row = concat(places.size() + 1, "u");
  const uint32_t start = layout.numbers_in_buffer ? number_words(block, layout.inputs) : 0;
  for (const std::string& place : places) text += concat("  uint at_", place, " = offset_", place, ";\n");
  text += "  uint rest = i;\n";
  text += concat("  for (uint d = 0u; d < parameters[", start, "]; ++d) {\n");
  text += concat("    uint row = ", start + 1, "u + d * ", row,
                 ";\n    uint c = rest % parameters[row];\n    rest /= parameters[row];\n");
  for (size_t p = 0; p < places.size(); ++p)
    text += concat("    at_", places[p], " += c * parameters[row + ", p + 1, "u];\n");
  return text + "  }\n";
}

std::string place_index(InputMode mode, const std::string& name, std::string_view element = "i") {
  if (is_strided(mode)) return "at_" + name;
  return mode == InputMode::kSingle ? "offset_" + name : concat("offset_", name, " + ", element);  // kFlat, kCounted
}

std::string result_index(const Layout& layout, size_t i, std::string_view element = "i") {
  return place_index(layout.out_strided ? InputMode::kStrided : InputMode::kFlat, out_place(i), element);
}

// Input |k|, a number, which begins at word |at| where numbers lie in the buffer.
std::string number_text(Dtype type, size_t k, const Layout& layout, uint32_t& at) {
  std::string name = numbered("literal", k);
  const uint32_t words = number_words(type);
  if (layout.numbers_in_buffer) {
    if (words > 1)
      name = concat(number_type(type), "(");
    else
      name.clear();
    for (uint32_t word = 0; word < words; ++word) name += concat(word > 0 ? ", " : "", "parameters[", at++, "]");
    if (words > 1) name += ")";
  }
  return value_of_bits(type, name, name);
}

// The block's lines, where |words| hold the elements of its tensor inputs.
template <typename Words>
WrittenBlock block_lines(ShaderBuilder& shader, const scalar::Block& block, const Layout& layout, Words words) {
  std::vector<std::string> inputs;
  const std::vector<Dtype> types = input_types(block);
  uint32_t number = 0;
  for (size_t k = 0; k < types.size(); ++k) {
    const InputMode mode = layout.inputs[k];
    if (mode == InputMode::kLiteral)
      inputs.push_back(number_text(types[k], k, layout, number));
    else if (is_read(mode))
      inputs.push_back(shader.load(types[k], words(k)));
    else
      inputs.push_back(shader.convert(Dtype::u32, types[k], "(" + place_index(mode, numbered("in", k)) + ")"));
  }
  return write_block(shader, block, inputs);
}

// Whether a value depends on the element, by number.
std::vector<bool> varying(const scalar::Block& block, const Layout& layout) {
  std::vector<bool> varies;
  size_t input = 0;
  for (const scalar::Value& value : block.values()) {
    const InputMode mode = value.kind == scalar::ValueKind::kInput ? layout.inputs[input++] : InputMode::kLiteral;
    varies.push_back((mode != InputMode::kLiteral && mode != InputMode::kSingle) ||
                     std::any_of(value.operands.begin(), value.operands.end(),
                                 [&](scalar::ValueNumber operand) { return varies[operand]; }));
  }
  return varies;
}

std::string first_of_turns(const Layout& layout) {
  return concat("  uint first = (gl_WorkGroupID.x + gl_WorkGroupID.y * gl_NumWorkGroups.x) * (gl_WorkGroupSize.x * ",
                layout.turns, "u) + gl_LocalInvocationID.x;\n");
}

void emit_scalar_main(ShaderBuilder& shader, const scalar::Block& block, const Layout& layout) {
  const WrittenBlock written = block_lines(shader, block, layout, [&layout](size_t k) {
    const std::string name = numbered("in", k);
    return concat(name, "[", place_index(layout.inputs[k], name), "]");
  });
  std::string stores;
  for (size_t i = 0; i < block.results().size(); ++i) {
    const TypedValue& result = written.result(block, i);
    stores += concat("  out", i, "[", result_index(layout, i), "] = ", shader.store(result.type, result.name), ";\n");
  }
  const std::string index = layout.strided() ? index_text(block, layout) : std::string();
  if (layout.turns == 1) {
    shader.body() += element_prologue() + index + written.lines + stores;
    return;
  }
  std::string once, each;
  const std::vector<bool> varies = varying(block, layout);
  for (size_t value = 0; value < varies.size(); ++value) {
    const size_t end = value + 1 < varies.size() ? written.starts[value + 1] : written.lines.size();
    (varies[value] ? each : once) += written.lines.substr(written.starts[value], end - written.starts[value]);
  }
  shader.body() += concat(first_of_turns(layout), once, "  for (uint turn = 0u; turn < ", layout.turns,
                          "u; ++turn) {\n  uint i = first + turn * gl_WorkGroupSize.x;\n  if (i >= count) return;\n",
                          index, each, stores, "  }\n");
}

// The vector kernel's function element(), from words to words, and how it is called. In what is called # stands for the
// component, @ for the turn.
struct VectorCall {
  std::string parameters, arguments;
  std::string reads;   // what moves the inputs, four at a time
  std::string calls;   // what computes four elements of each result
  std::string writes;  // what moves the results

  void add(std::string_view type, std::string_view parameter, std::string_view argument) {
    const char* separator = parameters.empty() ? "" : ", ";
    parameters += concat(separator, type, " ", parameter);
    arguments += concat(separator, argument);
  }
};

std::string replaced(std::string_view text, char mark, std::string_view by) {
  std::string result;
  for (const char c : text)
    if (c == mark)
      result += by;
    else
      result += c;
  return result;
}

// The lines stand in a function, called for each of the four: with one result it returns that.
VectorCall vector_call(ShaderBuilder& shader, const scalar::Block& block, const Layout& layout) {
  VectorCall call;
  const std::vector<Dtype> types = input_types(block);
  for (size_t k = 0; k < types.size(); ++k) {
    if (!is_read(layout.inputs[k])) continue;
    const std::string word = numbered("w", k), place = numbered("in", k);
    const std::string_view type = word_type(types[k]);
    const bool vector = is_vector(layout.inputs[k]);
    const std::string_view moved = vector ? vector_type(type) : type;
    call.add(type, word, concat(word, "@", vector ? ".#" : ""));
    call.reads += concat("  ", moved, " ", word, "@ = ", moved, "(", place, "[",
                         place_index(layout.inputs[k], place, "i@"), "]);\n");
  }
  const WrittenBlock written = block_lines(shader, block, layout, [](size_t k) { return numbered("w", k); });
  const bool returns = block.results().size() == 1;
  std::string assignments;
  for (size_t i = 0; i < block.results().size(); ++i) {
    const TypedValue& result = written.result(block, i);
    const std::string_view type = word_type(result.type), four = vector_type(type),
                           narrow = vector_type(storage_type(result.type));
    const std::string word = shader.word(result.type, result.name), name = numbered("e", i);
    if (!returns) call.add(concat("out ", type), numbered("r", i), concat(name, "@.#"));
    assignments += returns ? concat("  return ", word, ";\n") : concat("  r", i, " = ", word, ";\n");
    call.calls += concat("  ", four, " ", name, "@;\n");
    call.writes += concat("  out", i, "[", result_index(layout, i, "i@"),
                          "] = ", narrow == four ? concat(name, "@") : concat(narrow, "(", name, "@)"), ";\n");
  }
  for (const char component : {'x', 'y', 'z', 'w'}) {
    const std::string made = replaced(concat("element(", call.arguments, ");\n"), '#', std::string(1, component));
    call.calls += returns ? concat("  e0@.", std::string(1, component), " = ", made) : concat("  ", made);
  }
  shader.declare(concat(returns ? word_type(written.result(block).type) : "void", " element(", call.parameters, ") {\n",
                        written.lines, assignments, "}\n"));
  return call;
}

// In several turns all that is read is under way before any of it is needed. What is read behind the end is not used.
void emit_vector_main(ShaderBuilder& shader, const scalar::Block& block, const Layout& layout) {
  const VectorCall call = vector_call(shader, block, layout);
  std::string& body = shader.body();
  if (layout.turns == 1) {
    body += element_prologue();
    if (layout.strided()) body += index_text(block, layout);
    body += replaced(call.reads + call.calls + call.writes, '@', "");
    return;
  }
  const auto for_each_turn = [&](const std::string& text) {
    for (uint32_t turn = 0; turn < layout.turns; ++turn) body += replaced(text, '@', concat("_", turn));
  };
  body += first_of_turns(layout);
  for (uint32_t turn = 0; turn < layout.turns; ++turn)
    body += concat("  uint i_", turn, " = first + ", turn, "u * gl_WorkGroupSize.x;\n");
  for_each_turn(call.reads);
  for_each_turn(concat(call.calls, "  if (i@ < count) {\n", call.writes, "  }\n"));
}

}  // namespace

uint32_t number_words(Dtype dtype) {
  switch (dtype_info(dtype).compute) {
    case ComputeType::kI32:
    case ComputeType::kU32:
    case ComputeType::kF32:
      return 1;
    case ComputeType::kC128:
      return 4;
    default:
      return 2;
  }
}

uint32_t number_words(const scalar::Block& block, const SmallList<InputMode, 4>& inputs) {
  uint32_t words = 0;
  const std::vector<Dtype> types = input_types(block);
  for (size_t k = 0; k < types.size(); ++k)
    if (inputs[k] == InputMode::kLiteral) words += number_words(types[k]);
  return words;
}

std::string elementwise_key(const scalar::Block& block, const Layout& layout) {
  static constexpr char kModes[] = {'f', '1', 's', 'l', 'r', 'c', 'd'};
  SmallList<char, 8> marks;
  for (const InputMode mode : layout.inputs) marks.push_back(kModes[static_cast<size_t>(mode)]);
  std::string key = "e ";
  key.reserve(64);
  block.append_text(key, {marks.begin(), marks.size()});
  key += layout.vectors ? " v" : " r";
  key += layout.in_buffer ? 'b' : static_cast<char>('0' + layout.rank);
  if (layout.out_strided) key += 's';
  if (layout.numbers_in_buffer) key += 'n';
  if (layout.turns > 1) key += concat(" x", layout.turns);
  return key;
}

Result<vulkan::KernelSource> emit_elementwise(const scalar::Block& block, const Layout& layout,
                                              const vulkan::DeviceInfo& device) {
  using Access = ShaderBuilder::Access;
  ShaderBuilder shader(device);
  shader.local_size(element_local_size(device));
  const std::vector<Dtype> types = input_types(block);
  const auto buffer = [&](const std::string& name, Dtype type, Access access, bool vector) {
    if (vector)
      shader.vector_buffer(name, type, access);
    else
      shader.buffer(name, type, access);
  };
  for (size_t k = 0; k < types.size(); ++k)
    if (is_read(layout.inputs[k]))
      buffer(numbered("in", k), types[k], Access::kRead, layout.vectors && is_vector(layout.inputs[k]));
  for (size_t i = 0; i < block.results().size(); ++i)
    buffer(numbered("out", i), block.result_type(i), Access::kWrite, layout.vectors);
  if (layout.has_buffer()) shader.buffer("parameters", "uint", Access::kRead);
  declare_parameters(shader, block, layout);
  if (layout.vectors)
    emit_vector_main(shader, block, layout);
  else
    emit_scalar_main(shader, block, layout);
  return shader.build();
}

}  // namespace gpu_node::kernels
