// Conversions that GLSL leaves undefined or rounds twice. Float to integer: truncates, then wraps modulo the integer's
// width as Nx.BinaryBackend does; infinities give the ends of the element type (|lo|, |hi|), NaN gives 0.
// Sections for 64-bit types stand only in shaders that use them (USE_I64, USE_F64).

// The magnitude of the integer part modulo 2^32; every step is exact.
uint f32_magnitude_u32(float value) {
  float whole = trunc(abs(value));
  return whole < 4294967296.0 ? uint(whole) : uint(whole - floor(whole * 2.3283064365386963e-10) * 4294967296.0);
}

uint f32_to_u32(float value, uint lo, uint hi) {
  uint bits = floatBitsToUint(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return 0u;
  if ((bits & 0x7fffffffu) == 0x7f800000u) return (bits >> 31) == 1u ? lo : hi;
  uint magnitude = f32_magnitude_u32(value);
  return (bits >> 31) == 1u ? 0u - magnitude : magnitude;
}

int f32_to_i32(float value, int lo, int hi) { return int(f32_to_u32(value, uint(lo), uint(hi))); }

// An integer whose conversion to float is exact and which rounds to any narrower float as |value| does: bits below the
// 24th significant one are folded into it (round to odd).
uint odd_u32(uint value) {
  if (value < 0x01000000u) return value;
  uint shift = uint(findMSB(value)) - 23u;
  uint rest = value & ((1u << shift) - 1u);
  return ((value >> shift) | (rest != 0u ? 1u : 0u)) << shift;
}

float odd_f32(uint value) { return float(odd_u32(value)); }
float odd_f32(int value) { return value < 0 ? -float(odd_u32(0u - uint(value))) : float(odd_u32(uint(value))); }

#ifdef USE_F64
uint f64_magnitude_u32(double value) {
  double whole = trunc(abs(value));
  return uint(whole - floor(whole * 2.3283064365386962890625e-10lf) * 4294967296.0lf);
}

uint f64_to_u32(double value, uint lo, uint hi) {
  uvec2 bits = unpackDouble2x32(value);
  uint top = bits.y & 0x7fffffffu;
  if (top > 0x7ff00000u || (top == 0x7ff00000u && bits.x != 0u)) return 0u;
  if (top == 0x7ff00000u) return (bits.y >> 31) == 1u ? lo : hi;
  uint magnitude = f64_magnitude_u32(value);
  return (bits.y >> 31) == 1u ? 0u - magnitude : magnitude;
}

int f64_to_i32(double value, int lo, int hi) { return int(f64_to_u32(value, uint(lo), uint(hi))); }

// A float that rounds to any narrower format as |value| does: the nearest float towards zero, its last bit set when
// something was cut off.
float odd_f32(double value) {
  float nearest = float(value);
  uint bits = floatBitsToUint(nearest);
  if ((bits & 0x7fffffffu) > 0x7f800000u || double(nearest) == value) return nearest;
  if (abs(double(nearest)) > abs(value)) bits -= 1u;
  return uintBitsToFloat(bits | 1u);
}
#endif

#ifdef USE_I64
uint64_t f32_magnitude_u64(float value) {
  float whole = trunc(abs(value));
  return uint64_t(whole - floor(whole * 5.421010862427522e-20) * 18446744073709551616.0);
}

uint64_t f32_to_u64(float value, uint64_t lo, uint64_t hi) {
  uint bits = floatBitsToUint(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return 0ul;
  if ((bits & 0x7fffffffu) == 0x7f800000u) return (bits >> 31) == 1u ? lo : hi;
  uint64_t magnitude = f32_magnitude_u64(value);
  return (bits >> 31) == 1u ? 0ul - magnitude : magnitude;
}

int64_t f32_to_i64(float value, int64_t lo, int64_t hi) { return int64_t(f32_to_u64(value, uint64_t(lo), uint64_t(hi))); }

uint64_t odd_u64(uint64_t value) {
  uint top = uint(value >> 32);
  if (top == 0u) return uint64_t(odd_u32(uint(value)));
  uint shift = uint(findMSB(top)) + 9u;
  uint64_t rest = value & ((1ul << shift) - 1ul);
  return ((value >> shift) | (rest != 0ul ? 1ul : 0ul)) << shift;
}

float odd_f32(uint64_t value) { return float(odd_u64(value)); }
float odd_f32(int64_t value) {
  return value < 0l ? -float(odd_u64(0ul - uint64_t(value))) : float(odd_u64(uint64_t(value)));
}
#endif

#if defined(USE_I64) && defined(USE_F64)
uint64_t f64_to_u64(double value, uint64_t lo, uint64_t hi) {
  uvec2 bits = unpackDouble2x32(value);
  uint top = bits.y & 0x7fffffffu;
  if (top > 0x7ff00000u || (top == 0x7ff00000u && bits.x != 0u)) return 0ul;
  if (top == 0x7ff00000u) return (bits.y >> 31) == 1u ? lo : hi;
  double whole = trunc(abs(value));
  uint64_t magnitude = uint64_t(whole - floor(whole * 5.42101086242752217003726400434970855712890625e-20lf) * 18446744073709551616.0lf);
  return (bits.y >> 31) == 1u ? 0ul - magnitude : magnitude;
}

int64_t f64_to_i64(double value, int64_t lo, int64_t hi) { return int64_t(f64_to_u64(value, uint64_t(lo), uint64_t(hi))); }
#endif
