// Ops that every compute type has. One function per op and type, named op_<Nx's name>; the emitter converts operands
// before and rounds (or wraps) to the element type afterwards. `precise` keeps a later fusion from contracting.

#define COMMON_OPS(T)                                                         \
  T op_add(T a, T b) { precise T r = a + b; return r; }                       \
  T op_subtract(T a, T b) { precise T r = a - b; return r; }                  \
  T op_multiply(T a, T b) { precise T r = a * b; return r; }

#define INTEGER_OPS(T, ZERO)                                                  \
  bool is_true(T a) { return a != ZERO; }                                     \
  T op_max(T a, T b) { return a >= b ? a : b; }                               \
  T op_min(T a, T b) { return a <= b ? a : b; }                               \
  T op_clip(T a, T low, T high) { return op_min(op_max(a, low), high); }      \
  T op_ceil(T a) { return a; }                                                \
  T op_floor(T a) { return a; }                                               \
  T op_round(T a) { return a; }                                               \
  T op_negate(T a) { return ZERO - a; }                                       \
  bool is_nan(T a) { return false; }                                          \
  bool is_infinity(T a) { return false; }

// Bits decide what is NaN, infinite or -0, so that no compiler's assumption about such values matters. A NaN wins in
// max and min; of two equal numbers (-0 and 0) the first is taken, as Erlang's max/2 does. The clip of NaN is the lower
// bound and the sign of NaN is 1, as Nx.BinaryBackend has it.
#define FLOAT_OPS(T)                                                          \
  T op_max(T a, T b) {                                                        \
    if (is_nan(a)) return a;                                                  \
    if (is_plain(b)) return a < b ? b : a;                                    \
    return is_nan(b) ? b : order_key(a) >= order_key(b) ? a : b;              \
  }                                                                           \
  T op_min(T a, T b) {                                                        \
    if (is_nan(a)) return a;                                                  \
    if (is_plain(b)) return b < a ? b : a;                                    \
    return is_nan(b) ? b : order_key(a) <= order_key(b) ? a : b;              \
  }                                                                           \
  T op_clip(T a, T low, T high) { return op_min(is_nan(a) ? low : op_max(a, low), high); } \
  T op_sign(T a) { return !is_true(a) ? a : is_nan(a) ? T(1) : with_sign_of(T(1), a); } \
  T op_ceil(T a) { return with_sign_of(ceil(a), a); }                         \
  T op_floor(T a) { return with_sign_of(floor(a), a); }                       \
  /* Half away from zero: a - trunc(a) is exact, a + 0.5 is not. */           \
  T op_round(T a) {                                                           \
    T whole = trunc(abs(a));                                                  \
    T r = abs(a) - whole >= T(0.5) ? whole + T(1) : whole;                    \
    return with_sign_of(r, a);                                                \
  }

COMMON_OPS(int)
COMMON_OPS(uint)
INTEGER_OPS(int, 0)
INTEGER_OPS(uint, 0u)
int op_abs(int a) { return a < 0 ? 0 - a : a; }
uint op_abs(uint a) { return a; }
int op_sign(int a) { return a > 0 ? 1 : a < 0 ? -1 : 0; }
uint op_sign(uint a) { return min(a, 1u); }

bool is_nan(float a) { return (floatBitsToUint(a) & 0x7fffffffu) > 0x7f800000u; }
bool is_infinity(float a) { return (floatBitsToUint(a) & 0x7fffffffu) == 0x7f800000u; }
float op_abs(float a) { return uintBitsToFloat(floatBitsToUint(a) & 0x7fffffffu); }
float op_negate(float a) { return uintBitsToFloat(floatBitsToUint(a) ^ 0x80000000u); }
// The sign of |a| on a result that is 0 or has it already; NaN stays what it is.
float with_sign_of(float r, float a) {
  return uintBitsToFloat((floatBitsToUint(r) & 0x7fffffffu) | (floatBitsToUint(a) & 0x80000000u));
}
bool is_true(float a) { return (floatBitsToUint(a) & 0x7fffffffu) != 0u; }
// Whether it is neither NaN nor zero nor subnormal, so that any number compares with it as it should where subnormal
// ones are taken for zeros. Mostly this is of a number that all elements have, and costs each of them nothing.
bool is_plain(float a) { return (floatBitsToUint(a) & 0x7fffffffu) - 0x00800000u <= 0x7f000000u; }
// An integer that orders as the float does, -0 beside 0. A device that flushes subnormal numbers would compare them as zeros.
int order_key(float a) {
  int bits = floatBitsToInt(a);
  return bits < 0 ? int(0x80000000u) - bits : bits;
}
COMMON_OPS(float)
FLOAT_OPS(float)

#ifdef USE_I64
COMMON_OPS(int64_t)
COMMON_OPS(uint64_t)
INTEGER_OPS(int64_t, 0l)
INTEGER_OPS(uint64_t, 0ul)
int64_t op_abs(int64_t a) { return a < 0l ? 0l - a : a; }
uint64_t op_abs(uint64_t a) { return a; }
int64_t op_sign(int64_t a) { return a > 0l ? 1l : a < 0l ? -1l : 0l; }
uint64_t op_sign(uint64_t a) { return a != 0ul ? 1ul : 0ul; }
#endif

#ifdef USE_F64
// By bits: of `a + (c ? x : 0)` in doubles NVIDIA's compiler (driver 580) makes NaN where x is infinite and not taken.
double op_select(bool taken, double a, double b) {
  return packDouble2x32(mix(unpackDouble2x32(b), unpackDouble2x32(a), bvec2(taken)));
}
bool is_nan(double a) {
  uvec2 bits = unpackDouble2x32(a);
  uint top = bits.y & 0x7fffffffu;
  return top > 0x7ff00000u || (top == 0x7ff00000u && bits.x != 0u);
}
bool is_infinity(double a) {
  uvec2 bits = unpackDouble2x32(a);
  return bits.x == 0u && (bits.y & 0x7fffffffu) == 0x7ff00000u;
}
double op_abs(double a) {
  uvec2 bits = unpackDouble2x32(a);
  return packDouble2x32(uvec2(bits.x, bits.y & 0x7fffffffu));
}
double op_negate(double a) {
  uvec2 bits = unpackDouble2x32(a);
  return packDouble2x32(uvec2(bits.x, bits.y ^ 0x80000000u));
}
double with_sign_of(double r, double a) {
  uvec2 bits = unpackDouble2x32(r);
  return packDouble2x32(uvec2(bits.x, (bits.y & 0x7fffffffu) | (unpackDouble2x32(a).y & 0x80000000u)));
}
bool is_true(double a) { return a != 0.0lf; }
// Devices keep the subnormal numbers of f64.
bool is_plain(double a) { return !is_nan(a); }
double order_key(double a) { return a; }
COMMON_OPS(double)
FLOAT_OPS(double)
#endif
