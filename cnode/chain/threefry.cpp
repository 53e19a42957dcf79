#include "chain/threefry.h"

#include <bit>
#include <cmath>
#include <numbers>

namespace gpu_node::chain {

Word2 threefry(Word2 key, Word2 counter) {
  constexpr int kRotations[2][4] = {{13, 15, 26, 6}, {17, 29, 16, 24}};
  const uint32_t keys[3] = {key[0], key[1], key[0] ^ key[1] ^ 0x1BD11BDAu};
  Word2 x = {counter[0] + keys[0], counter[1] + keys[1]};
  for (uint32_t four = 0; four < 5; ++four) {
    for (const int rotation : kRotations[four % 2]) {
      x[0] += x[1];
      x[1] = std::rotl(x[1], rotation) ^ x[0];
    }
    x[0] += keys[(four + 1) % 3];
    x[1] += keys[(four + 2) % 3] + four + 1;
  }
  return x;
}

Word2 chain_key(uint64_t seed, uint32_t chain) {
  return threefry({static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)}, {chain, 0});
}

std::array<float, 2> normals(Word2 bits) {
  const double u = (static_cast<double>(bits[0]) + 0.5) * 0x1p-32;
  const float radius = std::sqrt(static_cast<float>(-2 * std::log(u)));
  // A quarter turn, and an angle within half of one.
  const double angle = ((static_cast<double>(bits[1] & 0x3fffffffu) + 0.5) * 0x1p-30 - 0.5) * (std::numbers::pi / 2);
  const float x = radius * static_cast<float>(std::cos(angle));
  const float y = radius * static_cast<float>(std::sin(angle));
  switch (bits[1] >> 30) {
    case 0:
      return {x, y};
    case 1:
      return {-y, x};
    case 2:
      return {-x, -y};
    default:
      return {y, -x};
  }
}

double uniform(uint32_t bits) { return static_cast<double>(bits >> 8) * 0x1p-24; }

}  // namespace gpu_node::chain
