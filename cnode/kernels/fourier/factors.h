// How lengths of Fourier transforms are taken apart.
#pragma once

#include <cstdint>
#include <optional>

#include "base/small_list.h"

namespace gpu_node::kernels {

// The parts of a length, each of at most |most|, of primes of at most 13: one if it suffices, else two or three, as
// equal as they can be. Nothing where there are none.
using Parts = SmallList<int64_t, 3>;
std::optional<Parts> parts_of(int64_t length, int64_t most);

// The radices of a part, 2, 3, 4, 5, 7, 8, 11 and 13, four bits each from the lowest on. REQUIRES one of primes of at
// most 13, at most 2^13.
uint32_t radices_of(int64_t part);

// The least length from |least| on that has parts and is convenient: a power of two, or three to nine times one.
int64_t convenient_length(int64_t least);

}  // namespace gpu_node::kernels
