#include "vulkan/spirv_interface.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/concat.h"
#include "vulkan/spirv_types.h"

namespace gpu_node::vulkan {
namespace {

using spirv::Types;

constexpr uint32_t kGlCompute = 5;
constexpr uint64_t kMaxParts = 65'536;
constexpr uint64_t kMaxCalls = 65'536;
constexpr uint32_t kMaxBindings = 64;  // bits of ShaderInterface::written

enum StorageClass : uint32_t {
  kInput = 1,
  kUniform = 2,
  kWorkgroup = 4,
  kPrivate = 6,
  kFunction = 7,
  kPushConstant = 9,
  kStorageBuffer = 12,
};

enum ExecutionMode : uint32_t {
  kLocalSize = 17,
  kSignedZeroInfNanPreserve = 4461,
  kRoundingModeRte = 4462,
};

constexpr uint32_t kWorkgroupSize = 25;  // a built-in

// Extensions that are part of Vulkan 1.2; what they allow besides is a matter of capabilities.
constexpr std::string_view kExtensions[] = {"SPV_KHR_storage_buffer_storage_class", "SPV_KHR_float_controls",
                                            "SPV_KHR_16bit_storage", "SPV_KHR_8bit_storage"};

Error wrong(std::string what) { return {ErrorCode::kCompileFailed, "SPIR-V module: " + std::move(what)}; }
Error beyond(std::string what) { return {ErrorCode::kUnsupported, "SPIR-V module: " + std::move(what)}; }

class Inspector {
 public:
  Inspector(std::span<const uint32_t> words, const ShaderRules& rules) : words_(words), rules_(rules) {}

  Result<ShaderInterface> inspect() {
    if (!types_.read(words_)) return wrong("an instruction reaches over the end");
    // The specification reserves it, the validator ignores it, and Mesa ends over it.
    if (words_[4] != 0) return wrong(concat("the header's last word is ", words_[4], ", not 0"));
    Result<void> outcome;
    spirv::for_each_instruction(words_, [&](const spirv::Instruction& instruction) {
      if (outcome.ok()) outcome = check(instruction);
    });
    GPU_TRY(outcome);
    if (entry_points_ != 1) return wrong(concat(entry_points_, " entry points, one is expected"));
    GPU_TRY(check_local_size());
    GPU_TRY(check_calls());
    for (const Types::Variable& variable : types_.variables()) GPU_TRY(check(variable));
    if (shared_bytes_ > rules_.shared_memory_bytes)
      return beyond(concat(shared_bytes_, " bytes of shared memory, the device has ", rules_.shared_memory_bytes));
    return found_;
  }

 private:
  Result<void> check(const spirv::Instruction& instruction) {
    const std::span<const uint32_t> operands = instruction.operands;
    switch (instruction.op) {
      case spirv::kCapability:
        if (operands.empty() || std::ranges::find(rules_.capabilities, operands[0]) == rules_.capabilities.end())
          return beyond(
              concat("capability ", operands.empty() ? "?" : concat(operands[0]), " is none that this node enables"));
        return {};
      case spirv::kExtension: {
        const std::string_view name = spirv::literal_text(operands);
        if (std::ranges::find(kExtensions, name) == std::end(kExtensions))
          return beyond("extension " + std::string(name) + " is none that this node enables");
        return {};
      }
      case spirv::kExtInstImport: {
        const std::string_view name = operands.empty() ? "" : spirv::literal_text(operands.subspan(1));
        if (name != "GLSL.std.450")
          return beyond("instruction set " + std::string(name) + ", only GLSL.std.450 is taken");
        return {};
      }
      case spirv::kEntryPoint:
        ++entry_points_;
        if (operands.size() < 3 || operands[0] != kGlCompute) return wrong("an entry point that is no compute shader");
        if (spirv::literal_text(operands.subspan(2)) != "main") return wrong("an entry point not called main");
        return {};
      case spirv::kExecutionMode:
        return check_mode(operands);
      case spirv::kExecutionModeId:
        return beyond("an execution mode by id");
      default:
        return {};
    }
  }

  Result<void> check_mode(std::span<const uint32_t> operands) {
    if (operands.size() == 5 && operands[1] == kLocalSize) {
      std::copy_n(operands.begin() + 2, 3, local_size_.begin());
      return {};
    }
    if (operands.size() == 3 && (operands[1] == kSignedZeroInfNanPreserve || operands[1] == kRoundingModeRte)) {
      const auto& has =
          operands[1] == kRoundingModeRte ? rules_.float_modes.round_to_even : rules_.float_modes.preserve;
      const uint32_t width = operands[2];
      if (width == 16 || width == 32 || width == 64)
        if (has[width / 32]) return {};
    }
    return beyond(
        concat("execution mode ", operands.size() < 2 ? "?" : concat(operands[1]), " is none that the device takes"));
  }

  Result<void> check_local_size() {
    if (const auto decorated = types_.built_in(kWorkgroupSize)) {
      const auto values = types_.constant_vector(*decorated);
      if (!values) return wrong("a workgroup size that is no constant");
      local_size_ = *values;
    }
    uint64_t invocations = 1;
    for (size_t i = 0; i < 3; ++i) {
      if (local_size_[i] == 0 || local_size_[i] > rules_.max_local_size[i])
        return beyond(concat("a workgroup of ", local_size_[i], " in dimension ", i, ", the device has 1 to ",
                             rules_.max_local_size[i]));
      invocations *= local_size_[i];
    }
    if (invocations > rules_.max_invocations)
      return beyond(
          concat("a workgroup of ", invocations, " invocations, the device has at most ", rules_.max_invocations));
    return {};
  }

  // Drivers put functions where they are called, again and again.
  Result<void> check_calls() {
    std::map<uint32_t, std::vector<uint32_t>> callees;
    uint32_t function = 0;
    spirv::for_each_instruction(words_, [&](const spirv::Instruction& instruction) {
      if (instruction.op == spirv::kFunction && instruction.operands.size() > 1) function = instruction.operands[1];
      if (instruction.op == spirv::kFunctionCall && instruction.operands.size() > 2)
        callees[function].push_back(instruction.operands[2]);
    });
    // Callees first; the validator knows that nothing calls itself, and a function that is being counted counts once.
    std::map<uint32_t, uint64_t> expanded;
    std::vector<std::pair<uint32_t, size_t>> open;
    for (const auto& [id, called] : callees) {
      open.emplace_back(id, 0);
      while (!open.empty()) {
        auto& [at, next] = open.back();
        const std::vector<uint32_t>& list = callees[at];
        if (next == 0 && expanded.contains(at)) {
          open.pop_back();
        } else if (next < list.size()) {
          const uint32_t callee = list[next++];
          if (next == 1) expanded[at] = 0;
          if (!expanded.contains(callee)) open.emplace_back(callee, 0);
        } else {
          uint64_t calls = 0;
          for (const uint32_t callee : list) calls = std::min(kMaxCalls + 1, calls + 1 + expanded[callee]);
          if (calls > kMaxCalls)
            return wrong(concat("more than ", kMaxCalls, " calls of functions once all are put in place"));
          expanded[at] = calls;
          open.pop_back();
        }
      }
    }
    return {};
  }

  Result<void> check(const Types::Variable& variable) {
    switch (variable.storage_class) {
      case kPrivate:
      case kFunction:
        return {};
      case kInput:
        if (types_.decoration(variable.id, spirv::kBuiltIn)) return {};
        return wrong("an input that is not built in");
      case kWorkgroup: {
        const auto bytes = types_.size_bytes(variable.type);
        if (!bytes) return wrong("shared memory of a size that is no constant");
        shared_bytes_ += std::min<uint64_t>(*bytes, UINT32_MAX);
        return {};
      }
      case kPushConstant:
        return check_push(variable);
      case kUniform:
        if (!types_.decoration(variable.type, spirv::kBufferBlock)) return wrong("a uniform buffer");
        return check_buffer(variable);
      case kStorageBuffer:
        return check_buffer(variable);
      default:
        return wrong(concat("a variable of storage class ", variable.storage_class,
                            ": only storage buffers, push constants and shared memory are bound"));
    }
  }

  Result<void> check_push(const Types::Variable& variable) {
    const auto bytes = types_.size_bytes(variable.type);
    if (!bytes) return wrong("push constants of a size that is no constant");
    if (*bytes > rules_.max_push_bytes)
      return beyond(concat(*bytes, " bytes of push constants, the device has at most ", rules_.max_push_bytes));
    found_.push_bytes = std::max(found_.push_bytes, static_cast<uint32_t>((*bytes + 3) / 4 * 4));
    return {};
  }

  Result<void> check_buffer(const Types::Variable& variable) {
    if (!types_.is_struct(variable.type)) return wrong("an array of buffers");
    const auto set = types_.decoration(variable.id, spirv::kDescriptorSet);
    const auto binding = types_.decoration(variable.id, spirv::kBinding);
    if (!set || !binding) return wrong("a buffer without a set and a binding");
    if (*set != 0) return beyond(concat("descriptor set ", *set, ", only set 0 is bound"));
    const uint32_t most = std::min(rules_.max_buffers, kMaxBindings);
    if (*binding >= most) return beyond(concat("binding ", *binding, ", the device binds 0 to ", most - 1));
    found_.buffers = std::max(found_.buffers, *binding + 1);
    if (!read_only(variable)) found_.written |= uint64_t{1} << *binding;
    return {};
  }

  bool read_only(const Types::Variable& variable) const {
    if (types_.decoration(variable.id, spirv::kNonWritable)) return true;
    const uint32_t members = types_.members(variable.type);
    for (uint32_t i = 0; i < members; ++i)
      if (!types_.member_decoration(variable.type, i, spirv::kNonWritable)) return false;
    return members > 0;
  }

  const std::span<const uint32_t> words_;
  const ShaderRules& rules_;
  Types types_;
  ShaderInterface found_;
  uint32_t entry_points_ = 0;
  std::array<uint32_t, 3> local_size_ = {};
  uint64_t shared_bytes_ = 0;
};

}  // namespace

Result<void> check_nesting(std::span<const uint32_t> words) {
  Types types;
  (void)types.read(words);
  if (types.most_parts() <= kMaxParts) return {};
  return wrong(concat("a struct of more than ", kMaxParts, " members in all"));
}

Result<ShaderInterface> inspect_spirv(std::span<const uint32_t> words, const ShaderRules& rules) {
  return Inspector(words, rules).inspect();
}

}  // namespace gpu_node::vulkan
