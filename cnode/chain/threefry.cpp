#include "chain/threefry.h"

#include <bit>
#include <initializer_list>

namespace gpu_node::chain {
namespace {

// Rounded to float once: products of floats are exact in double, and sums as good as.
float multiply(float a, float b) { return static_cast<float>(static_cast<double>(a) * b); }
float add(float a, float b) { return static_cast<float>(static_cast<double>(a) + b); }

float polynomial(float x, std::initializer_list<float> coefficients) {
  float sum = *coefficients.begin();
  for (const float* next = coefficients.begin() + 1; next != coefficients.end(); ++next)
    sum = add(multiply(sum, x), *next);
  return sum;
}

// -2 log(bits 2^-32), of the upper 24 significant bits.
float exponential_twice(uint32_t bits) {
  const uint32_t b = bits == 0 ? 1 : bits;
  const int top = 31 - std::countl_zero(b);
  const uint32_t significand = ((b << (31 - top)) >> 8) & 0x007fffffu;
  const bool upper = significand >= 0x003504f3u;
  const float x = add(std::bit_cast<float>(significand | (upper ? 0x3f000000u : 0x3f800000u)), -1);
  const float p = polynomial(x, {-0.0790274377f, 0.126223198f, -0.129981838f, 0.142144959f, -0.166412815f, 0.200010451f,
                                 -0.250003064f, 0.333333307f});
  const float log_significand = add(x, multiply(multiply(x, x), add(multiply(x, p), -0.5f)));
  const float log_power = multiply(static_cast<float>(top - (upper ? 31 : 32)), 0.693147182f);
  return multiply(-2, add(log_power, log_significand));
}

float root_of(float x) {
  float y = std::bit_cast<float>(0x5f3759dfu - (std::bit_cast<uint32_t>(x) >> 1));
  const float half_x = multiply(0.5f, x);
  for (int k = 0; k < 3; ++k) y = multiply(y, add(1.5f, -multiply(half_x, multiply(y, y))));
  return multiply(x, y);
}

}  // namespace

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
  const float radius = root_of(exponential_twice(bits[0]));
  const float t =
      multiply(static_cast<float>(static_cast<int32_t>((bits[1] >> 5) & 0x01fffffeu) - 0x00ffffff), 0x1p-25f);
  const float z = multiply(t, t);
  const float cosine = polynomial(z, {0.000903628066f, -0.0208600695f, 0.253669204f, -1.23370054f, 1.0f});
  const float sine = multiply(t, polynomial(z, {-0.00460214921f, 0.0796802176f, -0.645963478f, 1.57079632f}));
  const float x = multiply(radius, cosine), y = multiply(radius, sine);
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
