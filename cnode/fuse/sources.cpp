#include "fuse/sources.h"

#include <limits>

#include "kernels/view/view.h"

namespace gpu_node::fuse {
namespace {

std::optional<ir::MapSource> counted(const ir::Instruction& iota) {
  const ir::TensorType& type = iota.results[0].type;
  if (element_count(type.shape) > std::numeric_limits<uint32_t>::max()) return std::nullopt;
  IndexMap map = IndexMap::row_major(type.shape);
  if (const std::optional<int64_t>& axis = iota.attributes.as<ir::IotaAttributes>().axis)
    for (int d = 0; d < type.shape.size(); ++d) map.strides[d] = d == *axis ? 1 : 0;
  return ir::Counter{type.dtype, std::move(map)};
}

// A counter that stands still is a number.
ir::MapSource plainest(ir::Counter counter) {
  for (int d = 0; d < counter.map.shape.size(); ++d)
    if (counter.map.shape[d] > 1 && counter.map.strides[d] != 0) return counter;
  return converted({Dtype::s64, counter.map.offset}, counter.type);
}

std::optional<ir::MapSource> viewed(const ir::Instruction& view, const std::optional<ir::MapSource>& of) {
  if (!of || std::holds_alternative<Scalar>(*of)) return of;
  const auto& counter = std::get<ir::Counter>(*of);
  const std::optional<IndexMap> map = kernels::view_of(view, counter.map);
  if (!map) return std::nullopt;
  return plainest({counter.type, *map});
}

}  // namespace

Sources::Sources(const ir::Program& program, const Graph& graph) : sources_(graph.values()) {
  for (uint32_t i = 0; i < program.instructions.size(); ++i) {
    const ir::Instruction& instruction = program.instructions[i];
    std::optional<ir::MapSource>& source = sources_[graph.result(i)];
    if (element_count(instruction.results[0].type.shape) == 0) continue;
    if (instruction.op->code == ir::Code::kIota) {
      source = counted(instruction);
    } else if (instruction.op->code == ir::Code::kConstant) {
      const Scalar& value = instruction.attributes.as<ir::ConstantAttributes>().value;
      source = converted(converted(value, value.dtype), instruction.results[0].type.dtype);
    } else if (instruction.op->family == ir::Family::kView && !instruction.is_literal(0)) {
      const uint32_t operand = graph.number(std::get<ir::ValueName>(instruction.operands[0]));
      if (kernels::is_view(instruction, graph[operand].type->dtype)) source = viewed(instruction, sources_[operand]);
    }
  }
}

}  // namespace gpu_node::fuse
