#include "vulkan/spirv_size.h"

#include <limits>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "vulkan/spirv_types.h"

namespace gpu_node::vulkan {
namespace {

struct Function {
  uint64_t own = 0;  // instructions
  std::vector<uint32_t> calls;
  bool summed = false;
};

uint64_t saturating_add(uint64_t a, uint64_t b) {
  return a > std::numeric_limits<uint64_t>::max() - b ? std::numeric_limits<uint64_t>::max() : a + b;
}

// Each function is summed once, however often it is called.
uint64_t whole(std::unordered_map<uint32_t, Function>& functions, uint32_t id) {
  Function& function = functions[id];
  if (function.summed) return function.own;
  function.summed = true;
  uint64_t sum = function.own;
  for (const uint32_t callee : function.calls) sum = saturating_add(sum, whole(functions, callee));
  return functions[id].own = sum;
}

bool is_buffer(uint32_t storage_class) {
  constexpr uint32_t kUniform = 2, kStorageBuffer = 12;
  return storage_class == kUniform || storage_class == kStorageBuffer;
}

bool is_access(uint32_t op) { return op == spirv::kAccessChain || op == spirv::kInBoundsAccessChain; }

}  // namespace

size_t count_functions(std::span<const uint32_t> words) {
  size_t count = 0;
  spirv::for_each_instruction(
      words, [&](const spirv::Instruction& instruction) { count += instruction.op == spirv::kFunction ? 1 : 0; });
  return count;
}

uint64_t inlined_instructions(std::span<const uint32_t> words) {
  std::unordered_map<uint32_t, Function> functions;
  std::vector<uint32_t> entries;
  std::unordered_set<uint32_t> buffers;
  uint32_t current = 0;
  spirv::for_each_instruction(words, [&](const spirv::Instruction& instruction) {
    const std::span<const uint32_t> operands = instruction.operands;
    if (instruction.op == spirv::kEntryPoint && operands.size() > 1) entries.push_back(operands[1]);
    if (instruction.op == spirv::kFunction && operands.size() > 1) current = operands[1];
    if (instruction.op == spirv::kVariable && operands.size() > 2 && is_buffer(operands[2]))
      buffers.insert(operands[1]);
    if (current == 0) return;  // types, constants, decorations
    Function& function = functions[current];
    const bool accesses = is_access(instruction.op) && operands.size() > 2 && buffers.contains(operands[2]);
    function.own += accesses ? kInstructionsOfAccess : 1;
    if (instruction.op == spirv::kFunctionCall && operands.size() > 2) function.calls.push_back(operands[2]);
  });
  uint64_t sum = 0;
  for (const uint32_t entry : entries) sum = saturating_add(sum, whole(functions, entry));
  return sum;
}

}  // namespace gpu_node::vulkan
