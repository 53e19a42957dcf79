// Ops of integers of which one may be below 0 and another above 2^63 - 1: 64 bits and whether they stand for a number
// below 0, as two's complement. Results are the lower 64 bits of the exact ones; corners as in op_integer.glsl.

struct Wide {
  uint64_t bits;
  bool negative;
};
Wide wide(int64_t a) { return Wide(uint64_t(a), a < 0l); }
Wide wide(uint64_t a) { return Wide(a, false); }

uint64_t wide_magnitude(Wide a) { return a.negative ? 0ul - a.bits : a.bits; }
bool wide_less(Wide a, Wide b) { return a.negative != b.negative ? a.negative : a.bits < b.bits; }
// Shifts by the width or more, and by negative counts, move every bit out.
bool wide_is_out(Wide n) { return n.negative || n.bits >= 64ul; }

Wide wide_least(Wide a, Wide b) { if (wide_less(b, a)) return b; return a; }
Wide wide_greatest(Wide a, Wide b) { if (wide_less(a, b)) return b; return a; }
uint64_t wide_min(Wide a, Wide b) { return wide_least(a, b).bits; }
uint64_t wide_max(Wide a, Wide b) { return wide_greatest(a, b).bits; }
uint64_t wide_clip(Wide a, Wide low, Wide high) { return wide_least(wide_greatest(a, low), high).bits; }

uint64_t wide_quotient(Wide a, Wide b) {
  if (b.bits == 0ul) return ~0ul;
  uint64_t q = wide_magnitude(a) / wide_magnitude(b);
  return a.negative != b.negative ? 0ul - q : q;
}
uint64_t wide_remainder(Wide a, Wide b) {
  if (b.bits == 0ul) return a.bits;
  uint64_t r = wide_magnitude(a) % wide_magnitude(b);
  return a.negative ? 0ul - r : r;
}
uint64_t wide_left_shift(Wide a, Wide n) { return wide_is_out(n) ? 0ul : a.bits << int(n.bits); }
uint64_t wide_right_shift(Wide a, Wide n) {
  if (a.negative) return uint64_t(int64_t(a.bits) >> (wide_is_out(n) ? 63 : int(n.bits)));
  return wide_is_out(n) ? 0ul : a.bits >> int(n.bits);
}
// A negative exponent gives the truncated quotient: 0 unless the base is 1 or -1.
uint64_t wide_pow(Wide a, Wide n) {
  if (n.negative) {
    if (a.bits == 1ul) return 1ul;
    if (!a.negative || a.bits != ~0ul) return 0ul;
    return (n.bits & 1ul) != 0ul ? a.bits : 1ul;
  }
  uint64_t r = 1ul;
  uint64_t base = a.bits;
  for (uint64_t rest = n.bits; rest != 0ul; rest >>= 1) {
    if ((rest & 1ul) != 0ul) r *= base;
    base *= base;
  }
  return r;
}
