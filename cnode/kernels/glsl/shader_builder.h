// Assembles one compute shader: version, extensions, library pieces, buffers, push constants, declarations, main.
//
// It is asked for expressions (load, store, convert, ...) while the body is written, and adds what those need. REQUIRES
// that check_types accepted every type that is used.
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kernels/glsl/glsl_types.h"
#include "kernels/plan.h"

namespace gpu_node::kernels {

// The expression of parameter |position| of |words|.
std::string parameter_text(uint32_t position, uint32_t words);

class ShaderBuilder {
 public:
  enum class Access : uint8_t { kRead, kWrite, kReadWrite };

  explicit ShaderBuilder(const vulkan::DeviceInfo& device);

  // Invocations of a workgroup (64 at first).
  void local_size(uint32_t x, uint32_t y = 1, uint32_t z = 1);

  // Declares the next binding (0, 1, ...) as an array |name| of |dtype|'s storage type, or of the GLSL type |element|.
  void buffer(std::string_view name, Dtype dtype, Access access);
  void buffer(std::string_view name, std::string_view element, Access access);
  // The same, of vectors of four elements of |dtype|.
  void vector_buffer(std::string_view name, Dtype dtype, Access access);

  // Declares the next member of the push constant block; PushData::add (kernels/plan_builder.h) in the same order fills
  // it. |type| is one of int uint float ivec2 uvec2 ivec4 uvec4 int64_t uint64_t double.
  void push(std::string_view type, std::string_view name);

  // Declares |words| parameters of 32 bits, as PlanBuilder::set_parameters fills them in: members of the push
  // constants, or where they do not fit the next binding. parameter_text() is how they are read.
  void parameters(uint32_t words);

  // The value in buffer element |element| ("in0[i]"), or in a word that holds one.
  std::string load(Dtype dtype, std::string_view element);
  // |value| (a compute expression of |dtype|, not yet rounded) as an element to assign.
  std::string store(Dtype dtype, std::string_view value);
  // The same as a word (word_type), still to be narrowed to the storage type.
  std::string word(Dtype dtype, std::string_view value);
  // |value|, not yet rounded, as a value of |dtype|.
  std::string round(Dtype dtype, std::string_view value);
  // A value of type |from|, a variable or an element, as a value of type |to|, as Nx.as_type/2: float to integer
  // truncates and then wraps, +-Inf gives the ends of the type, NaN 0; integer to integer wraps; to floats it rounds
  // once.
  std::string convert(Dtype from, Dtype to, std::string_view value);
  // The same, but not yet rounded: in |to|'s compute type, from where it rounds to what |value| rounds to.
  std::string narrow(Dtype from, Dtype to, std::string_view value);

  // A kernel whose subgroups are full (KernelSource::full_subgroups), with shuffles.
  void use_subgroups() { use_subgroups_ = true; }
  // Defines a macro for the library pieces.
  void define(std::string_view name, std::string_view value = "");
  // Includes shaders/|name|, once, in the order of first request.
  void library(std::string_view name);
  // Includes the transcendental function m_|name| of |type|'s compute type, float, double or complex
  // (kernels/glsl/shader_library.h). REQUIRES: the device computes f64, but for the fmod of floats.
  void math(std::string_view name, Dtype type);
  // Includes the section |name| of the library of functions and what it needs. Sections stand before the pieces.
  void section(std::string_view name);
  // Says that int64_t/uint64_t or double occur in |type| (buffers, loads and conversions say so themselves): defines
  // USE_I64 or USE_F64 for the library pieces.
  void use(ComputeType type);
  // Defines USE_F64 when the device has doubles, for pieces that compute better with them.
  void use_double_where_supported();
  // Declares the pieces shaders/|names| under |macros|, which end with them, as do |inner|, those that they define: so
  // that one shader may have several of a kind.
  using Macro = std::pair<std::string, std::string>;
  void declare_under(std::span<const Macro> macros, std::initializer_list<std::string_view> names,
                     std::span<const std::string_view> inner);
  // Text between the library pieces and main: shared arrays, constants, functions.
  void declare(std::string_view text);
  // The body of main, indented by the caller; appended to.
  std::string& body() { return body_; }

  // The whole shader. kInternal when a library piece does not exist or the push constants are too large.
  Result<vulkan::KernelSource> build() const;

 private:
  // convert() where one of the types is complex: to a real type the real part.
  std::string convert_complex(Dtype from, Dtype to, std::string_view value);
  void use_storage(Dtype dtype);

  const vulkan::DeviceInfo& device_;
  bool use_8bit_ = false, use_16bit_ = false, use_i64_ = false, use_f64_ = false, use_subgroups_ = false;
  uint32_t local_[3] = {64, 1, 1};
  uint32_t buffers_ = 0;
  uint32_t push_bytes_ = 0;
  std::vector<std::string> libraries_, math_;
  std::string missing_;  // a piece that does not exist
  std::string define_text_, buffer_text_, push_text_, declarations_, body_;
};

}  // namespace gpu_node::kernels
