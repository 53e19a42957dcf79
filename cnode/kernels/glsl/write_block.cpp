#include "kernels/glsl/write_block.h"

#include <algorithm>

#include "base/concat.h"
#include "scalar/op_code.h"

namespace gpu_node::kernels {
namespace {

// Whether an op takes each value, which is then to be a number of its type.
std::vector<bool> operands_of(const scalar::Block& block) {
  std::vector<bool> taken(block.values().size());
  for (const scalar::Value& value : block.values())
    for (const scalar::ValueNumber operand : value.operands) taken[operand] = true;
  return taken;
}

}  // namespace

std::string value_of_bits(Dtype dtype, std::string_view low, std::string_view pair) {
  switch (dtype_info(dtype).compute) {
    case ComputeType::kI32:
      return concat("int(", low, ")");
    case ComputeType::kU32:
      return std::string(low);
    case ComputeType::kI64:
      return concat("int64_t(packUint2x32(", pair, "))");
    case ComputeType::kU64:
      return concat("packUint2x32(", pair, ")");
    case ComputeType::kF32:
      return concat("uintBitsToFloat(", low, ")");
    case ComputeType::kF64:
      return concat("packDouble2x32(", pair, ")");
    case ComputeType::kC64:
      return concat("uintBitsToFloat(", pair, ")");
    default:
      return concat("dvec2(packDouble2x32(", pair, ".xy), packDouble2x32(", pair, ".zw))");
  }
}

uint32_t words_of_number(Dtype type) {
  return static_cast<uint32_t>(std::max(dtype_size_bytes(computing_type(type)), 4)) / 4;
}

std::string parameter_number(Dtype type, uint32_t at, uint32_t words) {
  const std::string low = parameter_text(at, words);
  const uint32_t own = words_of_number(type);
  if (own == 1) return value_of_bits(type, low, low);
  std::string all = low;
  for (uint32_t word = 1; word < own; ++word) all += ", " + parameter_text(at + word, words);
  return value_of_bits(type, low, concat("uvec", own, "(", all, ")"));
}

std::string constant_text(const Scalar& number) {
  const scalar::NumberBits bits = scalar::compute_bits(number);
  const auto words = [](uint64_t pair) {
    return concat(static_cast<uint32_t>(pair), "u, ", static_cast<uint32_t>(pair >> 32), "u");
  };
  return value_of_bits(number.dtype, concat(static_cast<uint32_t>(bits.low), "u"),
                       number.dtype == Dtype::c128 ? concat("uvec4(", words(bits.low), ", ", words(bits.high), ")")
                                                   : concat("uvec2(", words(bits.low), ")"));
}

WrittenBlock write_block(ShaderBuilder& shader, const scalar::Block& block, std::span<const std::string> inputs,
                         std::string_view indent, const ValueName& name) {
  WrittenBlock written;
  written.values.reserve(block.values().size());
  const bool rounds = block.rounding() == scalar::Block::Rounding::kEachStep;
  const std::vector<bool> taken = rounds ? operands_of(block) : std::vector<bool>();
  size_t input = 0;
  std::vector<TypedValue> operands;
  for (const scalar::Value& value : block.values()) {
    const auto number = static_cast<scalar::ValueNumber>(written.values.size());
    shader.use(dtype_info(value.type).compute);
    std::string text;
    if (value.kind == scalar::ValueKind::kInput) {
      text = inputs[input++];
    } else if (value.kind == scalar::ValueKind::kConstant) {
      text = constant_text(scalar::number_of(value.type, value.bits));
    } else {
      operands.clear();
      for (const scalar::ValueNumber operand : value.operands) operands.push_back(written.values[operand]);
      text = op_expression(shader, *value.op, value.type, value.computing, operands);
      if (rounds && taken[number] && scalar::converts_operands(*value.op)) text = shader.round(value.type, text);
    }
    written.starts.push_back(written.lines.size());
    std::string own = name ? name(number) : concat("v", number);
    written.lines += concat(indent, compute_type(value.type), " ", own, " = ", text, ";\n");
    written.values.push_back({value.type, std::move(own)});
  }
  return written;
}

}  // namespace gpu_node::kernels
