// Changes to SPIR-V modules for tests: what a caller could have made, one instruction away from what a compiler did.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "vulkan/spirv_types.h"

namespace gpu_node::test {

using Words = std::vector<uint32_t>;

// The module with every instruction replaced by what |edit| makes of it; nothing: it goes.
inline Words edited(std::span<const uint32_t> words,
                    const std::function<Words(uint32_t op, std::vector<uint32_t> operands)>& edit) {
  Words result(words.begin(), words.begin() + 5);
  vulkan::spirv::for_each_instruction(words, [&](const vulkan::spirv::Instruction& instruction) {
    const Words made = edit(instruction.op, {instruction.operands.begin(), instruction.operands.end()});
    result.insert(result.end(), made.begin(), made.end());
  });
  return result;
}

inline Words instruction(uint32_t op, std::vector<uint32_t> operands) {
  Words words = {static_cast<uint32_t>(operands.size() + 1) << 16 | op};
  words.insert(words.end(), operands.begin(), operands.end());
  return words;
}

// As compilers for Vulkan 1.0 write it: SPIR-V 1.0, storage buffers as uniforms with BufferBlock, and an entry point
// that names only its inputs.
inline Words as_vulkan_1_0(std::span<const uint32_t> words) {
  namespace spirv = vulkan::spirv;
  std::vector<uint32_t> inputs, buffers, blocks, pointers;
  spirv::for_each_instruction(words, [&](const spirv::Instruction& found) {
    if (found.op == spirv::kTypePointer && found.operands[1] == 12) {
      pointers.push_back(found.operands[0]);
      blocks.push_back(found.operands[2]);
    }
    if (found.op == spirv::kVariable && found.operands[2] == 1) inputs.push_back(found.operands[1]);
  });
  const auto holds = [](const std::vector<uint32_t>& list, uint32_t id) {
    return std::find(list.begin(), list.end(), id) != list.end();
  };
  Words result = edited(words, [&](uint32_t op, std::vector<uint32_t> operands) {
    if (op == spirv::kEntryPoint) {
      // The name "main" takes two words.
      operands.erase(
          std::remove_if(operands.begin() + 4, operands.end(), [&](uint32_t id) { return !holds(inputs, id); }),
          operands.end());
    } else if (op == spirv::kTypePointer && operands[1] == 12) {
      operands[1] = 2;
    } else if (op == spirv::kVariable && operands[2] == 12) {
      operands[2] = 2;
    } else if (op == spirv::kDecorate && operands[1] == 2 && holds(blocks, operands[0])) {
      operands[1] = spirv::kBufferBlock;
    }
    return instruction(op, std::move(operands));
  });
  result[1] = 0x00010000;
  return result;
}

}  // namespace gpu_node::test
