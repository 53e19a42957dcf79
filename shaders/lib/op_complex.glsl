// Ops of complex numbers: vec2 and dvec2, the real part first. Needs op_common.glsl.
//
// A part is what IEEE 754 makes of the formula, so an infinite factor beside a zero gives NaN: nothing is recovered.

#define COMPLEX_OPS(C)                                                        \
  bool is_true(C a) { return is_true(a.x) || is_true(a.y); }                  \
  C op_add(C a, C b) { precise C r = a + b; return r; }                       \
  C op_subtract(C a, C b) { precise C r = a - b; return r; }                  \
  C op_negate(C a) { return C(op_negate(a.x), op_negate(a.y)); }              \
  C op_conjugate(C a) { return C(a.x, op_negate(a.y)); }

// The two products of a part are exact in double, so that it is rounded once where they cancel, too.
vec2 op_multiply(vec2 a, vec2 b) {
#ifdef USE_F64
  precise dvec2 x = dvec2(a) * dvec2(b.x), y = dvec2(-a.y, a.x) * dvec2(b.y);
  precise dvec2 r = x + y;
  return vec2(r);
#else
  precise vec2 x = a * b.x, y = vec2(-a.y, a.x) * b.y;
  precise vec2 r = x + y;
  return r;
#endif
}
COMPLEX_OPS(vec2)

#ifdef USE_F64
dvec2 op_multiply(dvec2 a, dvec2 b) {
  precise dvec2 x = a * b.x, y = dvec2(-a.y, a.x) * b.y;
  precise dvec2 r = x + y;
  return r;
}
dvec2 op_select(bool taken, dvec2 a, dvec2 b) { return dvec2(op_select(taken, a.x, b.x), op_select(taken, a.y, b.y)); }
COMPLEX_OPS(dvec2)
#endif
