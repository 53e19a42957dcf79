// The GLSL of a tiled matrix product: which kernel it is, how its parameters lie, its text.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "kernels/dot/dot_tiles.h"
#include "kernels/glsl/epilogue_code.h"
#include "tensor/dtype.h"
#include "vulkan/device_info.h"
#include "vulkan/kernel_cache.h"

namespace gpu_node::kernels {

// Everything that changes the text; shapes, strides and offsets are parameters.
struct DotPass {
  std::array<Dtype, 2> sources = {Dtype::f32, Dtype::f32};
  Dtype element = Dtype::f32;  // both are converted to its compute type
  bool writes_parts = false;   // sums of |element|'s compute type for a second pass; else results of |element|
  DotTile tile = {};
  // Whether neighbours along the contraction lie closer than neighbouring rows (columns): then they are fetched side by
  // side.
  std::array<bool, 2> deep = {false, false};
  uint32_t batch_rank = 0, row_rank = 0, column_rank = 0, depth_rank = 0;  // axes, after merging
  std::optional<EpilogueCode> epilogue;  // of results, by batch, row and column: takes them instead of a buffer

  // Positions of the parameters, all of 32 bits.
  static constexpr uint32_t kRows = 0, kColumns = 1, kCount = 2, kChunk = 3, kParts = 4, kFirstBatch = 5, kBatches = 6,
                            kOffsets = 7, kFixed = 9;
  uint32_t batch_at(uint32_t axis) const { return kFixed + axis * 3; }                  // size, strides
  uint32_t row_at(uint32_t axis) const { return batch_at(batch_rank) + axis * 2; }      // size, stride
  uint32_t column_at(uint32_t axis) const { return row_at(row_rank) + axis * 2; }       // size, stride
  uint32_t depth_at(uint32_t axis) const { return column_at(column_rank) + axis * 3; }  // size, strides
  uint32_t epilogue_at() const { return depth_at(depth_rank); }
  uint32_t words() const { return epilogue_at() + (epilogue ? epilogue->words() : 0); }

  std::string key() const;
  // Bindings: left, right, the result (or the parts, or the epilogue's), the parameters if they have a buffer.
  Result<vulkan::KernelSource> emit(const vulkan::DeviceInfo& device) const;
};

}  // namespace gpu_node::kernels
