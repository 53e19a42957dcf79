// What a reduction keeps of the elements it has seen (shaders/reduce_accumulators.glsl).
#pragma once

#include <cstdint>

namespace gpu_node::kernels {

enum class Accumulator : uint8_t { kSum, kProduct, kMax, kMin, kAll, kAny, kArgMax, kArgMaxHigh, kArgMin, kArgMinHigh };

}  // namespace gpu_node::kernels
