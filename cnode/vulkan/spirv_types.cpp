#include "vulkan/spirv_types.h"

#include <algorithm>
#include <cstring>

namespace gpu_node::vulkan::spirv {
namespace {

// No size that matters is larger, and sums and products of two such do not overflow.
constexpr uint64_t kHuge = uint64_t{1} << 40;

uint64_t times(uint64_t a, uint64_t b) { return b != 0 && a > kHuge / b ? kHuge : a * b; }

}  // namespace

std::string_view literal_text(std::span<const uint32_t> words) {
  const auto* text = reinterpret_cast<const char*>(words.data());
  return {text, strnlen(text, words.size_bytes())};
}

bool Types::read(std::span<const uint32_t> words) {
  return for_each_instruction(words, [this](const Instruction& instruction) { read(instruction); });
}

void Types::read(const Instruction& instruction) {
  const std::span<const uint32_t> operands = instruction.operands;
  const auto define = [&](size_t id_at) {
    if (operands.size() <= id_at) return;
    Definition made{instruction.op, {}};
    for (size_t i = 0; i < operands.size(); ++i)
      if (i != id_at) made.operands.push_back(operands[i]);
    made.size = size_of(operands[id_at], made);
    made.parts = parts_of(made);
    most_parts_ = std::max(most_parts_, made.parts);
    definitions_[operands[id_at]] = std::move(made);
  };
  switch (instruction.op) {
    case kTypeBool:
    case kTypeInt:
    case kTypeFloat:
    case kTypeVector:
    case kTypeMatrix:
    case kTypeArray:
    case kTypeRuntimeArray:
    case kTypeStruct:
    case kTypePointer:
      return define(0);
    case kConstant:
    case kConstantComposite:
    case kSpecConstant:
    case kSpecConstantComposite:
      return define(1);
    case kVariable: {
      if (operands.size() < 3) return;
      const Definition* pointer = find(operands[0]);
      const uint32_t type = pointer != nullptr && pointer->operands.size() == 2 ? pointer->operands[1] : 0;
      variables_.push_back({operands[1], operands[2], type});
      return;
    }
    case kDecorate:
      if (operands.size() >= 2) decorations_[{operands[0], operands[1]}] = operands.size() > 2 ? operands[2] : 0;
      return;
    case kMemberDecorate:
      if (operands.size() >= 3)
        member_decorations_[{operands[0], operands[1], operands[2]}] = operands.size() > 3 ? operands[3] : 0;
      return;
    default:
      return;
  }
}

const Types::Definition* Types::find(uint32_t id) const {
  const auto found = definitions_.find(id);
  return found == definitions_.end() ? nullptr : &found->second;
}

std::optional<uint32_t> Types::decoration(uint32_t id, uint32_t decoration) const {
  const auto found = decorations_.find({id, decoration});
  return found == decorations_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<uint32_t> Types::member_decoration(uint32_t id, uint32_t member, uint32_t decoration) const {
  const auto found = member_decorations_.find({id, member, decoration});
  return found == member_decorations_.end() ? std::nullopt : std::optional(found->second);
}

bool Types::is_struct(uint32_t type) const {
  const Definition* made = find(type);
  return made != nullptr && made->op == kTypeStruct;
}

uint32_t Types::members(uint32_t type) const {
  return is_struct(type) ? static_cast<uint32_t>(find(type)->operands.size()) : 0;
}

std::optional<uint32_t> Types::constant(uint32_t id) const {
  const Definition* made = find(id);
  if (made == nullptr || (made->op != kConstant && made->op != kSpecConstant) || made->operands.size() < 2)
    return std::nullopt;
  // The upper word of a wide constant: no length or size that is allowed has one.
  if (made->operands.size() > 2 && made->operands[2] != 0) return UINT32_MAX;
  return made->operands[1];
}

std::optional<std::array<uint32_t, 3>> Types::constant_vector(uint32_t id) const {
  const Definition* made = find(id);
  if (made == nullptr || (made->op != kConstantComposite && made->op != kSpecConstantComposite) ||
      made->operands.size() != 4)
    return std::nullopt;
  std::array<uint32_t, 3> values{};
  for (size_t i = 0; i < 3; ++i) {
    const std::optional<uint32_t> value = constant(made->operands[i + 1]);
    if (!value) return std::nullopt;
    values[i] = *value;
  }
  return values;
}

std::optional<uint32_t> Types::built_in(uint32_t built_in) const {
  for (const auto& [key, value] : decorations_)
    if (key.second == kBuiltIn && value == built_in) return key.first;
  return std::nullopt;
}

std::optional<uint64_t> Types::size_bytes(uint32_t type) const {
  const Definition* made = find(type);
  return made == nullptr ? std::nullopt : made->size;
}

uint64_t Types::parts_of(const Definition& made) const {
  const bool wraps = made.op == kTypeArray || made.op == kTypeRuntimeArray;
  if (made.op != kTypeStruct && !wraps) return 1;
  uint64_t parts = 0;
  for (size_t i = 0; i < (wraps ? std::min<size_t>(made.operands.size(), 1) : made.operands.size()); ++i) {
    const Definition* part = find(made.operands[i]);
    parts = std::min(kHuge, parts + (part == nullptr ? 1 : part->parts));
  }
  return parts;
}

std::optional<uint64_t> Types::size_of(uint32_t id, const Definition& made) const {
  const Operands& operands = made.operands;
  if (made.op == kTypeBool) return 4;
  if ((made.op == kTypeInt || made.op == kTypeFloat) && !operands.empty()) return operands[0] / 8;
  if (made.op == kTypeStruct) return struct_bytes(id, operands);
  if (operands.size() < 2) return std::nullopt;
  const Definition* element = find(operands[0]);
  if (element == nullptr || !element->size) return std::nullopt;
  if (made.op == kTypeVector || made.op == kTypeMatrix) return times(*element->size, operands[1]);
  if (made.op != kTypeArray) return std::nullopt;
  const std::optional<uint32_t> length = constant(operands[1]);
  if (!length) return std::nullopt;
  return array_bytes(id, *element, *length);
}

uint64_t Types::array_bytes(uint32_t id, const Definition& element, uint32_t length) const {
  const std::optional<uint32_t> stride = decoration(id, kArrayStride);
  if (!stride || length == 0) return times(*element.size, length);
  // The columns of a matrix lie apart, by a decoration of the struct around: the stride covers them.
  if (element.op == kTypeMatrix) return times(*stride, length);
  return std::min(kHuge, times(*stride, length - 1) + *element.size);
}

std::optional<uint64_t> Types::struct_bytes(uint32_t id, const Operands& members) const {
  uint64_t end = 0;
  for (uint32_t i = 0; i < members.size(); ++i) {
    const Definition* member = find(members[i]);
    if (member == nullptr || !member->size) return std::nullopt;
    const std::optional<uint32_t> stride = member_decoration(id, i, kMatrixStride);
    const bool apart = stride && member->op == kTypeMatrix;
    const uint64_t bytes = apart ? times(*stride, member->operands[1]) : *member->size;
    const std::optional<uint32_t> offset = member_decoration(id, i, kOffset);
    end = std::min(kHuge, offset ? std::max(end, *offset + bytes) : end + bytes);
  }
  return end;
}

}  // namespace gpu_node::vulkan::spirv
