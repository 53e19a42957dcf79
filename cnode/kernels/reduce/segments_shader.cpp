#include "kernels/reduce/segments_shader.h"

#include "base/concat.h"
#include "kernels/glsl/glsl_types.h"
#include "kernels/glsl/position_text.h"
#include "kernels/glsl/shader_builder.h"
#include "kernels/reduce/accumulator_text.h"

namespace gpu_node::kernels {
namespace {

using enum ShaderBuilder::Access;

constexpr auto kSum = Accumulator::kSum;

// The functions that shaders/segments.glsl is told rows by, and tells their sums.
std::string functions(const SegmentsPass& pass, ShaderBuilder& shader) {
  const auto convert = [&](Dtype from, const std::string& element) {
    return shader.convert(from, computing_type(pass.target), shader.load(from, element));
  };
  std::string text = "void take(inout Acc acc, uint at, uint column, uint in_column) {\n";
  if (pass.reads_updates()) {
    const std::string row = pass.data == SegmentsPass::Data::kOrdered ? "order[at]" : "at";
    text += concat("  uint from = P_IN_START + ", row, " * P_IN_STEP + in_column;\n  acc_add(acc, ",
                   convert(pass.update, "updates[from]"), ", at);\n}\n");
  } else {
    text +=
        concat("  acc = acc_merge(acc, ", acc_load_text(kSum, pass.target, "in", "at * P_WIDTH + column"), ");\n}\n");
  }
  text += concat(
      "void put(uint key, uint out_column, Acc acc) {\n  uint to = P_OUT_START + key * P_OUT_STEP + out_column;\n",
      "  acc_add(acc, ", convert(pass.target, "target[to]"),
      ", 0u);\n  target[to] = ", shader.store(pass.target, "acc_result(acc)"), ";\n}\n");
  if (!pass.last)
    text +=
        concat("void put_part(uint part, uint column, uint key, Acc acc) {\n  if (column == 0u) out_key[part] = key;\n",
               acc_store_text(kSum, pass.target, "out", "part * P_WIDTH + column"), "}\n");
  return text;
}

}  // namespace

std::string SegmentsPass::key() const {
  static constexpr char kData[] = {'r', 'o', 'a'};
  std::string key = concat("segments ", std::string(1, kData[static_cast<size_t>(data)]), last ? "l" : "p", " ");
  if (reads_updates()) key += concat(dtype_name(update), " ");
  return concat(key, dtype_name(target), " r", rank);
}

Result<vulkan::KernelSource> SegmentsPass::emit(const vulkan::DeviceInfo& device) const {
  ShaderBuilder shader(device);
  shader.local_size(element_local_size(device));
  shader.use(dtype_info(target).compute);
  shader.buffer("in_key", "uint", kRead);
  if (data == Data::kOrdered) shader.buffer("order", "uint", kRead);
  if (reads_updates())
    shader.buffer("updates", update, kRead);
  else
    declare_acc_buffers(kSum, target, "in", kRead, shader);
  shader.buffer("target", target, kReadWrite);
  if (!last) {
    shader.buffer("out_key", "uint", kWrite);
    declare_acc_buffers(kSum, target, "out", kWrite, shader);
  }
  shader.parameters(words());
  for (uint32_t i = 0; i < kFixed; ++i) shader.define(concat("P_", kNames[i]), parameter_text(i, words()));
  if (data == Data::kRows) shader.define("AS_THEY_LIE");
  if (last) shader.define("LAST");
  define_accumulator(kSum, target, shader);
  shader.library("reduce_accumulators.glsl");
  shader.library("segments.glsl");
  shader.declare(position_function(
      "uvec2", "column_offsets", "uvec2(0u)", rank,
      [this](uint32_t axis) { return parameter_text(axis_at(axis), words()); },
      [this](uint32_t axis) {
        return concat("uvec2(", parameter_text(axis_at(axis) + 1, words()), ", ",
                      parameter_text(axis_at(axis) + 2, words()), ")");
      }));
  shader.declare(functions(*this, shader));
  shader.body() += element_prologue("P_INVOCATIONS") + "  segments_main(i);\n";
  return shader.build();
}

}  // namespace gpu_node::kernels
