// The piece of work that puts pairs of an unsigned key and their number in order, digit by digit from the least on:
// stable, in time that grows with the keys and their bits alone. Declared to other families.
#pragma once

#include "kernels/plan_builder.h"

namespace gpu_node::kernels {

// |rows| rows of |count| keys in scratch, of two words where |wide|, are sorted by their |bits| bits from |first| on
// (of wide keys 0). The answer is scratch with the places in its row at which the keys in order lay, as u32; |keys| are
// used up. REQUIRES: fewer than 2^31 keys in all.
Result<uint32_t> append_radix(uint32_t keys, bool wide, int64_t rows, int64_t count, uint32_t first, uint32_t bits,
                              PlanBuilder& plan);

}  // namespace gpu_node::kernels
