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

// What a reduction to |result| accumulates.
constexpr Dtype accumulated(Accumulator accumulator, Dtype result) {
  return is_truth(accumulator) ? Dtype::u32 : result;
}

// The type of an Acc's value, and the bytes of its members in buffers of their own (0: it has no second).
std::string_view acc_value_type(Accumulator accumulator, Dtype element);
uint32_t acc_value_bytes(Accumulator accumulator, Dtype element);
uint32_t acc_extra_bytes(Accumulator accumulator, Dtype element);

// The macros of Accs of |element|.
void define_accumulator(Accumulator accumulator, Dtype element, ShaderBuilder& shader);
// Declares Accs of |element| as a struct Acc|suffix| with functions acc_add|suffix| and so on, and the tree that merges
// those of an output (shaders/reduce_tree.glsl), so that a shader may have several kinds. REQUIRES no product of
// complex numbers.
void declare_accumulator(Accumulator accumulator, Dtype element, std::string_view suffix, ShaderBuilder& shader);
// The same without the tree. |products|: acc_product too, where such are of factors (is_compensated).
void declare_plain_accumulator(Accumulator accumulator, Dtype element, std::string_view suffix, bool products,
                               const vulkan::DeviceInfo& device, ShaderBuilder& shader);
// What is accumulated of |value|, a variable or an element of |from|; and what an Acc's result |value| is as a value of
// |result|, not yet rounded.
std::string acc_element_text(Accumulator accumulator, Dtype element, Dtype from, const std::string& value,
                             ShaderBuilder& shader);
std::string acc_outcome_text(Accumulator accumulator, Dtype element, Dtype result, const std::string& value,
                             ShaderBuilder& shader);
// The buffers |name|_value and, where Accs have a second member, |name|_extra.
void declare_acc_buffers(Accumulator accumulator, Dtype element, const std::string& name, ShaderBuilder::Access access,
                         ShaderBuilder& shader);
// The Acc at |at| in those buffers; and the lines that write the variable acc there.
std::string acc_load_text(Accumulator accumulator, Dtype element, const std::string& name, const std::string& at);
std::string acc_store_text(Accumulator accumulator, Dtype element, const std::string& name, const std::string& at);

}  // namespace gpu_node::kernels
