// The GLSL of what elements are put in order by (shaders/order_key.glsl): keys made of their bits.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "kernels/glsl/shader_builder.h"
#include "tensor/dtype.h"

namespace gpu_node::kernels {

// Of a key, the bits that tell elements of |element| apart: the lowest.
uint32_t order_key_bits(Dtype element);

// KEY and the functions of order_key.glsl for elements of |element|.
void declare_keys(Dtype element, bool descending, ShaderBuilder& shader);

// A buffer of elements as their bits; one of them as a KEY, and |bits|, a KEY, as one of them.
void declare_bits(std::string_view name, Dtype element, ShaderBuilder::Access access, ShaderBuilder& shader);
std::string bits_text(Dtype element, std::string_view of);
std::string stored_bits_text(Dtype element, std::string_view bits);

}  // namespace gpu_node::kernels
