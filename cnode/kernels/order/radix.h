// The piece of work that puts pairs of an unsigned key and their number in order, digit by digit from the least on:
// stable, in time that grows with the keys and their bits alone. Declared to other families.
#pragma once

#include "kernels/plan_builder.h"

namespace gpu_node::kernels {

// Scratch: keys in order, and as u32 the places in its row at which each lay.
struct Sorted {
  uint32_t keys = 0, places = 0;
};

// |rows| rows of |count| keys in scratch, of two words where |wide|, are sorted by their |bits| bits from |first| on
// (of wide keys 0); |keys| are used up. REQUIRES: at least a bit; fewer than 2^31 keys in all.
Result<Sorted> append_radix(uint32_t keys, bool wide, int64_t rows, int64_t count, uint32_t first, uint32_t bits,
                            PlanBuilder& plan);

}  // namespace gpu_node::kernels
