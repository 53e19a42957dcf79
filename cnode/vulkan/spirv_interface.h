// What a SPIR-V module that a caller has made wants of the device, and whether it may have it.
//
// The rules of spirv-val (spirv_module.h) say that a module means something; these, that the device has been opened
// with all that it uses. A driver may do anything with a module that breaks either, so nothing else may come between a
// caller's words and the driver. Any thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "vulkan/spirv_module.h"

namespace gpu_node::vulkan {

inline constexpr size_t kMaxRawModuleBytes = 4u << 20;

// What an opened device takes.
struct ShaderRules {
  std::vector<uint32_t> capabilities;  // by number; what was enabled
  FloatModes float_modes;
  uint32_t max_buffers = 0;
  uint32_t max_push_bytes = 0;
  uint32_t max_local_size[3] = {};
  uint32_t max_invocations = 0;
  uint32_t shared_memory_bytes = 0;
};

struct ShaderInterface {
  uint32_t buffers = 0;     // one more than the highest binding
  uint64_t written = 0;     // bit i: the shader may write binding i
  uint32_t push_bytes = 0;  // what its push constant block declares, rounded up to a multiple of 4
};

// Errors: kCompileFailed for types that are so intertwined that validation would not come to an end. REQUIRES nothing
// of |words|.
Result<void> check_nesting(std::span<const uint32_t> words);

// REQUIRES: validate_spirv() has accepted |words|. Errors: kUnsupported for what the device does not have, with the
// limit; kCompileFailed for a module that is not a compute shader of one entry point "main" with storage buffers in set
// 0 and push constants, and nothing else.
Result<ShaderInterface> inspect_spirv(std::span<const uint32_t> words, const ShaderRules& rules);

}  // namespace gpu_node::vulkan
