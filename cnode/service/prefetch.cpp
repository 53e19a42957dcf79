// Asking for the kernels of a whole message before its first instruction is recorded, so that they compile side by
// side.
#include "service/interpreter.h"

namespace gpu_node::service {
namespace {

constexpr size_t kMaxSignatures = 1u << 16;

void mix(uint64_t& hash, uint64_t value) { hash = (hash ^ value) * 0x9e3779b97f4a7c15ull, hash ^= hash >> 29; }

uint64_t type_bits(Dtype dtype, int rank) { return static_cast<uint64_t>(dtype) << 8 | static_cast<uint64_t>(rank); }

// Says whether two instructions most likely need the same kernels. A wrong yes costs a compile while recording.
uint64_t signature(const ir::Instruction& instruction, std::span<const ir::TensorType> types) {
  uint64_t hash = instruction.op->index;
  for (const ir::TensorType& type : types) mix(hash, type_bits(type.dtype, type.shape.size()));
  for (const auto& [name, type] : instruction.results) mix(hash, type_bits(type.dtype, type.shape.size()));
  const ir::Attributes& attributes = instruction.attributes;
  mix(hash, static_cast<uint64_t>(attributes.axes.size()) << 2 | static_cast<uint64_t>(attributes.keep_axes) << 1 |
                static_cast<uint64_t>(attributes.tie_high));
  return hash;
}

}  // namespace

// The type of |name| when one of the commands |before| makes it. Most messages have no such operand: only then are
// their results indexed, as far as they were looked at.
const ir::TensorType* Interpreter::declared_type(int64_t name, std::span<const Command> before) {
  for (; declared_commands_ < before.size(); ++declared_commands_)
    if (const auto* instruction = std::get_if<ir::Instruction>(&before[declared_commands_]))
      for (const auto& [made, type] : instruction->results)
        if (!declared_.find(made)) declared_.insert(made, &type);
  const ir::TensorType* const* found = declared_.find(name);
  return found ? *found : nullptr;
}

bool Interpreter::operand_types(const Session& session, const ir::Instruction& instruction,
                                std::span<const Command> before) {
  types_.clear();
  for (const ir::Operand& operand : instruction.operands) {
    if (const Scalar* scalar = std::get_if<Scalar>(&operand)) {
      types_.push_back({scalar->dtype, {}});
      continue;
    }
    const int64_t name = std::get<ir::ValueName>(operand);
    const Handle* handle = find_handle(session, name);
    if (const auto* tensor = handle ? std::get_if<program::Tensor>(handle) : nullptr) {
      types_.push_back({tensor->dtype, tensor->map.shape});
    } else if (const ir::TensorType* type = declared_type(name, before)) {
      types_.push_back(*type);
    } else {
      return false;
    }
  }
  return true;
}

void Interpreter::prefetch(const Session& session, std::span<const Command> commands) {
  if (prefetched_.size() > kMaxSignatures) prefetched_.clear();
  declared_.clear();
  declared_commands_ = 0;
  for (size_t i = 0; i < commands.size(); ++i) {
    const auto* instruction = std::get_if<ir::Instruction>(&commands[i]);
    if (!instruction || !operand_types(session, *instruction, commands.first(i))) continue;
    if (prefetched_.insert(signature(*instruction, types_)).second) executor_.prefetch(*instruction, types_);
  }
}

}  // namespace gpu_node::service
