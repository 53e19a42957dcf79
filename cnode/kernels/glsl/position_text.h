// The GLSL that finds elements: an invocation's number, and that taken apart into an index per axis.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "vulkan/device_info.h"

namespace gpu_node::kernels {

// Invocations of a workgroup of kernels in which each has a number of its own.
uint32_t element_local_size(const vulkan::DeviceInfo& device);

// The opening of main of such a kernel: `uint i`, the number; returns where it is not below |count|.
std::string element_prologue(std::string_view count = "count");

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
