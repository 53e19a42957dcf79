// Asking for the kernels of a whole message before its first instruction is recorded, so that they compile side by
// side.
#include "service/interpreter.h"

namespace gpu_node::service {
namespace {

using Declared = std::unordered_map<int64_t, const ir::TensorType*>;

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

bool Interpreter::operand_types(const Session& session, const ir::Instruction& instruction, const Declared& declared) {
  types_.clear();
  for (const ir::Operand& operand : instruction.operands) {
    if (const Scalar* scalar = std::get_if<Scalar>(&operand)) {
      types_.push_back({scalar->dtype, {}});
      continue;
    }
    const int64_t name = std::get<ir::ValueName>(operand);
    if (const auto found = declared.find(name); found != declared.end()) {
      types_.push_back(*found->second);
      continue;
    }
    const Handle* handle = find_handle(session, name);
    const auto* tensor = handle ? std::get_if<program::Tensor>(handle) : nullptr;
    if (!tensor) return false;
    types_.push_back(tensor->type());
  }
  return true;
}

void Interpreter::prefetch(const Session& session, std::span<const Command> commands) {
  if (prefetched_.size() > kMaxSignatures) prefetched_.clear();
  Declared declared;
  for (const Command& command : commands) {
    const auto* instruction = std::get_if<ir::Instruction>(&command);
    if (!instruction) continue;
    if (operand_types(session, *instruction, declared) && prefetched_.insert(signature(*instruction, types_)).second)
      executor_.prefetch(*instruction, types_);
    for (const auto& [name, type] : instruction->results) declared.emplace(name, &type);
  }
}

}  // namespace gpu_node::service
