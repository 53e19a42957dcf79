// Integer ops whose corners GLSL leaves open. Division as XLA's: x quotient 0 is all ones, x remainder 0 is x, and the
// least signed number divided by -1 wraps. |bits| is the width of the element type.

#define BITWISE_OPS(T)                               \
  T op_bitwise_and(T a, T b) { return a & b; }       \
  T op_bitwise_or(T a, T b) { return a | b; }        \
  T op_bitwise_xor(T a, T b) { return a ^ b; }       \
  T op_bitwise_not(T a) { return ~a; }

// Shifts by the width or more, and by negative counts, move every bit out.
#define LEFT_SHIFT(T, ZERO) \
  T op_left_shift(T a, T n, int bits) { return n < ZERO || n >= T(bits) ? ZERO : a << int(n); }

#define SIGNED_SHIFT(T, ZERO) \
  T op_right_shift(T a, T n, int bits) { return a >> (n < ZERO || n >= T(bits) ? bits - 1 : int(n)); }

#define UNSIGNED_SHIFT(T, ZERO) \
  T op_right_shift(T a, T n, int bits) { return n >= T(bits) ? ZERO : a >> int(n); }

#define UNSIGNED_DIVISION(T, ZERO, ONE)                                                       \
  T op_quotient(T a, T b) { return b == ZERO ? ~ZERO : divided(a, b); }                       \
  T op_remainder(T a, T b) { return b == ZERO ? a : left_over(a, b); }                        \
  T op_pow(T a, T n) {                                                                        \
    T r = ONE;                                                                                \
    while (n != ZERO) {                                                                       \
      if ((n & ONE) != ZERO) r *= a;                                                          \
      a *= a;                                                                                 \
      n >>= 1;                                                                                \
    }                                                                                         \
    return r;                                                                                 \
  }

// Signed division by magnitudes, which have no overflow. A negative exponent gives the truncated quotient: 0 unless the
// base is 1 or -1.
#define SIGNED_DIVISION(T, U, ZERO, ONE)                                                      \
  U magnitude(T a) { return a < ZERO ? U(0) - U(a) : U(a); }                                  \
  T op_quotient(T a, T b) {                                                                   \
    if (b == ZERO) return ~ZERO;                                                              \
    U q = divided(magnitude(a), magnitude(b));                                                     \
    return T((a < ZERO) != (b < ZERO) ? U(0) - q : q);                                        \
  }                                                                                           \
  T op_remainder(T a, T b) {                                                                  \
    if (b == ZERO) return a;                                                                  \
    U r = left_over(magnitude(a), magnitude(b));                                                     \
    return T(a < ZERO ? U(0) - r : r);                                                        \
  }                                                                                           \
  T op_pow(T a, T n) {                                                                        \
    if (n >= ZERO) return T(op_pow(U(a), U(n)));                                              \
    if (a == ONE) return ONE;                                                                 \
    return a == ~ZERO ? ((n & ONE) != ZERO ? a : ONE) : ZERO;                                 \
  }

BITWISE_OPS(int)
BITWISE_OPS(uint)
LEFT_SHIFT(int, 0)
LEFT_SHIFT(uint, 0u)
SIGNED_SHIFT(int, 0)
UNSIGNED_SHIFT(uint, 0u)
uint divided(uint a, uint b) { return a / b; }
uint left_over(uint a, uint b) { return a % b; }
UNSIGNED_DIVISION(uint, 0u, 1u)
SIGNED_DIVISION(int, uint, 0, 1)

uint low_bits(uint a, int bits) { return bitfieldExtract(a, 0, bits); }
uint op_count_leading_zeros(uint a, int bits) { return uint(bits - 1 - findMSB(low_bits(a, bits))); }
int op_count_leading_zeros(int a, int bits) { return int(op_count_leading_zeros(uint(a), bits)); }
uint op_population_count(uint a, int bits) { return uint(bitCount(low_bits(a, bits))); }
int op_population_count(int a, int bits) { return bitCount(low_bits(uint(a), bits)); }

#ifdef USE_I64
BITWISE_OPS(int64_t)
BITWISE_OPS(uint64_t)
LEFT_SHIFT(int64_t, 0l)
LEFT_SHIFT(uint64_t, 0ul)
SIGNED_SHIFT(int64_t, 0l)
UNSIGNED_SHIFT(uint64_t, 0ul)
// No device divides 64 bits, and most numbers have half of them.
uint64_t divided(uint64_t a, uint64_t b) { return uint((a | b) >> 32) == 0u ? uint64_t(uint(a) / uint(b)) : a / b; }
uint64_t left_over(uint64_t a, uint64_t b) { return uint((a | b) >> 32) == 0u ? uint64_t(uint(a) % uint(b)) : a % b; }
UNSIGNED_DIVISION(uint64_t, 0ul, 1ul)
SIGNED_DIVISION(int64_t, uint64_t, 0l, 1l)

uint64_t op_count_leading_zeros(uint64_t a, int bits) {
  uint high = uint(a >> 32);
  return uint64_t(high != 0u ? 31 - findMSB(high) : 63 - findMSB(uint(a)));
}
int64_t op_count_leading_zeros(int64_t a, int bits) { return int64_t(op_count_leading_zeros(uint64_t(a), bits)); }
uint64_t op_population_count(uint64_t a, int bits) { return uint64_t(bitCount(uint(a)) + bitCount(uint(a >> 32))); }
int64_t op_population_count(int64_t a, int bits) { return int64_t(op_population_count(uint64_t(a), bits)); }
#endif
