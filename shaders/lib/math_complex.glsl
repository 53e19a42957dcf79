// What complex numbers take more than a formula for. Those of two doubles compute to the last digits of each part; those
// of two floats are computed as such and rounded once.
//
// Read by kernels/glsl/shader_library.h: m_abs is in sections m_abs.c64 and m_abs.c128; names with mi_ are internal.
// Specials follow C99, Annex G.

//@ mi_widen2: mi_widen
dvec2 mi_widen2(vec2 z) { return dvec2(mi_widen(z.x), mi_widen(z.y)); }

//@ mi_parts.f64: mi_const.f64 mi_split.f64 mi_scale.f64
bool mi_is_nan(double x) {
  uvec2 w = unpackDouble2x32(x);
  return mi_nan_bits(uvec2(w.x, w.y & 0x7fffffffu));
}
bool mi_is_inf(double x) {
  uvec2 w = unpackDouble2x32(x);
  return w.x == 0u && (w.y & 0x7fffffffu) == 0x7ff00000u;
}
bool mi_is_finite(double x) { return (unpackDouble2x32(x).y & 0x7ff00000u) != 0x7ff00000u; }
bool mi_is_zero(double x) {
  uvec2 w = unpackDouble2x32(x);
  return (w.x | (w.y & 0x7fffffffu)) == 0u;
}
bool mi_is_negative(double x) { return (unpackDouble2x32(x).y >> 31) == 1u; }
double mi_magnitude(double x) {
  uvec2 w = unpackDouble2x32(x);
  return packDouble2x32(uvec2(w.x, w.y & 0x7fffffffu));
}
// The magnitude of v with the sign of x.
double mi_signed(double v, double x) {
  uvec2 w = unpackDouble2x32(v);
  return packDouble2x32(uvec2(w.x, (w.y & 0x7fffffffu) | (unpackDouble2x32(x).y & 0x80000000u)));
}
// v 2^k, rounded once, for any finite v.
double mi_scaled(double v, int k) {
  if (mi_is_zero(v)) return v;
  dvec2 m = mi_split(mi_magnitude(v));
  return mi_signed(mi_scale(m.x, int(m.y) + k), v);
}
// z 2^-k and k, the larger part's magnitude between 1 and 2; of 0 and of what is not finite z itself. A part that is
// less than 2^-600 of the other is lost.
dvec2 mi_normal(dvec2 z, out int k) {
  double a = mi_magnitude(z.x), b = mi_magnitude(z.y);
  double top = a > b ? a : b;
  k = 0;
  if (!mi_is_finite(a) || !mi_is_finite(b) || top == 0.0lf) return z;
  k = int(mi_split(top).y);
  int half_k = k >> 1;
  precise dvec2 scaled = z * mi_exp2i(-half_k);
  scaled = scaled * mi_exp2i(half_k - k);
  return scaled;
}

//@ m_abs.c128: mi_parts.f64 mi_dd_sqrt.f64
double m_abs(dvec2 z) {
  if (mi_is_inf(z.x) || mi_is_inf(z.y)) return mi_inf64(0u);
  if (mi_is_nan(z.x) || mi_is_nan(z.y)) return mi_nan64();
  if (mi_is_zero(z.x)) return mi_magnitude(z.y);
  if (mi_is_zero(z.y)) return mi_magnitude(z.x);
  int k;
  dvec2 a = mi_normal(z, k);
  dvec2 p = mi_two_prod(a.x, a.x), q = mi_two_prod(a.y, a.y);
  dvec2 s = mi_two_sum(p.x, q.x);
  s.y += p.y + q.y;
  return mi_scale(mi_dd_sqrt(s).x, k);
}

//@ m_abs.c64: mi_widen2 m_abs.c128
float m_abs(vec2 z) { return float(m_abs(mi_widen2(z))); }

//@ m_sign.c128: m_abs.c128 m_div.f64
dvec2 m_sign(dvec2 z) {
  if (mi_is_zero(z.x) && mi_is_zero(z.y)) return z;
  int k;
  dvec2 a = mi_normal(z, k);
  double r = m_abs(a);
  return dvec2(m_div(a.x, r), m_div(a.y, r));
}

//@ m_sign.c64: mi_widen2 m_sign.c128
vec2 m_sign(vec2 z) { return vec2(m_sign(mi_widen2(z))); }

//@ mi_dot2.f64: mi_sum.f64 mi_prod.f64
// a b + c d as a pair.
dvec2 mi_dot2(double a, double b, double c, double d) {
  dvec2 p = mi_two_prod(a, b), q = mi_two_prod(c, d);
  dvec2 s = mi_two_sum(p.x, q.x);
  precise double low = s.y + (p.y + q.y);
  return mi_fast_sum(s.x, low);
}

//@ m_divide.c128: mi_parts.f64 mi_dot2.f64 mi_dd_div.f64 m_div.f64
// An infinity as 1, all else as 0, with their signs.
double mi_boxed(double x) { return mi_signed(mi_is_inf(x) ? 1.0lf : 0.0lf, x); }
dvec2 m_divide(dvec2 a, dvec2 b) {
  // By a real number part by part: nothing of one part comes into the other.
  if (mi_is_zero(b.y) && mi_is_finite(b.x)) return dvec2(m_div(a.x, b.x), m_div(a.y, b.x));
  bool finite_a = mi_is_finite(a.x) && mi_is_finite(a.y), finite_b = mi_is_finite(b.x) && mi_is_finite(b.y);
  if (finite_a && finite_b) {
    int top, under;
    dvec2 x = mi_normal(a, top), y = mi_normal(b, under);
    dvec2 real = mi_dot2(x.x, y.x, x.y, y.y), imaginary = mi_dot2(x.y, y.x, -x.x, y.y);
    dvec2 square = mi_dot2(y.x, y.x, y.y, y.y);
    return dvec2(mi_scaled(mi_dd_div(real, square).x, top - under),
                 mi_scaled(mi_dd_div(imaginary, square).x, top - under));
  }
  bool infinite_a = mi_is_inf(a.x) || mi_is_inf(a.y), infinite_b = mi_is_inf(b.x) || mi_is_inf(b.y);
  if (infinite_a && finite_b) {
    dvec2 x = dvec2(mi_boxed(a.x), mi_boxed(a.y));
    int under;
    dvec2 y = mi_normal(b, under);
    return mi_inf64(0u) * dvec2(x.x * y.x + x.y * y.y, x.y * y.x - x.x * y.y);
  }
  if (finite_a && infinite_b) {
    dvec2 y = dvec2(mi_boxed(b.x), mi_boxed(b.y));
    int top;
    dvec2 x = mi_normal(a, top);
    return 0.0lf * dvec2(x.x * y.x + x.y * y.y, x.y * y.x - x.x * y.y);
  }
  return dvec2(mi_nan64());
}

//@ m_divide.c64: mi_widen2 m_divide.c128
vec2 m_divide(vec2 a, vec2 b) { return vec2(m_divide(mi_widen2(a), mi_widen2(b))); }
