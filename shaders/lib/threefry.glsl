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

float next_term(float sum, float x, float coefficient) { return op_add(op_multiply(sum, x), coefficient); }

// -2 log(bits 2^-32) of the upper 24 significant bits: the polynomial is (log(1 + x) - x + x^2 / 2) / x^3.
float exponential_twice(uint bits) {
  uint b = max(bits, 1u);
  int top = findMSB(b);
  uint significand = ((b << (31 - top)) >> 8) & 0x007fffffu;
  // From 1.4142 up the next power of two is nearer.
  bool upper = significand >= 0x003504f3u;
  float x = op_add(uintBitsToFloat(significand | (upper ? 0x3f000000u : 0x3f800000u)), -1.0);
  float p = next_term(-0.0790274377, x, 0.126223198);
  p = next_term(p, x, -0.129981838);
  p = next_term(p, x, 0.142144959);
  p = next_term(p, x, -0.166412815);
  p = next_term(p, x, 0.200010451);
  p = next_term(p, x, -0.250003064);
  p = next_term(p, x, 0.333333307);
  float square = op_multiply(x, x);
  float log_significand = op_add(x, op_multiply(square, op_add(op_multiply(x, p), -0.5)));
  float log_power = op_multiply(float(top - (upper ? 31 : 32)), 0.693147182);
  return op_multiply(-2.0, op_add(log_power, log_significand));
}

// By Newton's steps on the inverse root.
float root_of(float x) {
  float y = uintBitsToFloat(0x5f3759dfu - (floatBitsToUint(x) >> 1)), half_x = op_multiply(0.5, x);
  for (int k = 0; k < 3; ++k)
    y = op_multiply(y, op_add(1.5, op_multiply(-1.0, op_multiply(half_x, op_multiply(y, y)))));
  return op_multiply(x, y);
}

// Two independent standard normal numbers, by Box and Muller. Sums and products of floats alone, each rounded, so that
// every device has the same numbers, and one whose doubles are slow has them soon.
vec2 normals(uvec2 bits) {
  float radius = root_of(exponential_twice(bits.x));
  // A quarter turn, and an angle within half of one: in quarter turns, of 24 bits.
  float t = op_multiply(float(int((bits.y >> 5) & 0x01fffffeu) - 0x00ffffff), 2.98023224e-08), z = op_multiply(t, t);
  float cosine = next_term(next_term(next_term(next_term(0.000903628066, z, -0.0208600695), z, 0.253669204), z,
                                     -1.23370054), z, 1.0);
  float sine = op_multiply(t, next_term(next_term(next_term(-0.00460214921, z, 0.0796802176), z, -0.645963478), z,
                                        1.57079632));
  float x = op_multiply(radius, cosine), y = op_multiply(radius, sine);
  uint turns = bits.y >> 30;
  vec2 turned = (turns & 1u) == 0u ? vec2(x, y) : vec2(-y, x);
  return turns < 2u ? turned : -turned;
}

// In [0, 1): the upper 24 of the bits.
REAL uniform_number(uint bits) { return REAL(bits >> 8) * REAL(5.9604644775390625e-08); }
