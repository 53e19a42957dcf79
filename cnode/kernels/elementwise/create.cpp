// iota, eye, constant: results made from nothing.
#include <limits>

#include "kernels/box.h"
#include "kernels/elementwise/block.h"
#include "kernels/elementwise/emit.h"
#include "kernels/families.h"
#include "kernels/glsl/position_text.h"

namespace gpu_node::kernels {
namespace {

enum class Pattern : uint8_t { kIota, kEye };

// The element's number in the whole result is base + i: in 32 bits where all of them fit, else in 64.
Result<vulkan::KernelSource> emit_pattern(Pattern pattern, Dtype type, bool wide, const vulkan::DeviceInfo& device) {
  ShaderBuilder shader(device);
  shader.local_size(element_local_size(device));
  shader.buffer("out0", type, ShaderBuilder::Access::kWrite);
  const std::string word = wide ? "uint64_t" : "uint";
  shader.push(word, "base");
  shader.push(word, "first");
  shader.push(word, "second");
  shader.push("uint", "count");
  shader.push("uint", "offset_out");
  shader.use(dtype_info(type).compute);
  shader.body() += element_prologue();
  shader.body() += "  " + word + " n = base + i;\n";
  std::string value;
  if (pattern == Pattern::kIota) {
    shader.body() += "  " + word + " coordinate = (n / first) % second;\n";
    value = shader.convert(wide ? Dtype::u64 : Dtype::u32, type, "coordinate");
  } else {
    shader.body() += "  bool diagonal = n % second == (n / second) % first;\n";
    value = "(diagonal ? " + one_literal(type) + " : " + zero_literal(type) + ")";
  }
  shader.body() += "  " + std::string(compute_type(type)) + " v0 = " + value + ";\n";
  shader.body() += "  out0[offset_out + i] = " + shader.store(type, "v0") + ";\n";
  return shader.build();
}

// |first| and |second|: iota's elements per step of its axis and the axis' size; eye's rows and columns.
Result<void> append_pattern(Pattern pattern, uint64_t first, uint64_t second, PlanBuilder& plan) {
  const Place& result = plan.result();
  const vulkan::DeviceInfo& device = plan.device();
  const bool wide = element_count(result.map.shape) > std::numeric_limits<uint32_t>::max();
  if (wide) {
    const Dtype index = Dtype::u64;
    GPU_TRY(check_types(plan.op(), {&index, 1}, device));
  }
  Box whole(result.map.shape);
  whole.add(result);
  merge_axes(whole.axes);
  GPU_ASSIGN(const std::vector<Box> boxes, cut(std::move(whole), plan));
  for (const Box& box : boxes) {
    Dispatch dispatch;
    dispatch.key = concat(pattern == Pattern::kIota ? "iota " : "eye ", dtype_name(result.dtype), wide ? " 64" : "");
    dispatch.emit = [pattern, type = result.dtype, wide, &device] { return emit_pattern(pattern, type, wide, device); };
    const Bound out = plan.bind(box.origins[0], box.reach(0), true);
    dispatch.bindings.push_back(out.binding);
    PushData push(dispatch);
    const auto base = static_cast<uint64_t>(box.origins[0].offset);
    for (uint64_t value : {base, first, second}) {
      if (wide)
        push.add(value);
      else
        push.add(static_cast<uint32_t>(value));
    }
    push.add(static_cast<uint32_t>(box.elements()));
    push.add(static_cast<uint32_t>(out.offset));
    plan.set_grid(static_cast<uint64_t>(box.elements()), element_local_size(device), dispatch);
    GPU_TRY(plan.append(std::move(dispatch)));
  }
  return {};
}

}  // namespace

Result<void> plan_create(const ir::Instruction& instruction, std::span<const Arg>, PlanBuilder& plan) {
  const Shape& shape = plan.result().map.shape;
  const ir::Attributes& attributes = instruction.attributes;
  if (instruction.op->code == ir::Code::kConstant)
    return append_fill(attributes.as<ir::ConstantAttributes>().value, plan.result(), plan);
  const int rank = shape.size();
  if (instruction.op->code == ir::Code::kEye)
    return append_pattern(Pattern::kEye, static_cast<uint64_t>(shape[rank - 2]), static_cast<uint64_t>(shape[rank - 1]),
                          plan);
  const std::optional<int64_t>& axis = attributes.as<ir::IotaAttributes>().axis;
  if (!axis) return append_pattern(Pattern::kIota, 1, static_cast<uint64_t>(element_count(shape)), plan);
  const int64_t inner = row_major_strides(shape)[static_cast<int>(*axis)];
  return append_pattern(Pattern::kIota, static_cast<uint64_t>(inner),
                        static_cast<uint64_t>(shape[static_cast<int>(*axis)]), plan);
}

}  // namespace gpu_node::kernels
