// Text of elementwise kernels. One line per step, never nested expressions.
#include "kernels/elementwise/emit.h"

#include <algorithm>

#include "base/concat.h"
#include "kernels/elementwise/op_code.h"
#include "kernels/glsl/position_text.h"

namespace gpu_node::kernels {
namespace {

std::string numbered(const char* name, size_t i) { return name + std::to_string(i); }

// Whether a vector kernel reads four neighbours there.
bool is_vector(InputMode mode) { return mode == InputMode::kFlat || mode == InputMode::kStrided; }

// The literal in |push|, a uvec2, as a value of |dtype|.
std::string literal_value(Dtype dtype, const std::string& push) {
  switch (dtype_info(dtype).compute) {
    case ComputeType::kI32:
      return "int(" + push + ".x)";
    case ComputeType::kU32:
      return push + ".x";
    case ComputeType::kI64:
      return "int64_t(packUint2x32(" + push + "))";
    case ComputeType::kU64:
      return "packUint2x32(" + push + ")";
    case ComputeType::kF32:
      return "uintBitsToFloat(" + push + ".x)";
    default:
      return "packDouble2x32(" + push + ")";
  }
}

// Push constants, in this order: count; with a rank: the sizes of coordinates 1...; per tensor input its offset and,
// where strided, a stride per coordinate; the result's offset and, where strided, its strides; per literal two words.
void declare_parameters(ShaderBuilder& shader, const Layout& layout) {
  shader.push("uint", "count");
  for (int d = 1; d < layout.rank; ++d) shader.push("uint", numbered("size", d));
  const auto position = [&](const std::string& name, bool strided) {
    shader.push("uint", "offset_" + name);
    for (int d = 0; strided && d < layout.rank; ++d) shader.push("uint", "stride_" + name + "_" + std::to_string(d));
  };
  for (size_t k = 0; k < layout.inputs.size(); ++k)
    if (layout.inputs[k] != InputMode::kLiteral) position(numbered("in", k), is_strided(layout.inputs[k]));
  position("out", layout.out_strided);
  for (size_t k = 0; k < layout.inputs.size(); ++k)
    if (layout.inputs[k] == InputMode::kLiteral) shader.push("uvec2", numbered("literal", k));
}

// The places whose index depends on coordinates, by name.
std::vector<std::string> strided_places(const Layout& layout) {
  std::vector<std::string> places;
  for (size_t k = 0; k < layout.inputs.size(); ++k)
    if (is_strided(layout.inputs[k])) places.push_back(numbered("in", k));
  if (layout.out_strided) places.emplace_back("out");
  return places;
}

// Coordinates from the element's number, innermost first, then every place's index. Strides are words that wrap, so
// that negative ones work.
std::string index_text(const Layout& layout) {
  const std::vector<std::string> places = strided_places(layout);
  std::string text;
  if (layout.rank > 0) {
    text += "  uint rest = i;\n" +
            unravel_text(
                "rest", static_cast<uint32_t>(layout.rank), [](uint32_t axis) { return numbered("size", axis); },
                [](uint32_t axis, const std::string& at) { return concat("uint c", axis, " = ", at); });
    for (const std::string& place : places) {
      text += "  uint at_" + place + " = offset_" + place;
      for (int d = 0; d < layout.rank; ++d)
        text += " + c" + std::to_string(d) + " * stride_" + place + "_" + std::to_string(d);
      text += ";\n";
    }
    return text;
  }
  // Parameter buffer: rank, then per coordinate from the innermost its size and the stride of every place.
  const std::string row = std::to_string(places.size() + 1) + "u";
  for (const std::string& place : places) text += "  uint at_" + place + " = offset_" + place + ";\n";
  text += "  uint rest = i;\n";
  text += "  for (uint d = 0u; d < parameters[0]; ++d) {\n";
  text += "    uint row = 1u + d * " + row + ";\n    uint c = rest % parameters[row];\n    rest /= parameters[row];\n";
  for (size_t p = 0; p < places.size(); ++p)
    text += "    at_" + places[p] + " += c * parameters[row + " + std::to_string(p + 1) + "u];\n";
  return text + "  }\n";
}

std::string place_index(InputMode mode, const std::string& name) {
  if (is_strided(mode)) return "at_" + name;
  return mode == InputMode::kSingle ? "offset_" + name : "offset_" + name + " + i";
}

// The steps' lines over |values|, which has the inputs and gets every step's value. The last one is not rounded: the
// store does that.
std::string step_lines(ShaderBuilder& shader, const ScalarProgram& program, std::vector<TypedValue>& values) {
  std::string text;
  for (const ScalarProgram::Step& step : program.steps) {
    std::vector<TypedValue> operands;
    for (uint8_t value : step.values) operands.push_back(values[value]);
    std::string expression = op_expression(shader, *step.op, step.type, operands);
    if (&step != &program.steps.back()) expression = shader.round(step.type, expression);
    const std::string name = numbered("v", values.size());
    text += "  " + std::string(compute_type(step.type)) + " " + name + " = " + expression + ";\n";
    values.push_back({step.type, name});
  }
  return text;
}

// The line that defines input |k| as a value: from |word|, which holds its element, or from the push constants.
std::string input_line(ShaderBuilder& shader, const ScalarProgram& program, const Layout& layout, size_t k,
                       const std::string& word) {
  const Dtype dtype = program.inputs[k];
  shader.use(dtype_info(dtype).compute);
  const std::string value =
      layout.inputs[k] == InputMode::kLiteral ? literal_value(dtype, numbered("literal", k)) : shader.load(dtype, word);
  return "  " + std::string(compute_type(dtype)) + " " + numbered("v", k) + " = " + value + ";\n";
}

std::vector<TypedValue> input_values(const ScalarProgram& program) {
  std::vector<TypedValue> values;
  values.reserve(program.inputs.size());
  for (size_t k = 0; k < program.inputs.size(); ++k) values.push_back({program.inputs[k], numbered("v", k)});
  return values;
}

void emit_scalar_main(ShaderBuilder& shader, const ScalarProgram& program, const Layout& layout) {
  shader.body() += element_prologue();
  if (layout.strided()) shader.body() += index_text(layout);
  for (size_t k = 0; k < program.inputs.size(); ++k) {
    const std::string name = numbered("in", k);
    shader.body() += input_line(shader, program, layout, k, name + "[" + place_index(layout.inputs[k], name) + "]");
  }
  std::vector<TypedValue> values = input_values(program);
  shader.body() += step_lines(shader, program, values);
  const std::string at = place_index(layout.out_strided ? InputMode::kStrided : InputMode::kFlat, "out");
  shader.body() += "  out0[" + at + "] = " + shader.store(values.back().type, values.back().name) + ";\n";
}

// The steps stand in a function from words to a word, called for each of the four.
void emit_vector_main(ShaderBuilder& shader, const ScalarProgram& program, const Layout& layout) {
  const Dtype type = program.steps.back().type;
  const std::string out_word(word_type(type));
  std::string parameters, lines, moves, arguments;
  for (size_t k = 0; k < program.inputs.size(); ++k) {
    const std::string word = numbered("w", k);
    lines += input_line(shader, program, layout, k, word);
    if (layout.inputs[k] == InputMode::kLiteral) continue;
    const std::string name(word_type(program.inputs[k]));
    const bool vector = is_vector(layout.inputs[k]);
    const std::string moved = vector ? std::string(vector_type(name)) : name;
    parameters += (parameters.empty() ? "" : ", ") + name + " " + word;
    arguments += (arguments.empty() ? "" : ", ") + word + (vector ? ".#" : "");
    const std::string place = numbered("in", k);
    moves +=
        "  " + moved + " " + word + " = " + moved + "(" + place + "[" + place_index(layout.inputs[k], place) + "]);\n";
  }
  std::vector<TypedValue> values = input_values(program);
  lines += step_lines(shader, program, values);
  shader.declare(out_word + " element(" + parameters + ") {\n" + lines + "  return " +
                 shader.word(type, values.back().name) + ";\n}\n");
  std::string calls;
  for (const char component : {'x', 'y', 'z', 'w'}) {
    std::string own = arguments;
    for (size_t at = own.find('#'); at != std::string::npos; at = own.find('#')) own[at] = component;
    calls += (calls.empty() ? "element(" : ", element(") + own + ")";
  }
  const std::string narrow(vector_type(storage_type(type)));
  const std::string wide(vector_type(out_word));
  const std::string value = wide + "(" + calls + ")";
  shader.body() += element_prologue();
  if (layout.strided()) shader.body() += index_text(layout);
  const std::string at = place_index(layout.out_strided ? InputMode::kStrided : InputMode::kFlat, "out");
  shader.body() += moves + "  out0[" + at + "] = " + (narrow == wide ? value : narrow + "(" + value + ")") + ";\n";
}

}  // namespace

uint32_t elementwise_local_size(const vulkan::DeviceInfo& device) {
  return std::min<uint32_t>(256, device.max_workgroup_invocations);
}

std::string element_prologue() {
  return "  uint i = gl_GlobalInvocationID.x + gl_GlobalInvocationID.y * (gl_NumWorkGroups.x * gl_WorkGroupSize.x);\n"
         "  if (i >= count) return;\n";
}

std::string elementwise_key(const ScalarProgram& program, const Layout& layout) {
  static constexpr char kModes[] = {'f', '1', 's', 'l', 'r'};
  std::string key = "e";
  key.reserve(64);
  for (size_t k = 0; k < program.inputs.size(); ++k) {
    key += ' ';
    key += dtype_name(program.inputs[k]);
    key += '.';
    key += kModes[static_cast<size_t>(layout.inputs[k])];
  }
  for (const ScalarProgram::Step& step : program.steps) {
    key += ' ';
    key += step.op->name;
    for (uint8_t value : step.values) {
      key += ',';
      if (value >= 10) key += static_cast<char>('0' + value / 10);
      key += static_cast<char>('0' + value % 10);
    }
    key += ':';
    key += dtype_name(step.type);
  }
  key += layout.vectors ? " v" : " r";
  key += layout.in_buffer ? 'b' : static_cast<char>('0' + layout.rank);
  if (layout.out_strided) key += 's';
  return key;
}

Result<vulkan::KernelSource> emit_elementwise(const ScalarProgram& program, const Layout& layout,
                                              const vulkan::DeviceInfo& device) {
  using Access = ShaderBuilder::Access;
  ShaderBuilder shader(device);
  shader.local_size(elementwise_local_size(device));
  for (size_t k = 0; k < program.inputs.size(); ++k) {
    if (layout.inputs[k] == InputMode::kLiteral) continue;
    if (layout.vectors && is_vector(layout.inputs[k]))
      shader.vector_buffer(numbered("in", k), program.inputs[k], Access::kRead);
    else
      shader.buffer(numbered("in", k), program.inputs[k], Access::kRead);
  }
  const Dtype type = program.steps.back().type;
  if (layout.vectors)
    shader.vector_buffer("out0", type, Access::kWrite);
  else
    shader.buffer("out0", type, Access::kWrite);
  if (layout.in_buffer) shader.buffer("parameters", "uint", Access::kRead);
  declare_parameters(shader, layout);
  if (layout.vectors)
    emit_vector_main(shader, program, layout);
  else
    emit_scalar_main(shader, program, layout);
  return shader.build();
}

}  // namespace gpu_node::kernels
