#include "fuse/graph.h"

#include <algorithm>

namespace gpu_node::fuse {

bool is_elementwise(const ir::Instruction& instruction) { return ir::is_elementwise(instruction.op->family); }

bool is_concatenation(const ir::Instruction& instruction) { return instruction.op->family == ir::Family::kConcatenate; }

int axis_of(const ir::Instruction& concatenation) {
  return static_cast<int>(concatenation.attributes.as<ir::AxisAttributes>().axis);
}

bool contains(std::span<const uint32_t> list, uint32_t value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

Graph::Graph(const ir::Program& program) {
  const auto define = [this](ir::ValueName name, const ir::TensorType& type, uint32_t maker) {
    numbers_.insert(name, static_cast<uint32_t>(values_.size()));
    values_.push_back({name, &type, maker, false, {}});
  };
  for (size_t i = 0; i < program.inputs.size(); ++i) define(static_cast<ir::ValueName>(i), program.inputs[i], kNone);
  for (uint32_t i = 0; i < program.instructions.size(); ++i) {
    const ir::Instruction& instruction = program.instructions[i];
    for (const ir::Operand& operand : instruction.operands)
      if (const auto* name = std::get_if<ir::ValueName>(&operand)) values_[number(*name)].users.push_back(i);
    first_results_.push_back(static_cast<uint32_t>(values_.size()));
    for (const ir::Definition& result : instruction.results) define(result.name, result.type, i);
  }
  for (const ir::ValueName name : program.outputs) values_[number(name)].is_output = true;
}

FreshNames::FreshNames(const ir::Program& program) {
  for (const ir::Instruction& instruction : program.instructions)
    for (const ir::Definition& result : instruction.results) last_ = std::min(last_, result.name);
}

}  // namespace gpu_node::fuse
