// The types, constants, decorations and variables of a SPIR-V module, by id. Reads a module once; what it does not
// know it passes over.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace gpu_node::vulkan::spirv {

enum Op : uint32_t {
  kExtension = 10,
  kExtInstImport = 11,
  kEntryPoint = 15,
  kExecutionMode = 16,
  kCapability = 17,
  kTypeBool = 20,
  kTypeInt = 21,
  kTypeFloat = 22,
  kTypeVector = 23,
  kTypeMatrix = 24,
  kTypeArray = 28,
  kTypeRuntimeArray = 29,
  kTypeStruct = 30,
  kTypePointer = 32,
  kConstant = 43,
  kConstantComposite = 44,
  kSpecConstant = 50,
  kSpecConstantComposite = 51,
  kFunction = 54,
  kFunctionCall = 57,
  kVariable = 59,
  kAccessChain = 65,
  kInBoundsAccessChain = 66,
  kDecorate = 71,
  kMemberDecorate = 72,
  kExecutionModeId = 331,
};

enum Decoration : uint32_t {
  kBufferBlock = 3,
  kArrayStride = 6,
  kMatrixStride = 7,
  kBuiltIn = 11,
  kNonWritable = 24,
  kBinding = 33,
  kDescriptorSet = 34,
  kOffset = 35,
};

struct Instruction {
  uint32_t op = 0;
  std::span<const uint32_t> operands;
};

// The text of a literal string at the beginning of |words|.
std::string_view literal_text(std::span<const uint32_t> words);

// Calls |each| with every instruction of |words|; false when one reaches over the end.
template <typename Each>
bool for_each_instruction(std::span<const uint32_t> words, Each each) {
  for (size_t at = 5; at < words.size();) {
    const size_t count = words[at] >> 16;
    if (count == 0 || count > words.size() - at) return false;
    each(Instruction{words[at] & 0xffff, words.subspan(at + 1, count - 1)});
    at += count;
  }
  return words.size() >= 5;
}

class Types {
 public:
  // False when |words| are no module.
  bool read(std::span<const uint32_t> words);

  struct Variable {
    uint32_t id = 0;
    uint32_t storage_class = 0;
    uint32_t type = 0;  // what it points to
  };
  const std::vector<Variable>& variables() const { return variables_; }

  // The decoration's first literal (0 without one) of |id|, or of its member |member|.
  std::optional<uint32_t> decoration(uint32_t id, uint32_t decoration) const;
  std::optional<uint32_t> member_decoration(uint32_t id, uint32_t member, uint32_t decoration) const;

  bool is_struct(uint32_t type) const;
  uint32_t members(uint32_t type) const;
  std::optional<uint32_t> constant(uint32_t id) const;
  // The numbers of a constant vector of three, a specialization constant by its default.
  std::optional<std::array<uint32_t, 3>> constant_vector(uint32_t id) const;
  // How many members the largest struct has, those of its members counted as often as they occur.
  uint64_t most_parts() const { return most_parts_; }

  // The id that is decorated as the built-in |built_in|.
  std::optional<uint32_t> built_in(uint32_t built_in) const;

  // Bytes of a value of |type|, by its decorations where it has some and tightly packed where not; nothing for a type
  // without a size that is known here.
  std::optional<uint64_t> size_bytes(uint32_t type) const;

 private:
  using Operands = std::vector<uint32_t>;
  struct Definition {
    uint32_t op = 0;
    Operands operands;  // after the result's id
    // Of a type; made as it is read, since what it is made of comes before it.
    std::optional<uint64_t> size;
    uint64_t parts = 1;
  };
  const Definition* find(uint32_t id) const;
  void read(const Instruction& instruction);
  uint64_t parts_of(const Definition& made) const;
  std::optional<uint64_t> size_of(uint32_t id, const Definition& made) const;
  uint64_t array_bytes(uint32_t id, const Definition& element, uint32_t length) const;
  std::optional<uint64_t> struct_bytes(uint32_t id, const Operands& members) const;

  std::map<uint32_t, Definition> definitions_;
  std::map<std::pair<uint32_t, uint32_t>, uint32_t> decorations_;
  std::map<std::array<uint32_t, 3>, uint32_t> member_decorations_;
  std::vector<Variable> variables_;
  uint64_t most_parts_ = 0;
};

}  // namespace gpu_node::vulkan::spirv
