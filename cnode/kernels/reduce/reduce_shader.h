// The GLSL of one reduction pass: which kernel it is, how its parameters lie, its text.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "kernels/glsl/epilogue_code.h"
#include "kernels/reduce/accumulator.h"
#include "tensor/dtype.h"
#include "vulkan/device_info.h"
#include "vulkan/kernel_cache.h"

namespace gpu_node::kernels {

// What a pass reads: elements of one tensor, products of the elements of two, the Accs of an earlier pass, or nothing
// (a reduction of no elements).
enum class PassInput : uint8_t { kNothing, kElements, kProducts, kAccs };

// Everything that changes a pass's text; shapes, strides and offsets are parameters.
struct ReducePass {
  Accumulator accumulator = Accumulator::kSum;
  PassInput input = PassInput::kElements;
  bool vectors = false;      // elements are loaded in fours; every position and stride then counts fours
  bool writes_accs = false;  // Accs for a second pass; else results
  std::array<Dtype, 2> sources = {Dtype::f32, Dtype::f32};  // of kElements and kProducts
  Dtype element = Dtype::f32;                               // what sources are converted to before they are accumulated
  Dtype result = Dtype::f32;
  uint32_t kept_rank = 0;  // axes of the outputs, after merging
  uint32_t walk_rank = 0;  // axes reduced, after merging; at least 1 unless the input is kNothing
  uint32_t invocations = 256;
  std::optional<EpilogueCode> epilogue;  // of results: takes them instead of a buffer

  // Positions of the parameters, all of 32 bits.
  static constexpr uint32_t kOutputs = 0, kCount = 1, kChunk = 2, kMode = 3, kFixed = 4;
  uint32_t inputs() const { return input == PassInput::kNothing ? 0 : input == PassInput::kProducts ? 2 : 1; }
  uint32_t kept_words() const { return 1 + inputs(); }                        // size, strides
  uint32_t walk_words() const { return (walk_rank > 1 ? 2 : 0) + inputs(); }  // size and step when several, strides
  uint32_t offset_at() const { return kFixed; }
  uint32_t kept_at(uint32_t axis) const { return kFixed + inputs() + axis * kept_words(); }
  uint32_t walk_at(uint32_t axis) const { return kept_at(kept_rank) + axis * walk_words(); }
  uint32_t epilogue_at() const { return walk_at(walk_rank); }
  uint32_t words() const { return epilogue_at() + (epilogue ? epilogue->words() : 0); }

  std::string key() const;
  // Bindings: the sources (or the Acc buffers), the result (or the Acc buffers, or the epilogue's), the parameters if
  // they have a buffer.
  Result<vulkan::KernelSource> emit(const vulkan::DeviceInfo& device) const;
};

}  // namespace gpu_node::kernels
