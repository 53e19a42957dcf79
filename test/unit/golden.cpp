#include "golden.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>

#include "base/file.h"
#include "source_folder.h"

namespace gpu_node::test {

vulkan::DeviceInfo full_device() {
  vulkan::DeviceInfo info;
  info.name = "test";
  info.has_f16_storage = info.has_8bit_storage = info.has_f64 = info.has_i64 = true;
  info.preserves_nan_f32 = info.preserves_nan_f64 = true;
  info.max_storage_range = 1 << 27;
  info.max_workgroup_invocations = 1024;
  info.shared_memory_bytes = 48 * 1024;
  info.subgroup_size = 32;
  info.has_subgroup_shuffle = true;
  return info;
}

kernels::TensorArg tensor(Dtype dtype, const Shape& shape) { return {dtype, IndexMap::row_major(shape)}; }

kernels::TensorArg turned(Dtype dtype, const Shape& shape) {
  kernels::TensorArg arg = tensor(dtype, shape);
  Dims axes;
  for (int d = shape.size() - 1; d >= 0; --d) axes.push_back(d);
  arg.map = transposed(arg.map, axes);
  return arg;
}

std::string without_libraries(const std::string& text, std::initializer_list<std::string_view> marks) {
  const size_t main = text.find("void main() {");
  REQUIRE(main != std::string::npos);
  // The interface ends with the push constants, or with the last buffer where there are none.
  const size_t push = text.find("layout(push_constant");
  const size_t last = push != std::string::npos ? push : text.rfind("layout(set = 0");
  REQUIRE(last != std::string::npos);
  const size_t end = text.find("};\n", last) + 3;
  size_t own = main;
  for (const std::string_view mark : marks)
    if (const size_t found = text.find(mark, end); found != std::string::npos && found < own) own = found;
  return text.substr(0, end) + text.substr(text.rfind('\n', own) + 1);
}

void check_golden(const std::string& file, const std::string& text) {
  const char* mode = std::getenv("GPU_NODE_GOLDEN");
  const std::string path = source_folder() + "/test/golden/" + file + ".glsl";
  if (mode != nullptr && std::string_view(mode) == "write") {
    REQUIRE(write_file_atomically(path, text).ok());
    return;
  }
  const auto expected = read_file(path, 1 << 20);
  REQUIRE_MESSAGE(expected.ok(), "GPU_NODE_GOLDEN=write makes it");
  CHECK(*expected == text);
}

void check_golden(const PlannedKernel& kernel, std::initializer_list<std::string_view> marks) {
  INFO(kernel.file);
  const vulkan::DeviceInfo device = full_device();
  ir::Instruction instruction;
  instruction.op = ir::find_op(kernel.op);
  instruction.results.push_back({1, kernel.result});
  for (const ir::TensorType& type : kernel.more)
    instruction.results.push_back({1 + static_cast<ir::ValueName>(instruction.results.size()), type});
  instruction.attributes = kernel.attributes;
  const auto made = kernels::plan(instruction, kernel.operands, device);
  REQUIRE(made.ok());
  REQUIRE(made->dispatches.size() == kernel.dispatches);
  std::string text;
  for (const kernels::Dispatch& dispatch : made->dispatches) {
    const auto source = dispatch.emit();
    REQUIRE(source.ok());
    CHECK(source->push_bytes == dispatch.push_bytes);
    CHECK(source->buffers == dispatch.bindings.size());
    text += "// " + dispatch.key + "\n" + without_libraries(source->glsl, marks);
  }
  check_golden(kernel.file, text);
}

}  // namespace gpu_node::test
