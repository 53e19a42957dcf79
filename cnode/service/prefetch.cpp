// Asking for the kernels of a whole message or program before its instructions are recorded, so that they compile side
// by side.
#include "kernels/view/view.h"
#include "service/interpreter.h"

namespace gpu_node::service {

// The type of |name| when one of the commands |before| makes it. Most messages have no such operand: only then are
// their results indexed, as far as they were looked at.
const ir::TensorType* Interpreter::declared_type(int64_t name, std::span<const Command> before) {
  for (; declared_commands_ < before.size(); ++declared_commands_)
    if (const auto* instruction = std::get_if<ir::Instruction>(&before[declared_commands_]))
      for (const ir::Definition& result : instruction->results)
        if (!declared_.find(result.name)) declared_.insert(result.name, &result.type);
  const ir::TensorType* const* found = declared_.find(name);
  return found ? *found : nullptr;
}

bool Interpreter::operand_types(const Session& session, const ir::Instruction& instruction,
                                std::span<const Command> before) {
  types_.clear();
  for (const ir::Operand& operand : instruction.operands) {
    if (const Scalar* scalar = std::get_if<Scalar>(&operand)) {
      types_.push_back(ir::OperandType::of(*scalar));
      continue;
    }
    const int64_t name = std::get<ir::ValueName>(operand);
    const Handle* handle = find_handle(session, name);
    if (const auto* tensor = handle ? std::get_if<program::Tensor>(handle) : nullptr) {
      types_.push_back({tensor->dtype, &tensor->map.shape});
    } else if (const ir::TensorType* type = declared_type(name, before)) {
      types_.push_back(ir::OperandType::of(*type));
    } else {
      return false;
    }
  }
  return true;
}

bool Interpreter::prefetch(const Session& session, std::span<const Command> commands, size_t from) {
  declared_.clear();
  declared_commands_ = 0;
  for (size_t i = from; i < commands.size(); ++i) {
    const auto* instruction = std::get_if<ir::Instruction>(&commands[i]);
    if (instruction && operand_types(session, *instruction, commands.first(i)) &&
        !executor_.prefetch(*instruction, types_, running_->kernels))
      return false;
  }
  return true;
}

program::Kernels Interpreter::prefetch(const program::CompiledProgram& program) {
  program::Kernels kernels;
  std::vector<kernels::TensorArg> values;  // by place: as they lie where the inputs are row-major
  for (const ir::TensorType& type : program.types()) values.push_back({type.dtype, IndexMap::row_major(type.shape)});
  std::vector<kernels::Arg> operands;
  for (size_t i = 0; i < program.steps().size(); ++i) {
    const program::CompiledProgram::Step& step = program.steps()[i];
    const ir::Instruction* instruction = program.work()[i].instruction();
    // A loop that is a kernel asks for it when it begins.
    if (step.body != nullptr && step.code == nullptr)
      for (const auto& body : {step.condition, step.body})
        for (vulkan::KernelCache::Pending& kernel : prefetch(*body)) kernels.push_back(std::move(kernel));
    if (step.body != nullptr) continue;
    operands.clear();
    for (size_t k = 0; k < step.operands.size(); ++k) {
      if (step.operands[k] == program::CompiledProgram::kLiteral)
        operands.emplace_back(std::get<Scalar>(instruction->operands[k]));
      else
        operands.emplace_back(values[step.operands[k]]);
    }
    const bool goes_on = std::visit([&](const auto& work) { return executor_.prefetch(work, operands, kernels); },
                                    program.work()[i].work);
    if (!goes_on) break;
    const auto* first = operands.empty() ? nullptr : std::get_if<kernels::TensorArg>(&operands[0]);
    if (instruction == nullptr || first == nullptr || !kernels::is_view(*instruction, first->dtype)) continue;
    if (std::optional<IndexMap> view = kernels::view_of(*instruction, first->map))
      values[step.first_result].map = *std::move(view);
  }
  return kernels;
}

}  // namespace gpu_node::service
