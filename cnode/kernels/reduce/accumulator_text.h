// What an Acc is in GLSL (shaders/reduce_accumulators.glsl): its macros, its members' types, the buffers that keep it
// between passes.
#pragma once

#include <string>
#include <string_view>

#include "kernels/glsl/shader_builder.h"
#include "kernels/reduce/accumulator.h"
#include "tensor/dtype.h"

namespace gpu_node::kernels {

std::string_view accumulator_name(Accumulator accumulator);

constexpr bool is_arg(Accumulator accumulator) { return accumulator >= Accumulator::kArgMax; }
constexpr bool is_truth(Accumulator accumulator) {
  return accumulator == Accumulator::kAll || accumulator == Accumulator::kAny;
}
// Sums of floats and of complex numbers keep what roundings lose.
inline bool is_compensated(Accumulator accumulator, Dtype element) {
  return accumulator == Accumulator::kSum && !is_integer(element);
}

// The type of an Acc's value, and the bytes of its members in buffers of their own (0: it has no second).
std::string_view acc_value_type(Accumulator accumulator, Dtype element);
uint32_t acc_value_bytes(Accumulator accumulator, Dtype element);
uint32_t acc_extra_bytes(Accumulator accumulator, Dtype element);

// The macros of Accs of |element|.
void define_accumulator(Accumulator accumulator, Dtype element, ShaderBuilder& shader);
// The buffers |name|_value and, where Accs have a second member, |name|_extra.
void declare_acc_buffers(Accumulator accumulator, Dtype element, const std::string& name, ShaderBuilder::Access access,
                         ShaderBuilder& shader);
// The Acc at |at| in those buffers; and the lines that write the variable acc there.
std::string acc_load_text(Accumulator accumulator, Dtype element, const std::string& name, const std::string& at);
std::string acc_store_text(Accumulator accumulator, Dtype element, const std::string& name, const std::string& at);

}  // namespace gpu_node::kernels
