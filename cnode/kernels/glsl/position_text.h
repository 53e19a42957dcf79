// The GLSL that finds elements: a flat index taken apart into one per axis.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace gpu_node::kernels {

using AxisText = std::function<std::string(uint32_t axis)>;

// The lines that take the variable |index| apart over |rank| axes, the last one fastest, and use it up. |line| gives
// the line of an axis whose index is the expression that it is given; |size| an axis's size (that of the first is not
// asked for).
std::string unravel_text(std::string_view index, uint32_t rank, const AxisText& size,
                         const std::function<std::string(uint32_t axis, const std::string& at)>& line);

// "TYPE NAME(uint index)": START plus the sum over |rank| axes, the last one fastest, of stride times index. |size| and
// |stride| give the expressions of an axis; a stride is of TYPE.
std::string position_function(std::string_view type, std::string_view name, std::string_view start, uint32_t rank,
                              const AxisText& size, const AxisText& stride);

}  // namespace gpu_node::kernels
