// The floats below 32 bits: their bits as uint, their value as float. Encoding rounds to nearest even, once; by integer
// arithmetic only, so that no device flushes a subnormal on the way.

// Rounds a magnitude (the bits of a float without its sign, not NaN) to a format that drops |drop| mantissa bits and
// whose smallest normal number has the float bits |min_normal|. Overflow gives bits above the format's infinity.
uint small_float_narrow(uint magnitude, uint drop, uint min_normal) {
  if (magnitude >= min_normal) {
    magnitude += (1u << (drop - 1u)) - 1u + ((magnitude >> drop) & 1u);
    return (magnitude - min_normal + 0x00800000u) >> drop;
  }
  uint exponent = max(magnitude >> 23, 1u);
  uint mantissa = (magnitude & 0x007fffffu) | (magnitude >= 0x00800000u ? 0x00800000u : 0u);
  uint shift = min(drop + (min_normal >> 23) - exponent, 25u);
  uint kept = mantissa >> shift;
  uint rest = mantissa & ((1u << shift) - 1u);
  uint half_way = 1u << (shift - 1u);
  return kept + ((rest > half_way || (rest == half_way && (kept & 1u) == 1u)) ? 1u : 0u);
}

uint f16_bits(float value) {
  uint bits = floatBitsToUint(value);
  uint magnitude = bits & 0x7fffffffu;
  uint narrow = magnitude > 0x7f800000u ? 0x7e00u : min(small_float_narrow(magnitude, 13u, 0x38800000u), 0x7c00u);
  return ((bits >> 16) & 0x8000u) | narrow;
}

float f16_value(uint bits) {
  uint magnitude = bits & 0x7fffu;
  uint wide = magnitude >= 0x7c00u ? (0x7f800000u | (magnitude << 13))
            : magnitude >= 0x0400u ? ((magnitude << 13) + 0x38000000u)
                                   : floatBitsToUint(float(magnitude) * 5.9604644775390625e-8);
  return uintBitsToFloat(((bits & 0x8000u) << 16) | wide);
}

uint bf16_bits(float value) {
  uint bits = floatBitsToUint(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return ((bits >> 16) & 0x8000u) | 0x7fc0u;
  return (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
}

float bf16_value(uint bits) { return uintBitsToFloat(bits << 16); }

// f8 (E5M2) is the upper byte of an f16.
uint f8_bits(float value) {
  uint bits = floatBitsToUint(value);
  uint magnitude = bits & 0x7fffffffu;
  uint narrow = magnitude > 0x7f800000u ? 0x7eu : min(small_float_narrow(magnitude, 21u, 0x38800000u), 0x7cu);
  return ((bits >> 24) & 0x80u) | narrow;
}

float f8_value(uint bits) { return f16_value(bits << 8); }

// f8_e4m3fn has no infinity: what is too large, infinities included, saturates at 448.
uint f8_e4m3fn_bits(float value) {
  uint bits = floatBitsToUint(value);
  uint magnitude = bits & 0x7fffffffu;
  uint narrow = magnitude > 0x7f800000u ? 0x7fu : min(small_float_narrow(magnitude, 20u, 0x3c800000u), 0x7eu);
  return ((bits >> 24) & 0x80u) | narrow;
}

float f8_e4m3fn_value(uint bits) {
  uint magnitude = bits & 0x7fu;
  uint wide = magnitude == 0x7fu ? 0x7fc00000u
            : magnitude >= 0x08u ? ((magnitude << 20) + 0x3c000000u)
                                 : floatBitsToUint(float(magnitude) * 0.001953125);
  return uintBitsToFloat(((bits & 0x80u) << 24) | wide);
}
