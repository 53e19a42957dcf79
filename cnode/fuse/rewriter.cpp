#include "fuse/rewriter.h"

#include <utility>

#include "kernels/view/view.h"

namespace gpu_node::fuse {

Rewriter::Rewriter(const Traced& traced) : program_(traced.program), fresh_(traced.program) {
  for (const ir::Instruction& instruction : program_.instructions) {
    SmallList<ir::ValueName, 4> counted;
    for (const ir::Operand& operand : instruction.operands) {
      const auto* name = std::get_if<ir::ValueName>(&operand);
      if (name == nullptr || std::find(counted.begin(), counted.end(), *name) != counted.end()) continue;
      counted.push_back(*name);
      count(*name);
    }
  }
  for (const ir::ValueName name : program_.outputs) count(name);
}

void Rewriter::count(ir::ValueName name) {
  if (uint32_t* uses = uses_.find(name))
    ++*uses;
  else
    uses_.insert(name, 1);
}

size_t Rewriter::uses(ir::ValueName name) const {
  const uint32_t* uses = uses_.find(name);
  return uses == nullptr ? 0 : *uses;
}

void Rewriter::append(ir::Instruction instruction, uint32_t origin) {
  for (const ir::Definition& result : instruction.results) {
    makers_.erase(result.name);
    makers_.insert(result.name, static_cast<uint32_t>(instructions_.size()));
  }
  instructions_.emplace_back(std::move(instruction));
  origins_.push_back(origin);
}

ir::Definition Rewriter::define(ir::TensorType type) {
  const ir::ValueName name = next_name();
  add_use(name);
  return {name, std::move(type)};
}

ir::Instruction Rewriter::take(ir::ValueName name) {
  std::optional<ir::Instruction>& made = instructions_[*makers_.find(name)];
  return *std::exchange(made, std::nullopt);
}

const ir::Instruction* Rewriter::maker(ir::ValueName name) const {
  const uint32_t* place = makers_.find(name);
  return place == nullptr || !instructions_[*place] ? nullptr : &*instructions_[*place];
}

const ir::TensorType& Rewriter::type(ir::ValueName name) const {
  const ir::Instruction* made = maker(name);
  if (made == nullptr) return program_.inputs[static_cast<size_t>(name)];
  size_t k = 0;
  while (made->results[k].name != name) ++k;
  return made->results[k].type;
}

Traced Rewriter::finish() && {
  Traced traced{{program_.inputs, {}, program_.outputs, {}}, {}};
  for (size_t i = 0; i < instructions_.size(); ++i) {
    if (!instructions_[i]) continue;
    traced.program.instructions.push_back(*std::move(instructions_[i]));
    traced.origins.push_back(origins_[i]);
  }
  return traced;
}

ir::Instruction instruction_of(std::string_view op, std::initializer_list<ir::Operand> operands, ir::Definition result,
                               ir::Attributes attributes) {
  ir::Instruction made;
  made.op = &ir::op_called(op);
  made.operands.append(operands.begin(), operands.end());
  made.attributes = std::move(attributes);
  made.results.push_back(std::move(result));
  return made;
}

bool is_view(const ir::Instruction& instruction) {
  return instruction.op->family == ir::Family::kView && !instruction.is_literal(0) &&
         kernels::is_view(instruction, instruction.results[0].type.dtype);
}

bool is_reshape(const ir::Instruction& instruction) {
  return (instruction.op->code == ir::Code::kReshape || instruction.op->code == ir::Code::kSqueeze) &&
         !instruction.is_literal(0);
}

}  // namespace gpu_node::fuse
