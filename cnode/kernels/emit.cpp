// Text of elementwise kernels. One line per step, never nested expressions.
#include "kernels/emit.h"

#include <algorithm>

#include "kernels/op_code.h"

namespace gpu_node::kernels {
namespace {

std::string numbered(const char* name, size_t i) { return name + std::to_string(i); }

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
    if (layout.inputs[k] != InputMode::kLiteral) position(numbered("in", k), layout.inputs[k] == InputMode::kStrided);
  position("out", layout.out_strided);
  for (size_t k = 0; k < layout.inputs.size(); ++k)
    if (layout.inputs[k] == InputMode::kLiteral) shader.push("uvec2", numbered("literal", k));
}

// The places whose index depends on coordinates, by name.
std::vector<std::string> strided_places(const Layout& layout) {
  std::vector<std::string> places;
  for (size_t k = 0; k < layout.inputs.size(); ++k)
    if (layout.inputs[k] == InputMode::kStrided) places.push_back(numbered("in", k));
  if (layout.out_strided) places.emplace_back("out");
  return places;
}

// Coordinates from the element's number, innermost first, then every place's index. Strides are words that wrap, so
// that negative ones work.
std::string index_text(const Layout& layout) {
  const std::vector<std::string> places = strided_places(layout);
  std::string text;
  if (layout.rank > 0) {
    text += "  uint rest = i;\n";
    for (int d = layout.rank - 1; d > 0; --d) {
      const std::string size = numbered("size", d);
      text += "  uint c" + std::to_string(d) + " = rest % " + size + ";\n  rest /= " + size + ";\n";
    }
    text += "  uint c0 = rest;\n";
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
  if (mode == InputMode::kStrided) return "at_" + name;
  return mode == InputMode::kSingle ? "offset_" + name : "offset_" + name + " + i";
}

}  // namespace

uint32_t elementwise_local_size(const vulkan::DeviceInfo& device) {
  return std::min<uint32_t>(256, device.max_workgroup_invocations);
}

void set_grid(Dispatch& dispatch, uint64_t count, uint32_t local_size, const vulkan::DeviceInfo& device) {
  const uint64_t groups = (count + local_size - 1) / local_size;
  const uint64_t x = std::min<uint64_t>(groups, device.max_groups[0]);
  dispatch.groups[0] = static_cast<uint32_t>(x);
  dispatch.groups[1] = static_cast<uint32_t>((groups + x - 1) / x);
  dispatch.groups[2] = 1;
}

std::string element_prologue() {
  return "  uint i = gl_GlobalInvocationID.x + gl_GlobalInvocationID.y * (gl_NumWorkGroups.x * gl_WorkGroupSize.x);\n"
         "  if (i >= count) return;\n";
}

std::string elementwise_key(const ScalarProgram& program, const Layout& layout) {
  static constexpr char kModes[] = {'f', '1', 's', 'l'};
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
    for (uint32_t value : step.values) {
      key += ',';
      key += static_cast<char>('0' + value % 10);
      if (value >= 10) key += std::to_string(value / 10);
    }
    key += ':';
    key += dtype_name(step.type);
  }
  key += " r";
  key += layout.in_buffer ? 'b' : static_cast<char>('0' + layout.rank);
  if (layout.out_strided) key += 's';
  return key;
}

Result<vulkan::KernelSource> emit_elementwise(const ScalarProgram& program, const Layout& layout,
                                              const vulkan::DeviceInfo& device) {
  ShaderBuilder shader(device);
  shader.local_size(elementwise_local_size(device));
  for (size_t k = 0; k < program.inputs.size(); ++k)
    if (layout.inputs[k] != InputMode::kLiteral)
      shader.buffer(numbered("in", k), program.inputs[k], ShaderBuilder::Access::kRead);
  const Dtype type = program.steps.back().type;
  shader.buffer("out0", type, ShaderBuilder::Access::kWrite);
  if (layout.in_buffer) shader.buffer("parameters", "uint", ShaderBuilder::Access::kRead);
  declare_parameters(shader, layout);

  shader.body() += element_prologue();
  if (layout.strided()) shader.body() += index_text(layout);
  std::vector<TypedValue> values;
  const auto define = [&](Dtype dtype, const std::string& expression) {
    const std::string name = numbered("v", values.size());
    shader.body() += "  " + std::string(compute_type(dtype)) + " " + name + " = " + expression + ";\n";
    values.push_back({dtype, name});
  };
  for (size_t k = 0; k < program.inputs.size(); ++k) {
    const Dtype dtype = program.inputs[k];
    const std::string name = numbered("in", k);
    if (layout.inputs[k] == InputMode::kLiteral) {
      shader.use(dtype_info(dtype).compute);
      define(dtype, literal_value(dtype, numbered("literal", k)));
    } else {
      define(dtype, shader.load(dtype, name + "[" + place_index(layout.inputs[k], name) + "]"));
    }
  }
  for (const ScalarProgram::Step& step : program.steps) {
    std::vector<TypedValue> operands;
    for (uint32_t value : step.values) operands.push_back(values[value]);
    std::string expression = op_expression(shader, *step.op, step.type, operands);
    // The last result is rounded by the store.
    if (&step != &program.steps.back()) expression = shader.round(step.type, expression);
    define(step.type, expression);
  }
  const std::string at = place_index(layout.out_strided ? InputMode::kStrided : InputMode::kFlat, "out");
  shader.body() += "  out0[" + at + "] = " + shader.store(type, values.back().name) + ";\n";
  return shader.build();
}

}  // namespace gpu_node::kernels
