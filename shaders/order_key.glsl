// What elements are put in order by: unsigned numbers, of which the lower comes first. NaN is above all, the zeros are
// equal. The emitter defines one of KEY_I32, KEY_U32, KEY_F32, KEY_I64, KEY_U64 and KEY_F64.

#if defined(KEY_I32) || defined(KEY_U32) || defined(KEY_F32)
#define KEY uint
#define KEY_LAST 0xffffffffu

bool key_less(KEY a, KEY b) { return a < b; }
#else
// The low word first.
#define KEY uvec2
#define KEY_LAST uvec2(0xffffffffu)

bool key_less(KEY a, KEY b) { return a.y < b.y || (a.y == b.y && a.x < b.x); }
#endif

bool key_before(KEY a, uint i, KEY b, uint j) { return key_less(a, b) || (a == b && i < j); }

#if defined(KEY_I32)
KEY ascending_key(int x) { return uint(x) ^ 0x80000000u; }
#elif defined(KEY_U32)
KEY ascending_key(uint x) { return x; }
#elif defined(KEY_F32)
KEY ascending_key(float x) {
  uint bits = floatBitsToUint(x), magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return 0xffffffffu;
  if (magnitude == 0u) return 0x80000000u;
  return bits > 0x7fffffffu ? ~bits : bits | 0x80000000u;
}
#elif defined(KEY_I64)
KEY ascending_key(int64_t x) { return uvec2(uint(x), uint(x >> 32) ^ 0x80000000u); }
#elif defined(KEY_U64)
KEY ascending_key(uint64_t x) { return uvec2(uint(x), uint(x >> 32)); }
#elif defined(KEY_F64)
KEY ascending_key(double x) {
  uvec2 bits = unpackDouble2x32(x);
  uint magnitude = bits.y & 0x7fffffffu;
  if (magnitude > 0x7ff00000u || (magnitude == 0x7ff00000u && bits.x != 0u)) return uvec2(0xffffffffu);
  if (magnitude == 0u && bits.x == 0u) return uvec2(0u, 0x80000000u);
  return bits.y > 0x7fffffffu ? ~bits : uvec2(bits.x, bits.y | 0x80000000u);
}
#endif

KEY descending_key(KEY ascending) { return ~ascending; }
