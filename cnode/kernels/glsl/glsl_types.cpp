// The GLSL side of the dtype table, and what a device must have for each type.
#include "kernels/glsl/glsl_types.h"

#include <limits>

#include "base/concat.h"

namespace gpu_node::kernels {
namespace {

using enum Dtype;

// The integer |value| as a literal of |compute|; the lowest values have no literal of their own in GLSL.
std::string integer_literal(ComputeType compute, int64_t low, uint64_t high, bool is_low) {
  switch (compute) {
    case ComputeType::kI32:
      if (!is_low) return concat(high);
      return low == std::numeric_limits<int32_t>::min() ? "(-2147483647 - 1)" : concat("(", low, ")");
    case ComputeType::kI64:
      return is_low ? "(-9223372036854775807l - 1l)" : concat(high, "l");
    case ComputeType::kU32:
      return is_low ? "0u" : concat(high, "u");
    default:
      return is_low ? "0ul" : concat(high, "ul");
  }
}

std::string end_literal(Dtype dtype, bool is_low) {
  const DtypeInfo& info = dtype_info(dtype);
  if (dtype == f8_e4m3fn) return std::string(is_low ? "(-448.0)" : "448.0");
  if (info.compute == ComputeType::kF32)
    return std::string("uintBitsToFloat(") + (is_low ? "0xff800000u)" : "0x7f800000u)");
  if (info.compute == ComputeType::kF64)
    return std::string("packDouble2x32(uvec2(0u, ") + (is_low ? "0xfff00000u))" : "0x7ff00000u))");
  const int value_bits = info.kind == DtypeKind::kSigned ? info.bits - 1 : info.bits;
  const uint64_t high = value_bits == 64 ? std::numeric_limits<uint64_t>::max() : (uint64_t{1} << value_bits) - 1;
  return integer_literal(info.compute, -static_cast<int64_t>(high) - 1, high, is_low);
}

Error unsupported(std::string_view op, Dtype dtype, std::string_view why, const vulkan::DeviceInfo& device) {
  return {ErrorCode::kUnsupported, std::string(op) + ": type " + std::string(dtype_name(dtype)) + " " +
                                       std::string(why) + " (device " + device.name + ")"};
}

}  // namespace

std::string_view storage_type(Dtype dtype) {
  switch (dtype) {
    case s2:
    case s4:
    case s8:
      return "int8_t";
    case u2:
    case u4:
    case u8:
    case f8:
    case f8_e4m3fn:
      return "uint8_t";
    case s16:
      return "int16_t";
    case u16:
    case f16:
    case bf16:
      return "uint16_t";
    default:
      return compute_type(dtype);
  }
}

std::string_view word_type(Dtype dtype) {
  if (storage_type(dtype) == compute_type(dtype)) return compute_type(dtype);
  return dtype_info(dtype).kind == DtypeKind::kSigned ? "int" : "uint";
}

std::string_view vector_type(std::string_view scalar) {
  static constexpr std::pair<std::string_view, std::string_view> kVectors[] = {
      {"int8_t", "i8vec4"}, {"uint8_t", "u8vec4"}, {"int16_t", "i16vec4"}, {"uint16_t", "u16vec4"},
      {"int", "ivec4"},     {"uint", "uvec4"},     {"int64_t", "i64vec4"}, {"uint64_t", "u64vec4"},
      {"float", "vec4"},    {"double", "dvec4"},   {"vec2", "mat4x2"},     {"dvec2", "dmat4x2"},
  };
  for (const auto& [one, four] : kVectors)
    if (one == scalar) return four;
  return "";
}

std::string_view compute_type(Dtype dtype) {
  switch (dtype_info(dtype).compute) {
    case ComputeType::kI32:
      return "int";
    case ComputeType::kU32:
      return "uint";
    case ComputeType::kI64:
      return "int64_t";
    case ComputeType::kU64:
      return "uint64_t";
    case ComputeType::kF32:
      return "float";
    case ComputeType::kF64:
      return "double";
    case ComputeType::kC64:
      return "vec2";
    case ComputeType::kC128:
      return "dvec2";
  }
  return "";
}

Result<void> check_types(std::string_view op, std::span<const Dtype> dtypes, const vulkan::DeviceInfo& device) {
  for (Dtype dtype : dtypes) {
    const DtypeInfo& info = dtype_info(dtype);
    if (info.size_bytes == 1 && !device.has_8bit_storage)
      return unsupported(op, dtype, "needs 8-bit storage (storageBuffer8BitAccess), which the device lacks", device);
    if (info.size_bytes == 2 && !device.has_f16_storage)
      return unsupported(op, dtype, "needs 16-bit storage (storageBuffer16BitAccess), which the device lacks", device);
    if ((dtype == f64 || dtype == c128) && !device.has_f64)
      return unsupported(op, dtype, "needs 64-bit floats (shaderFloat64), which the device lacks", device);
    if ((dtype == s64 || dtype == u64) && !device.has_i64)
      return unsupported(op, dtype, "needs 64-bit integers (shaderInt64), which the device lacks", device);
  }
  return {};
}

std::string zero_literal(Dtype dtype) {
  switch (dtype_info(dtype).compute) {
    case ComputeType::kI32:
      return "0";
    case ComputeType::kU32:
      return "0u";
    case ComputeType::kI64:
      return "0l";
    case ComputeType::kU64:
      return "0ul";
    case ComputeType::kF32:
      return "0.0";
    case ComputeType::kF64:
      return "0.0lf";
    case ComputeType::kC64:
      return "vec2(0.0)";
    default:
      return "dvec2(0.0lf)";
  }
}

std::string one_literal(Dtype dtype) {
  if (is_complex(dtype)) return dtype == c64 ? "vec2(1.0, 0.0)" : "dvec2(1.0lf, 0.0lf)";
  std::string literal = zero_literal(dtype);
  literal[0] = '1';
  return literal;
}

std::string lowest_literal(Dtype dtype) { return end_literal(dtype, true); }
std::string highest_literal(Dtype dtype) { return end_literal(dtype, false); }

}  // namespace gpu_node::kernels
