// Exact comparison of numbers of different compute types: compare(a, b) is -1, 0 or 1, and 2 when one is NaN. Nothing is
// rounded to a common type: a float is compared by its integer part first, then by what is cut off.
// Needs op_common.glsl (is_nan, order_key). The emitter passes operands in the order of the types below (int, uint, int64_t, uint64_t, float, double).

#define ORDER(a, b) ((a) < (b) ? -1 : (a) > (b) ? 1 : 0)

int compare(int a, uint b) { return a < 0 ? -1 : ORDER(uint(a), b); }

int compare(float a, float b) { return is_nan(a) || is_nan(b) ? 2 : ORDER(order_key(a), order_key(b)); }

#define COMPARE_FLOAT(I, F, LOW, HIGH)                      \
  int compare(I a, F b) {                                   \
    if (is_nan(b)) return 2;                                 \
    if (b >= HIGH) return -1;                               \
    if (b < LOW) return 1;                                  \
    I whole = I(trunc(b));                                  \
    if (a != whole) return a < whole ? -1 : 1;              \
    return ORDER(order_key(trunc(b)), order_key(b));         \
  }

COMPARE_FLOAT(int, float, -2147483648.0, 2147483648.0)
COMPARE_FLOAT(uint, float, 0.0, 4294967296.0)

#ifdef USE_I64
int compare(int a, int64_t b) { return ORDER(int64_t(a), b); }
int compare(int a, uint64_t b) { return a < 0 ? -1 : ORDER(uint64_t(uint(a)), b); }
int compare(uint a, int64_t b) { return ORDER(int64_t(a), b); }
int compare(uint a, uint64_t b) { return ORDER(uint64_t(a), b); }
int compare(int64_t a, uint64_t b) { return a < 0l ? -1 : ORDER(uint64_t(a), b); }
COMPARE_FLOAT(int64_t, float, -9223372036854775808.0, 9223372036854775808.0)
COMPARE_FLOAT(uint64_t, float, 0.0, 18446744073709551616.0)
#endif

#ifdef USE_F64
COMPARE_FLOAT(int, double, -2147483648.0lf, 2147483648.0lf)
COMPARE_FLOAT(uint, double, 0.0lf, 4294967296.0lf)
#endif

#if defined(USE_I64) && defined(USE_F64)
COMPARE_FLOAT(int64_t, double, -9223372036854775808.0lf, 9223372036854775808.0lf)
COMPARE_FLOAT(uint64_t, double, 0.0lf, 18446744073709551616.0lf)
#endif
