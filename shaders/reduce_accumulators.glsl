// What a reduction carries from element to element: struct Acc and its functions, one set per ACC_* macro.
//
// The emitter defines VALUE, the type elements arrive in, VALUE_F32 or VALUE_F64 when that is a float, VALUE_C64 or
// VALUE_C128 when it is two of them, PRODUCT_IN_DOUBLE where products of f32 are exact in a wider type, ACC_START for
// ACC_MAX and ACC_MIN and for products of complex numbers ACC_ONE and op_multiply (lib/op_complex.glsl). A set of two members defines ACC_EXTRA, the type of the second: between passes each member lies in
// a buffer of its own. Tests for NaN look at the bits: a driver may compile x != x away.

#if defined(VALUE_F32)
bool is_nan_value(VALUE x) { return (floatBitsToUint(x) & 0x7fffffffu) > 0x7f800000u; }
bool is_finite_value(VALUE x) { return (floatBitsToUint(x) & 0x7f800000u) != 0x7f800000u; }
#elif defined(VALUE_F64)
bool is_nan_value(VALUE x) {
  uvec2 word = unpackDouble2x32(x);
  uint high = word.y & 0x7fffffffu;
  return high > 0x7ff00000u || (high == 0x7ff00000u && word.x != 0u);
}
bool is_finite_value(VALUE x) { return (unpackDouble2x32(x).y & 0x7ff00000u) != 0x7ff00000u; }
#elif defined(VALUE_C64)
bvec2 are_finite(VALUE x) { return notEqual(floatBitsToUint(x) & 0x7f800000u, uvec2(0x7f800000u)); }
#elif defined(VALUE_C128)
bvec2 are_finite(VALUE x) {
  uvec2 high = uvec2(unpackDouble2x32(x.x).y, unpackDouble2x32(x.y).y);
  return notEqual(high & 0x7ff00000u, uvec2(0x7ff00000u));
}
#else
bool is_nan_value(VALUE x) { return false; }
#endif

#if defined(ACC_SUM_COMPENSATED)
// The running sum and what its roundings lost: the result is within one rounding of the exact sum, whatever the order.
#define ACC_EXTRA VALUE
#if defined(VALUE_F64) || defined(VALUE_C128)
#define VALUE_SPLIT 134217729.0lf
#else
#define VALUE_SPLIT 4097.0
#endif
struct Acc {
  VALUE value;
  VALUE extra;
};
Acc acc_identity() { return Acc(VALUE(0), VALUE(0)); }
// Knuth's exact addition. `precise` forbids the algebra that would find the lost part to be zero.
void acc_put(inout Acc acc, VALUE x, VALUE x_lost) {
  precise VALUE sum = acc.value + x;
  precise VALUE part = sum - acc.value;
  precise VALUE rest = sum - part;
  precise VALUE lost = (acc.value - rest) + (x - part);
  precise VALUE all_lost = acc.extra + (lost + x_lost);
  acc.value = sum;
  acc.extra = all_lost;
}
void acc_add(inout Acc acc, VALUE x, uint position) { acc_put(acc, x, VALUE(0)); }
#if defined(VALUE_C64)
#define WIDE dvec2
#else
#define WIDE double
#endif
// A product with what its rounding loses, so that a dot is as exact as a sum. Not by fma: a driver may make it two roundings.
void acc_one_product(inout Acc acc, VALUE a, VALUE b) {
#if defined(PRODUCT_IN_DOUBLE)
  precise WIDE exact = WIDE(a) * WIDE(b);
  precise VALUE product = VALUE(exact);
  precise VALUE lost = VALUE(exact - WIDE(product));
#else
  // Dekker's product of halves.
  precise VALUE product = a * b;
  precise VALUE a_scaled = a * VALUE_SPLIT, b_scaled = b * VALUE_SPLIT;
  precise VALUE a_high = a_scaled - (a_scaled - a), b_high = b_scaled - (b_scaled - b);
  precise VALUE a_low = a - a_high, b_low = b - b_high;
  precise VALUE lost = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low;
#endif
  acc_put(acc, product, lost);
}
#if defined(VALUE_C64) || defined(VALUE_C128)
// Each part is a sum of two products.
void acc_product(inout Acc acc, VALUE a, VALUE b) {
  acc_one_product(acc, a, VALUE(b.x));
  acc_one_product(acc, VALUE(-a.y, a.x), VALUE(b.y));
}
#else
void acc_product(inout Acc acc, VALUE a, VALUE b) { acc_one_product(acc, a, b); }
#endif
Acc acc_merge(Acc a, Acc b) {
  acc_put(a, b.value, b.extra);
  return a;
}
// An infinite or NaN sum makes the lost part NaN, and is the result.
#if defined(VALUE_C64) || defined(VALUE_C128)
VALUE acc_result(Acc acc) {
  bvec2 finite = are_finite(acc.extra);
  return VALUE(finite.x ? acc.value.x + acc.extra.x : acc.value.x, finite.y ? acc.value.y + acc.extra.y : acc.value.y);
}
#else
VALUE acc_result(Acc acc) { return is_finite_value(acc.extra) ? acc.value + acc.extra : acc.value; }
#endif

#elif defined(ACC_SUM) || defined(ACC_PRODUCT)
#if defined(ACC_SUM)
#define ACC_START VALUE(0)
#define ACC_JOIN(a, b) ((a) + (b))
#elif defined(ACC_ONE)
#define ACC_START ACC_ONE
#define ACC_JOIN(a, b) op_multiply(a, b)
#else
#define ACC_START VALUE(1)
#define ACC_JOIN(a, b) ((a) * (b))
#endif
struct Acc {
  VALUE value;
};
Acc acc_identity() { return Acc(ACC_START); }
void acc_add(inout Acc acc, VALUE x, uint position) { acc.value = ACC_JOIN(acc.value, x); }
Acc acc_merge(Acc a, Acc b) { return Acc(ACC_JOIN(a.value, b.value)); }
VALUE acc_result(Acc acc) { return acc.value; }

#elif defined(ACC_MAX) || defined(ACC_MIN)
#if defined(ACC_MAX)
#define ACC_BEATS(a, b) ((a) > (b))
#else
#define ACC_BEATS(a, b) ((a) < (b))
#endif
struct Acc {
  VALUE value;
};
Acc acc_identity() { return Acc(ACC_START); }
void acc_add(inout Acc acc, VALUE x, uint position) {
  if (ACC_BEATS(x, acc.value) || is_nan_value(x)) {
    if (!is_nan_value(acc.value)) acc.value = x;
  }
}
Acc acc_merge(Acc a, Acc b) {
  acc_add(a, b.value, 0u);
  return a;
}
VALUE acc_result(Acc acc) { return acc.value; }

#elif defined(ACC_ALL) || defined(ACC_ANY)
// Elements arrive as 0 or 1.
#if defined(ACC_ALL)
#define ACC_START 1u
#define ACC_JOIN(a, b) ((a) & (b))
#else
#define ACC_START 0u
#define ACC_JOIN(a, b) ((a) | (b))
#endif
struct Acc {
  VALUE value;
};
Acc acc_identity() { return Acc(ACC_START); }
void acc_add(inout Acc acc, VALUE x, uint position) { acc.value = ACC_JOIN(acc.value, x); }
Acc acc_merge(Acc a, Acc b) { return Acc(ACC_JOIN(a.value, b.value)); }
VALUE acc_result(Acc acc) { return acc.value; }

#elif defined(ACC_ARGMAX) || defined(ACC_ARGMIN)
// The best element so far and, in extra, its position. A position of ACC_NONE stands for no element at all, so that a row of
// infinities needs no value below it.
#if defined(ACC_ARGMAX)
#define ACC_BEATS(a, b) ((a) > (b))
#else
#define ACC_BEATS(a, b) ((a) < (b))
#endif
#define ACC_NONE 0xffffffffu
#define ACC_EXTRA uint
struct Acc {
  VALUE value;
  uint extra;
};
Acc acc_identity() { return Acc(VALUE(0), ACC_NONE); }
// Any element before none, a NaN before any number, the last NaN, the better value, and among equals the lower
// position (TIE_HIGH: the higher one). Without branches, which cost more than what they would skip.
Acc acc_merge(Acc a, Acc b) {
#if defined(TIE_HIGH)
  bool wins_tie = b.extra > a.extra;
#else
  bool wins_tie = b.extra < a.extra;
#endif
  bool a_nan = is_nan_value(a.value), b_nan = is_nan_value(b.value);
  bool wins_number = ACC_BEATS(b.value, a.value) || (b.value == a.value && wins_tie);
  bool wins_nan = b_nan && (!a_nan || b.extra > a.extra);
  bool wins = a_nan || b_nan ? wins_nan : wins_number;
  wins = b.extra != ACC_NONE && (a.extra == ACC_NONE || wins);
  return Acc(wins ? b.value : a.value, wins ? b.extra : a.extra);
}
// An invocation meets its elements in ascending order, so that among equals only the direction of the tie counts.
void acc_add(inout Acc acc, VALUE x, uint position) {
#if defined(TIE_HIGH)
  bool better = !ACC_BEATS(acc.value, x);
#else
  bool better = ACC_BEATS(x, acc.value);
#endif
  bool takes = acc.extra == ACC_NONE || is_nan_value(x) || (!is_nan_value(acc.value) && better);
  acc.value = takes ? x : acc.value;
  acc.extra = takes ? position : acc.extra;
}
uint acc_result(Acc acc) { return acc.extra; }
#endif
