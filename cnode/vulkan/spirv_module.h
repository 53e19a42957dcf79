// SPIR-V as words: validation, and the float modes that Nx's results need.
//
// GLSL can ask for a mode in one float width only: of several spirv_execution_mode lines the compiler keeps the last.
// So add_float_modes() gives every module SignedZeroInfNanPreserve, and round-to-even where the device has it, for each
// width that the module uses and has not asked for: without them a driver may assume that NaN, infinity and -0 do not
// occur, may take double(float(x)) for x, and may convert to f16 by cutting off.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace gpu_node::vulkan {

// Which modes the device takes, by width: [0] f16, [1] f32, [2] f64.
struct FloatModes {
  bool preserve[3] = {};
  bool round_to_even[3] = {};

  // Distinct values have distinct text; part of the key under which SPIR-V is kept.
  std::string fingerprint() const;
};

// Errors: kCompileFailed when |words| is not a module of one entry point.
Result<std::vector<uint32_t>> add_float_modes(std::span<const uint32_t> words, const FloatModes& modes);

// Errors: kCompileFailed when the module uses a descriptor other than bindings 0 to |buffers| - 1 of set 0.
Result<void> check_bindings(std::span<const uint32_t> words, uint32_t buffers);

// Errors: kCompileFailed with the validator's message. |scalar_layout|: the device has scalarBlockLayout.
Result<void> validate_spirv(std::span<const uint32_t> words, bool scalar_layout);

// The version of the validator, part of the key under which SPIR-V is kept.
std::string spirv_tools_version();

}  // namespace gpu_node::vulkan
