// iota, eye, constant: results made from nothing.
#include <limits>

#include "kernels/elementwise/box.h"
#include "kernels/elementwise/emit.h"
#include "kernels/families.h"

namespace gpu_node::kernels {
namespace {

enum class Pattern : uint8_t { kIota, kEye };

// The element's number in the whole result is base + i: in 32 bits where all of them fit, else in 64.
Result<vulkan::KernelSource> emit_pattern(Pattern pattern, Dtype type, bool wide, const vulkan::DeviceInfo& device) {
  ShaderBuilder shader(device);
  shader.local_size(elementwise_local_size(device));
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
Result<Plan> plan_pattern(Pattern pattern, const ir::Instruction& instruction, uint64_t first, uint64_t second,
                          const vulkan::DeviceInfo& device) {
  const ir::TensorType& result = instruction.results[0].type;
  const int64_t count = element_count(result.shape);
  const bool wide = count > std::numeric_limits<uint32_t>::max();
  if (wide) {
    const Dtype index = Dtype::u64;
    GPU_TRY(check_types(instruction.op->name, {&index, 1}, device));
  }
  Box whole{{count}, {{0, {1}, dtype_size_bytes(result.dtype), Binding::Kind::kResult, 0}}};
  GPU_ASSIGN(const std::vector<Box> boxes, cut(std::move(whole), device, instruction.op->name));
  Plan plan;
  for (const Box& box : boxes) {
    Dispatch& dispatch = plan.dispatches.emplace_back();
    dispatch.key =
        std::string(instruction.op->name) + " " + std::string(dtype_name(result.dtype)) + (wide ? " 64" : "");
    dispatch.emit = [pattern, type = result.dtype, wide, &device] { return emit_pattern(pattern, type, wide, device); };
    const Bound out = bind(box.places[0], box.dims, true, device);
    dispatch.bindings.push_back(out.binding);
    PushData push(dispatch);
    const auto base = static_cast<uint64_t>(box.places[0].offset);
    for (uint64_t value : {base, first, second}) {
      if (wide)
        push.add(value);
      else
        push.add(static_cast<uint32_t>(value));
    }
    push.add(static_cast<uint32_t>(box.elements()));
    push.add(out.offset);
    set_grid(dispatch, static_cast<uint64_t>(box.elements()), elementwise_local_size(device), device);
  }
  return plan;
}

}  // namespace

Result<Plan> plan_create(const ir::Instruction& instruction, const vulkan::DeviceInfo& device) {
  const ir::TensorType& result = instruction.results[0].type;
  const ir::Attributes& attributes = instruction.attributes;
  if (instruction.op->code == ir::Code::kConstant)
    return plan_fill(attributes.as<ir::ConstantAttributes>().value, result, device);
  const int rank = result.shape.size();
  if (instruction.op->code == ir::Code::kEye)
    return plan_pattern(Pattern::kEye, instruction, static_cast<uint64_t>(result.shape[rank - 2]),
                        static_cast<uint64_t>(result.shape[rank - 1]), device);
  const std::optional<int64_t>& axis = attributes.as<ir::IotaAttributes>().axis;
  if (!axis)
    return plan_pattern(Pattern::kIota, instruction, 1, static_cast<uint64_t>(element_count(result.shape)), device);
  const int64_t inner = row_major_strides(result.shape)[static_cast<int>(*axis)];
  return plan_pattern(Pattern::kIota, instruction, static_cast<uint64_t>(inner),
                      static_cast<uint64_t>(result.shape[static_cast<int>(*axis)]), device);
}

}  // namespace gpu_node::kernels
