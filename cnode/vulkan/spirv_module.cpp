#include "vulkan/spirv_module.h"

#include <spirv-tools/libspirv.h>

#include <memory>

#include "base/concat.h"

namespace gpu_node::vulkan {
namespace {

constexpr uint32_t kMagic = 0x07230203;
constexpr size_t kHeaderWords = 5;
constexpr uint32_t kVersion14 = 0x00010400;  // from here on float controls are core SPIR-V

enum Opcode : uint32_t {
  kOpEntryPoint = 15,
  kOpExecutionMode = 16,
  kOpCapability = 17,
  kOpTypeFloat = 22,
  kOpDecorate = 71,
};

struct Mode {
  uint32_t capability;
  uint32_t execution_mode;
};
constexpr Mode kPreserve = {4466, 4461};     // SignedZeroInfNanPreserve
constexpr Mode kRoundToEven = {4467, 4462};  // RoundingModeRTE

Error malformed(const char* what) { return {ErrorCode::kCompileFailed, std::string("SPIR-V module: ") + what}; }

struct Scan {
  size_t capabilities_end = kHeaderWords;  // where a capability can be added
  size_t modes_end = 0;                    // where an execution mode can be added
  uint32_t entry_point = 0;
  bool width_used[3] = {};
  std::vector<uint32_t> capabilities;
  std::vector<std::pair<uint32_t, uint32_t>> modes;  // execution mode, width
};

Result<Scan> scan(std::span<const uint32_t> words) {
  if (words.size() < kHeaderWords || words[0] != kMagic) return malformed("no header");
  if (words[1] < kVersion14) return malformed("older than SPIR-V 1.4");
  Scan found;
  for (size_t at = kHeaderWords; at < words.size();) {
    const size_t count = words[at] >> 16;
    const uint32_t opcode = words[at] & 0xffff;
    if (count == 0 || count > words.size() - at) return malformed("an instruction reaches over the end");
    const std::span<const uint32_t> operands = words.subspan(at + 1, count - 1);
    at += count;
    if (opcode == kOpCapability && operands.size() == 1) {
      found.capabilities_end = at;
      found.capabilities.push_back(operands[0]);
    } else if (opcode == kOpEntryPoint && operands.size() >= 3) {
      if (found.entry_point != 0) return malformed("more than one entry point");
      found.entry_point = operands[1];
      found.modes_end = at;
    } else if (opcode == kOpExecutionMode && operands.size() >= 2) {
      found.modes_end = at;
      if (operands.size() == 3) found.modes.emplace_back(operands[1], operands[2]);
    } else if (opcode == kOpTypeFloat && operands.size() >= 2) {
      if (operands[1] == 16) found.width_used[0] = true;
      if (operands[1] == 32) found.width_used[1] = true;
      if (operands[1] == 64) found.width_used[2] = true;
    }
  }
  if (found.entry_point == 0) return malformed("no entry point");
  return found;
}

void add_mode(const Scan& found, const Mode& mode, const bool (&widths)[3], std::vector<uint32_t>& capabilities,
              std::vector<uint32_t>& modes) {
  bool added = false;
  for (uint32_t i = 0; i < 3; ++i) {
    const uint32_t width = 16u << i;
    bool present = !widths[i];
    for (const auto& [known, known_width] : found.modes)
      present = present || (known == mode.execution_mode && known_width == width);
    if (present) continue;
    modes.insert(modes.end(), {4u << 16 | kOpExecutionMode, found.entry_point, mode.execution_mode, width});
    added = true;
  }
  for (const uint32_t capability : found.capabilities) added = added && capability != mode.capability;
  if (added) capabilities.insert(capabilities.end(), {2u << 16 | kOpCapability, mode.capability});
}

}  // namespace

std::string FloatModes::fingerprint() const {
  std::string text = "float_modes:";
  for (const bool on : preserve) text += on ? '1' : '0';
  for (const bool on : round_to_even) text += on ? '1' : '0';
  return text;
}

Result<std::vector<uint32_t>> add_float_modes(std::span<const uint32_t> words, const FloatModes& modes) {
  GPU_ASSIGN(const Scan found, scan(words));
  bool preserve[3];
  bool round_to_even[3];
  for (size_t i = 0; i < 3; ++i) {
    preserve[i] = found.width_used[i] && modes.preserve[i];
    round_to_even[i] = found.width_used[i] && modes.round_to_even[i];
  }
  std::vector<uint32_t> new_capabilities;
  std::vector<uint32_t> new_modes;
  add_mode(found, kPreserve, preserve, new_capabilities, new_modes);
  add_mode(found, kRoundToEven, round_to_even, new_capabilities, new_modes);

  std::vector<uint32_t> result;
  result.reserve(words.size() + new_capabilities.size() + new_modes.size());
  const auto append = [&result](std::span<const uint32_t> part) {
    result.insert(result.end(), part.begin(), part.end());
  };
  append(words.first(found.capabilities_end));
  append(new_capabilities);
  append(words.subspan(found.capabilities_end, found.modes_end - found.capabilities_end));
  append(new_modes);
  append(words.subspan(found.modes_end));
  return result;
}

Result<void> check_bindings(std::span<const uint32_t> words, uint32_t buffers) {
  constexpr uint32_t kBinding = 33;
  constexpr uint32_t kDescriptorSet = 34;
  for (size_t at = kHeaderWords; at < words.size();) {
    const size_t count = words[at] >> 16;
    if (count == 0 || count > words.size() - at) return malformed("an instruction reaches over the end");
    if ((words[at] & 0xffff) == kOpDecorate && count == 4) {
      const uint32_t value = words[at + 3];
      if (words[at + 2] == kBinding && value >= buffers)
        return Error{ErrorCode::kCompileFailed,
                     concat("the shader declares binding ", value, ", the kernel has ", buffers, " buffers")};
      if (words[at + 2] == kDescriptorSet && value != 0)
        return Error{ErrorCode::kCompileFailed, concat("the shader declares descriptor set ", value)};
    }
    at += count;
  }
  return {};
}

Result<void> validate_spirv(std::span<const uint32_t> words, bool scalar_layout) {
  const std::unique_ptr<spv_context_t, decltype(&spvContextDestroy)> context(spvContextCreate(SPV_ENV_VULKAN_1_2),
                                                                             spvContextDestroy);
  const std::unique_ptr<spv_validator_options_t, decltype(&spvValidatorOptionsDestroy)> options(
      spvValidatorOptionsCreate(), spvValidatorOptionsDestroy);
  spvValidatorOptionsSetScalarBlockLayout(options.get(), scalar_layout);
  spv_const_binary_t binary{words.data(), words.size()};
  spv_diagnostic raw = nullptr;
  const spv_result_t result = spvValidateWithOptions(context.get(), options.get(), &binary, &raw);
  const std::unique_ptr<spv_diagnostic_t, decltype(&spvDiagnosticDestroy)> diagnostic(raw, spvDiagnosticDestroy);
  if (result == SPV_SUCCESS) return {};
  const char* message = diagnostic == nullptr || diagnostic->error == nullptr ? "no message" : diagnostic->error;
  return Error{ErrorCode::kCompileFailed, std::string("SPIR-V does not validate: ") + message};
}

std::string spirv_tools_version() { return spvSoftwareVersionDetailsString(); }

}  // namespace gpu_node::vulkan
