// Expressions between element types, and the assembly of a shader's text.
#include "kernels/glsl/shader_builder.h"

#include <algorithm>

#include "base/concat.h"
#include "base/embedded.h"
#include "kernels/glsl/shader_library.h"
#include "vulkan/driver_quirks.h"

namespace gpu_node::kernels {
namespace {

using enum Dtype;

std::string call(std::string_view function, std::string_view argument) {
  std::string text(function);
  text += '(';
  text += argument;
  return text + ')';
}

const char* find_shader_text(std::string_view name) {
  for (const EmbeddedFile& file : shaders_files())
    if (name == file.name) return file.text;
  return nullptr;
}

bool is_wide_integer(Dtype dtype) { return dtype == s64 || dtype == u64; }
bool is_small_float(Dtype dtype) { return is_float(dtype) && dtype != f32 && dtype != f64; }

// Whether every number of integer type |from| is one of integer type |to|.
bool integer_fits(const DtypeInfo& from, const DtypeInfo& to) {
  if (from.kind == to.kind) return from.bits <= to.bits;
  return from.kind == DtypeKind::kUnsigned && from.bits < to.bits;
}

}  // namespace

std::string parameter_text(uint32_t position, uint32_t words) {
  return fits_push(words) ? concat("p", position) : concat("params[", position, "]");
}

ShaderBuilder::ShaderBuilder(const vulkan::DeviceInfo& device) : device_(device) {}

void ShaderBuilder::local_size(uint32_t x, uint32_t y, uint32_t z) {
  local_[0] = x;
  local_[1] = y;
  local_[2] = z;
}

void ShaderBuilder::use(ComputeType type) {
  if (type == ComputeType::kI64 || type == ComputeType::kU64) use_i64_ = true;
  if (type == ComputeType::kF64 || type == ComputeType::kC128) use_f64_ = true;
}

void ShaderBuilder::use_storage(Dtype dtype) {
  const DtypeInfo& info = dtype_info(dtype);
  use(info.compute);
  if (info.size_bytes == 1) use_8bit_ = true;
  if (info.size_bytes == 2) use_16bit_ = true;
}

void ShaderBuilder::buffer(std::string_view name, Dtype dtype, Access access) {
  use_storage(dtype);
  buffer(name, storage_type(dtype), access);
}

void ShaderBuilder::vector_buffer(std::string_view name, Dtype dtype, Access access) {
  use_storage(dtype);
  buffer(name, vector_type(storage_type(dtype)), access);
}

void ShaderBuilder::buffer(std::string_view name, std::string_view element, Access access) {
  const char* qualifier = access == Access::kRead ? "readonly " : access == Access::kWrite ? "writeonly " : "";
  const std::string binding = concat(buffers_++);
  buffer_text_ += "layout(set = 0, binding = " + binding + ", std430) " + qualifier + "buffer Buffer" + binding +
                  " { " + std::string(element) + " " + std::string(name) + "[]; };\n";
}

void ShaderBuilder::push(std::string_view type, std::string_view name) {
  uint32_t size = 4;
  if (type == "ivec2" || type == "uvec2" || type == "int64_t" || type == "uint64_t" || type == "double") size = 8;
  if (type == "ivec4" || type == "uvec4") size = 16;
  if (type == "int64_t" || type == "uint64_t") use_i64_ = true;
  if (type == "double") use_f64_ = true;
  push_bytes_ = (push_bytes_ + size - 1) / size * size;
  push_text_ += concat("  layout(offset = ", push_bytes_, ") ", type, " ", name, ";\n");
  push_bytes_ += size;
}

void ShaderBuilder::parameters(uint32_t words) {
  if (!fits_push(words)) return buffer("params", "uint", Access::kRead);
  for (uint32_t i = 0; i < words; ++i) push("uint", parameter_text(i, words));
}

void ShaderBuilder::define(std::string_view name, std::string_view value) {
  define_text_ += "#define " + std::string(name) + " " + std::string(value) + "\n";
}

void ShaderBuilder::library(std::string_view name) {
  if (std::find(libraries_.begin(), libraries_.end(), name) == libraries_.end()) libraries_.emplace_back(name);
}

void ShaderBuilder::math(std::string_view name, Dtype type) {
  if (name != "fmod" || type == f64) use_f64_ = true;
  const Dtype computing = is_complex(type) || type == f64 ? type : f32;
  section(concat("m_", name, ".", dtype_name(computing)));
}

void ShaderBuilder::section(std::string_view name) {
  if (std::find(math_.begin(), math_.end(), name) == math_.end()) math_.emplace_back(name);
}

void ShaderBuilder::use_double_where_supported() { use_f64_ = use_f64_ || device_.has_f64; }

void ShaderBuilder::declare_under(std::span<const Macro> macros, std::initializer_list<std::string_view> names,
                                  std::span<const std::string_view> inner) {
  for (const auto& [name, value] : macros) declarations_ += concat("#define ", name, " ", value, "\n");
  for (const std::string_view name : names) {
    if (const char* piece = find_shader_text(name))
      declarations_ += piece;
    else
      missing_ = name;
  }
  for (const auto& [name, value] : macros) declarations_ += concat("#undef ", name, "\n");
  for (const std::string_view name : inner) declarations_ += concat("#undef ", name, "\n");
}

void ShaderBuilder::declare(std::string_view text) { declarations_ += text; }

std::string ShaderBuilder::load(Dtype dtype, std::string_view element) {
  use(dtype_info(dtype).compute);
  if (is_small_float(dtype)) {
    library("lib/types_float.glsl");
    return call(std::string(dtype_name(dtype)) + "_value", call("uint", element));
  }
  if (storage_type(dtype) == compute_type(dtype)) return std::string(element);
  return call(compute_type(dtype), element);
}

std::string ShaderBuilder::word(Dtype dtype, std::string_view value) {
  use(dtype_info(dtype).compute);
  if (is_small_float(dtype)) {
    library("lib/types_float.glsl");
    return call(std::string(dtype_name(dtype)) + "_bits", value);
  }
  // Narrowing to 8 or 16 bits drops the upper ones.
  return dtype_info(dtype).bits >= 8 ? std::string(value) : round(dtype, value);
}

std::string ShaderBuilder::store(Dtype dtype, std::string_view value) {
  const std::string text = word(dtype, value);
  return storage_type(dtype) == compute_type(dtype) ? text : call(storage_type(dtype), text);
}

std::string ShaderBuilder::round(Dtype dtype, std::string_view value) {
  const DtypeInfo& info = dtype_info(dtype);
  use(info.compute);
  const std::string name(info.name);
  if (is_small_float(dtype)) {
    library("lib/types_float.glsl");
    return call(name + "_value", call(name + "_bits", value));
  }
  if (info.bits >= 32) return std::string(value);
  return concat("bitfieldExtract(", value, ", 0, ", info.bits, ")");
}

std::string ShaderBuilder::convert(Dtype from, Dtype to, std::string_view value) {
  if (from == to) return std::string(value);
  const DtypeInfo& source = dtype_info(from);
  const DtypeInfo& target = dtype_info(to);
  use(source.compute);
  use(target.compute);
  const std::string_view type = compute_type(to);
  if (is_complex(from) || is_complex(to)) return convert_complex(from, to, value);
  if (is_integer(from) && is_integer(to)) {
    std::string text(value);
    // Sign extension first, then the change of sign; a narrower one just drops bits.
    if (is_wide_integer(to) && from != s64 && from != u64) text = call("int64_t", text);
    if (is_wide_integer(from) && !is_wide_integer(to)) text = call(from == s64 ? "int" : "uint", text);
    if (source.compute != target.compute) text = call(type, text);
    return integer_fits(source, target) ? text : round(to, text);
  }
  if (is_integer(from)) {
    if (!is_small_float(to)) return call(type, value);
    // bf16 has the range of f32, so an integer that f32 would round first could be rounded twice.
    const bool exact = source.bits <= 24;
    if (!exact) library("lib/convert.glsl");
    return round(to, call(exact ? "float" : "odd_f32", value));
  }
  if (is_integer(to)) {
    library("lib/convert.glsl");
    static constexpr std::string_view kNames[] = {"_to_i32", "_to_u32", "_to_i64", "_to_u64"};
    std::string text = (from == f64 ? "f64" : "f32") + std::string(kNames[static_cast<size_t>(target.compute)]);
    text += "(" + std::string(value) + ", " + lowest_literal(to) + ", " + highest_literal(to) + ")";
    return round(to, text);
  }
  if (to == f64) {
    section("mi_widen");
    return call("mi_widen", value);
  }
  if (to == f32) return from == f64 ? call("float", value) : std::string(value);
  if (from == f64) return round(to, narrow(from, to, value));
  const bool widens = source.bits == 8 && (to == f16 || to == bf16);
  return widens ? std::string(value) : round(to, value);
}

std::string ShaderBuilder::convert_complex(Dtype from, Dtype to, std::string_view value) {
  const Dtype part = component_type(from), part_to = component_type(to);
  if (!is_complex(to)) return convert(part, to, concat(value, ".x"));
  if (!is_complex(from))
    return concat(compute_type(to), "(", convert(from, part_to, value), ", ", zero_literal(part_to), ")");
  if (part_to == f32) return call("vec2", value);
  section("mi_widen2");
  return call("mi_widen2", value);
}

std::string ShaderBuilder::narrow(Dtype from, Dtype to, std::string_view value) {
  if (from == f64 && is_small_float(to)) {
    library("lib/convert.glsl");
    return call("odd_f32", value);
  }
  return convert(from, computing_type(to), value);
}

Result<vulkan::KernelSource> ShaderBuilder::build() const {
  if (push_bytes_ > kMaxPushBytes)
    return Error{ErrorCode::kInternal, concat("push constants of ", push_bytes_, " bytes exceed ", kMaxPushBytes)};
  if (!missing_.empty()) return Error{ErrorCode::kInternal, "no shader text named " + missing_};
  std::string text = "#version 460\n";
  if (use_8bit_) text += "#extension GL_EXT_shader_8bit_storage : require\n";
  if (use_16bit_) text += "#extension GL_EXT_shader_16bit_storage : require\n";
  if (use_i64_) text += "#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require\n";
  if (use_subgroups_) {
    text += "#extension GL_KHR_shader_subgroup_basic : require\n";
    text += "#extension GL_KHR_shader_subgroup_shuffle : require\n";
  }
  // Without these modes a compiler may assume that no value is NaN, infinite or -0. The last line holds; the module
  // gets what the others ask for afterwards (vulkan/spirv_module.h).
  if (device_.preserves_nan_f32 || (use_f64_ && device_.preserves_nan_f64)) {
    text += "#extension GL_EXT_spirv_intrinsics : require\n";
    const auto mode = [&text](const char* width) {
      text += "spirv_execution_mode(extensions = [\"SPV_KHR_float_controls\"], capabilities = [4466], 4461, ";
      text += width;
      text += ");\n";
    };
    if (device_.preserves_nan_f32) mode("32");
    if (use_f64_ && device_.preserves_nan_f64) mode("64");
  }
  if (use_i64_) text += "#define USE_I64\n";
  if (use_f64_) text += "#define USE_F64\n";
  if (vulkan::fma_rounds_once(device_.driver)) text += "#define FMA_ROUNDS_ONCE\n";
  text += define_text_;
  text += concat("layout(local_size_x = ", local_[0], ", local_size_y = ", local_[1], ", local_size_z = ", local_[2],
                 ") in;\n");
  text += buffer_text_;
  if (!push_text_.empty()) text += "layout(push_constant, std430) uniform Push {\n" + push_text_ + "};\n";
  const std::vector<std::string_view> math(math_.begin(), math_.end());
  text += library_closure(math);
  for (const std::string& name : libraries_) {
    const char* piece = find_shader_text(name);
    if (piece == nullptr) return Error{ErrorCode::kInternal, "no shader text named " + name};
    text += piece;
  }
  text += declarations_;
  text += "void main() {\n" + body_ + "}\n";
  return vulkan::KernelSource{std::move(text), buffers_, push_bytes_, use_subgroups_};
}

}  // namespace gpu_node::kernels
