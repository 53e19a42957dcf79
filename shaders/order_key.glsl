// What elements are put in order by: unsigned numbers of KEY_BITS bits made of an element's bits, of which the lower
// comes first. NaN is above all, the zeros are equal; any two others of unequal bits have unequal keys. The emitter
// defines KEY_BITS, KEY_SIGN (the highest of them; of 64 bits in the high word) and one of KEY_SIGNED, KEY_UNSIGNED and
// KEY_FLOAT, which is the greatest magnitude that is no NaN; KEY_DESCENDING where the higher comes first. mix() chooses
// without a branch, of which long kernels have too many.

#if KEY_BITS == 64
// The low word first.
#define KEY uvec2
#define KEY_MASK uvec2(0xffffffffu)
#define KEY_SIGNS uvec2(0u, KEY_SIGN)

KEY ascending_key(uvec2 bits) {
#if defined(KEY_FLOAT)
  uint magnitude = bits.y & ~KEY_SIGN, low = min(bits.x, 1u);
  uvec2 key = mix(bits | KEY_SIGNS, ~bits, bvec2((bits.y & KEY_SIGN) != 0u));
  key = mix(key, KEY_SIGNS, bvec2((magnitude | low) == 0u));
  return mix(key, KEY_MASK, bvec2(magnitude + low > KEY_FLOAT));
#elif defined(KEY_SIGNED)
  return bits ^ KEY_SIGNS;
#else
  return bits;
#endif
}
#else
#define KEY uint
#define KEY_MASK (0xffffffffu >> (32 - KEY_BITS))
#define KEY_SIGNS KEY_SIGN

KEY ascending_key(uint bits) {
#if defined(KEY_FLOAT)
  uint magnitude = bits & ~KEY_SIGN;
  uint key = mix(bits | KEY_SIGN, ~bits & KEY_MASK, (bits & KEY_SIGN) != 0u);
  key = mix(key, KEY_SIGN, magnitude == 0u);
  return mix(key, KEY_MASK, magnitude > KEY_FLOAT);
#elif defined(KEY_SIGNED)
  return (bits ^ KEY_SIGN) & KEY_MASK;
#else
  return bits & KEY_MASK;
#endif
}
#endif

#if defined(KEY_DESCENDING)
KEY order_key(KEY bits) { return ~ascending_key(bits) & KEY_MASK; }
KEY turned_back(KEY key) { return ~key & KEY_MASK; }
#else
KEY order_key(KEY bits) { return ascending_key(bits); }
KEY turned_back(KEY key) { return key; }
#endif

// An element of that key: of zeros 0, of NaNs one.
KEY bits_of(KEY key) {
  key = turned_back(key);
#if defined(KEY_FLOAT) && KEY_BITS == 64
  return (key.y & KEY_SIGN) != 0u ? key ^ KEY_SIGNS : ~key;
#elif defined(KEY_FLOAT)
  return (key & KEY_SIGN) != 0u ? key ^ KEY_SIGN : ~key & KEY_MASK;
#elif defined(KEY_SIGNED) && KEY_BITS < 32
  return uint(bitfieldExtract(int(key ^ KEY_SIGN), 0, KEY_BITS));
#elif defined(KEY_SIGNED)
  return key ^ KEY_SIGNS;
#else
  return key;
#endif
}

// What bits_of() may give other bits for than an element of that key has.
bool has_kin(KEY bits) {
#if defined(KEY_FLOAT)
  KEY key = ascending_key(bits);
  return key == KEY_MASK || (key == KEY_SIGNS && bits == KEY_SIGNS);
#else
  return false;
#endif
}
