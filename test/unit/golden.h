// Texts of kernels against test/golden/*.glsl, which are reviewed by eye. With GPU_NODE_GOLDEN=write the files are
// written anew instead. Library pieces are left out: they are files themselves.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kernels/plan.h"
#include "vulkan/device_info.h"

namespace gpu_node::test {

// A device that has everything, with the limits that Vulkan guarantees or drivers commonly have.
vulkan::DeviceInfo full_device();

// Arguments of |shape|: row-major, and as the transpose of a row-major tensor.
kernels::TensorArg tensor(Dtype dtype, const Shape& shape);
kernels::TensorArg turned(Dtype dtype, const Shape& shape);

// |text|'s version, extensions, macros, buffers and push constants, then what follows the library: all from the line
// with the first of |marks| that it has before main, else main.
std::string without_libraries(const std::string& text, std::initializer_list<std::string_view> marks);

// Compares |text| with test/golden/|file|.glsl, or writes it.
void check_golden(const std::string& file, const std::string& text);

// Plans op |op|, and compares the texts of its dispatches, each behind its key.
struct PlannedKernel {
  const char* file;
  const char* op;
  std::vector<kernels::Arg> operands;
  ir::TensorType result;
  ir::Attributes attributes = {};
  size_t dispatches = 1;
  std::vector<ir::TensorType> more = {};  // results behind the first
};
void check_golden(const PlannedKernel& kernel, std::initializer_list<std::string_view> marks);

}  // namespace gpu_node::test
