// The GLSL of one small function: where the element of a flat index lies, given sizes and strides as parameters.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace gpu_node::kernels {

// "TYPE NAME(uint index)": START plus the sum over |rank| axes, the last one fastest, of stride times index. |size| and
// |stride| give the expressions of an axis (the first axis's size is not asked for); a stride is of TYPE.
std::string position_function(std::string_view type, std::string_view name, std::string_view start, uint32_t rank,
                              const std::function<std::string(uint32_t)>& size,
                              const std::function<std::string(uint32_t)>& stride);

}  // namespace gpu_node::kernels
