// Random numbers by counting: Threefry-2x32 with 20 rounds (Salmon, Moraes, Dror and Shaw 2011, "Parallel random
// numbers: as easy as 1, 2, 3"). What the samplers draw is a function of the seed, the chain's number, the iteration
// and the coordinate alone. shaders/lib/threefry.glsl is the same on the device; this is its oracle.
#pragma once

#include <array>
#include <cstdint>

namespace gpu_node::chain {

using Word2 = std::array<uint32_t, 2>;

Word2 threefry(Word2 key, Word2 counter);

// Of a chain's numbers. Their counters are {iteration, pair of coordinates}; these stand for what is no such pair:
Word2 chain_key(uint64_t seed, uint32_t chain);
inline constexpr uint32_t kAcceptPair = ~0u;      // whether the iteration's proposal is accepted
inline constexpr uint32_t kStartIteration = ~0u;  // of the positions where chains start

// Two independent standard normal numbers, by Box and Muller.
std::array<float, 2> normals(Word2 bits);

// In [0, 1): the upper 24 of the bits.
double uniform(uint32_t bits);

}  // namespace gpu_node::chain
