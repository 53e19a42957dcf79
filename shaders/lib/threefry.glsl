// Random numbers by counting: Threefry-2x32 with 20 rounds (Salmon, Moraes, Dror and Shaw 2011). The same bits on every
// device; cnode/chain/threefry.h is the same on the host.

#define THREEFRY_MIX(r) x.x += x.y; x.y = ((x.y << r) | (x.y >> (32 - r))) ^ x.x;
#define THREEFRY_FOUR(a, b, c, d) THREEFRY_MIX(a) THREEFRY_MIX(b) THREEFRY_MIX(c) THREEFRY_MIX(d)

uvec2 threefry(uvec2 key, uvec2 counter) {
  uint third = key.x ^ key.y ^ 0x1BD11BDAu;
  uvec2 x = counter + key;
  THREEFRY_FOUR(13, 15, 26, 6)
  x += uvec2(key.y, third + 1u);
  THREEFRY_FOUR(17, 29, 16, 24)
  x += uvec2(third, key.x + 2u);
  THREEFRY_FOUR(13, 15, 26, 6)
  x += uvec2(key.x, key.y + 3u);
  THREEFRY_FOUR(17, 29, 16, 24)
  x += uvec2(key.y, third + 4u);
  THREEFRY_FOUR(13, 15, 26, 6)
  x += uvec2(third, key.x + 5u);
  return x;
}

// Of a chain's numbers. Counters are an iteration and a pair of coordinates.
uvec2 chain_key(uvec2 seed, uint chain) { return threefry(seed, uvec2(chain, 0u)); }
const uint kAcceptPair = 0xffffffffu;
const uint kStartIteration = 0xffffffffu;

// Two independent standard normal numbers, by Box and Muller; rounded to float, so that every device has the same.
vec2 normals(uvec2 bits) {
  double u = (double(bits.x) + 0.5lf) * 2.3283064365386963e-10lf;
  float radius = m_sqrt(float(-2.0lf * mi_log_d(u)));
  double angle = ((double(bits.y & 0x3fffffffu) + 0.5lf) * 9.313225746154785e-10lf - 0.5lf) * 1.5707963267948966lf;
  float x = op_multiply(radius, float(mi_cos_d(angle)));
  float y = op_multiply(radius, float(mi_sin_d(angle)));
  uint turns = bits.y >> 30;
  vec2 turned = (turns & 1u) == 0u ? vec2(x, y) : vec2(-y, x);
  return turns < 2u ? turned : -turned;
}

// In [0, 1): the upper 24 of the bits.
REAL uniform_number(uint bits) { return REAL(bits >> 8) * REAL(5.9604644775390625e-08); }
