// The GLSL of a kernel of rows: which kernel it is, how its parameters lie, its text.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "kernels/reduce/row_code.h"
#include "vulkan/device_info.h"
#include "vulkan/kernel_cache.h"

namespace gpu_node::kernels {

// Everything that changes a kernel's text; shapes, strides, offsets and numbers are parameters.
struct RowShader {
  RowCode code;
  uint32_t kept_rank = 0, walk_rank = 0;  // axes of rows, and along a row, after merging
  uint32_t invocations = 256;
  uint32_t slots = 0;  // of an invocation for each value that is kept, by element; 0: nothing is kept
  // They are in registers, and every step of a walk is written out: else in shared memory. REQUIRES fours.
  bool in_registers = false;
  // Elements are read, kept and written in fours, one position for each: places of elements count fours, and so does
  // kCount. REQUIRES walk_rank 1, with neighbours side by side.
  bool fours = false;

  // Places: the sources that are no numbers, then what is written.
  uint32_t places() const;
  uint32_t place_of(uint32_t source) const;
  uint32_t first_written() const { return place_of(static_cast<uint32_t>(code.sources.size())); }
  uint32_t number_words() const;

  // How many elements a step of a walk has, and the GLSL type of a step of |type|.
  uint32_t step_elements() const { return fours ? 4 : 1; }
  std::string_view step_type(std::string_view type) const;

  // Positions of the parameters, all of 32 bits.
  static constexpr uint32_t kOutputs = 0, kCount = 1, kMode = 2, kFours = 3, kFixed = 4;
  uint32_t offset_at() const { return kFixed; }
  uint32_t kept_at(uint32_t axis) const { return kFixed + places() + axis * (1 + places()); }  // size, strides
  uint32_t walk_at(uint32_t axis) const { return kept_at(kept_rank) + axis * (1 + places()); }
  uint32_t numbers_at() const { return walk_at(walk_rank); }
  uint32_t words() const { return numbers_at() + number_words(); }

  std::string key() const;
  // Bindings: the sources that are tensors, what is written, the parameters if they have a buffer.
  Result<vulkan::KernelSource> emit(const vulkan::DeviceInfo& device) const;
};

// The kinds of accumulators in |code|, each once.
std::vector<RowAccumulator> accumulators_of(const RowCode& code);

// An array of slots: of what GLSL type, for which of the kept values, walk by walk.
struct KeptArray {
  std::string_view type;
  uint32_t bytes = 4;
  std::vector<uint32_t> values;
  uint32_t busy_until = 0;  // the last walk that reads what lies there
};
// A value takes the place of one that no later walk reads.
std::vector<KeptArray> kept_arrays(const RowCode& code, const RowWalks& walks);

// Bytes that an invocation's Accs take in shared memory, and a slot of each of its kept values.
uint32_t acc_bytes(const RowCode& code);
uint32_t kept_bytes(const RowCode& code, const RowWalks& walks);

}  // namespace gpu_node::kernels
