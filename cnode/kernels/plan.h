// From a validated instruction to dispatches: pure planning, no Vulkan call. Executed by program/executor.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "ir/program.h"
#include "tensor/shape.h"
#include "vulkan/device_info.h"
#include "vulkan/kernel_cache.h"
#include "vulkan/recorder.h"

namespace gpu_node::kernels {

// An operand as kernels see it: a strided view of a storage, or a number. The storage's elements start at binding
// offset 0; the map's offset is in elements.
struct TensorArg {
  Dtype dtype = Dtype::f32;
  IndexMap map;
};
using Arg = std::variant<TensorArg, Scalar>;

// Which buffer a binding is: the storage of an operand or of a result, or a scratch buffer of the plan; by number.
struct Binding {
  enum class Kind : uint8_t { kOperand, kResult, kScratch } kind;
  uint32_t index = 0;
  uint64_t offset_bytes = 0;  // multiple of storage_alignment
  uint64_t size_bytes = 0;    // 0: to the end
  bool written = false;
};

inline Binding of_scratch(uint32_t scratch, bool written) { return {Binding::Kind::kScratch, scratch, 0, 0, written}; }

inline constexpr uint32_t kMaxPushBytes = 128;
// Whether parameters lie in the push constants; else in a buffer. Part of what a kernel's key names.
constexpr bool fits_push(size_t words) { return words * sizeof(uint32_t) <= kMaxPushBytes; }

struct Dispatch {
  std::string key;
  vulkan::KernelCache::Emit emit;
  std::vector<Binding> bindings;
  std::array<std::byte, kMaxPushBytes> push;
  uint32_t push_bytes = 0;
  vulkan::Grid grid;
};

struct Plan {
  std::vector<uint64_t> scratch_bytes;
  // Contents of scratch buffers that the host provides (parameters that do not fit the push constants, numbers that a
  // kernel takes as tensors), by scratch index.
  std::vector<std::pair<uint32_t, std::vector<std::byte>>> scratch_data;
  std::vector<Dispatch> dispatches;  // in order; hazards are found by the recorder
};

// Plans |instruction| (validated) for |device|. Results are row-major storages of their declared types, and have at
// least one element each. Errors: kUnsupported, naming op, types and the device's limit.
Result<Plan> plan(const ir::Instruction& instruction, std::span<const Arg> operands, const vulkan::DeviceInfo& device);

// Plans a row-major copy of |from| (used where a view cannot be strided, and before a download).
Result<Plan> plan_copy(const TensorArg& from, const vulkan::DeviceInfo& device);

}  // namespace gpu_node::kernels
