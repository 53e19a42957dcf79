// What a reduction keeps of the elements it has seen (shaders/reduce_accumulators.glsl).
#pragma once

#include <cstdint>
#include <optional>

#include "ir/attributes.h"
#include "ir/op.h"

namespace gpu_node::kernels {

enum class Accumulator : uint8_t { kSum, kProduct, kMax, kMin, kAll, kAny, kArgMax, kArgMaxHigh, kArgMin, kArgMinHigh };

// That of a reduction, where it is one accumulator's.
std::optional<Accumulator> accumulator_of(ir::Code code);
// That of argmax or argmin.
Accumulator arg_accumulator(ir::Code code, ir::TieBreak tie_break);

}  // namespace gpu_node::kernels
