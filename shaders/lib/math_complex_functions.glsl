// Functions of complex numbers. Those of two doubles are within a few units of the last place of the result's modulus;
// those of two floats are computed as such and rounded once.
//
// Sections and conventions as in math_complex.glsl. Branch cuts, signed zeros and specials follow C99, Annex G.

//@ m_exp.c128: mi_parts.f64 m_exp.f64 m_sin.f64 m_cos.f64
// e^x (u, v), where e^x may overflow and the result does not; finite x.
dvec2 mi_exp_times(double x, dvec2 uv) {
  if (x <= 700.0lf) return m_exp(x) * uv;
  // e^512 by itself.
  return (m_exp(min(x, 1500.0lf) - 512.0lf) * uv) * 2.2844135865397566e222lf;
}
dvec2 m_exp(dvec2 z) {
  if (mi_is_zero(z.y)) return dvec2(m_exp(z.x), z.y);
  if (mi_is_inf(z.x) && !mi_is_finite(z.y))
    return mi_is_negative(z.x) ? dvec2(0.0lf, mi_signed(0.0lf, z.y)) : dvec2(z.x, mi_nan64());
  dvec2 turn = dvec2(m_cos(z.y), m_sin(z.y));
  return mi_is_finite(z.x) ? mi_exp_times(z.x, turn) : m_exp(z.x) * turn;
}

//@ m_expm1.c128: m_exp.c128 m_expm1.f64
dvec2 m_expm1(dvec2 z) {
  if (mi_is_zero(z.y)) return dvec2(m_expm1(z.x), z.y);
  dvec2 whole = m_exp(z);
  if (!mi_is_finite(z.x) || !mi_is_finite(z.y) || z.x > 40.0lf) return dvec2(whole.x - 1.0lf, whole.y);
  double half_sine = m_sin(0.5lf * z.y);
  precise double real = m_expm1(z.x) * m_cos(z.y) - 2.0lf * half_sine * half_sine;
  return dvec2(real, whole.y);
}

//@ m_sigmoid.c128: m_exp.c128 m_tanh.c128 m_divide.c128
dvec2 m_sigmoid(dvec2 z) {
  // Near the poles, where 1 + e^-z cancels.
  if (mi_magnitude(z.x) < 1.0lf) return dvec2(0.5lf, 0.0lf) + 0.5lf * m_tanh(0.5lf * z);
  bool left = mi_is_negative(z.x);
  dvec2 e = m_exp(left ? z : -z);
  return m_divide(left ? e : dvec2(1.0lf, 0.0lf), dvec2(1.0lf + e.x, e.y));
}

//@ mi_log_abs.c128: mi_parts.f64 mi_dot2.f64 mi_log_core.f64 mi_log_split.f64
// log |z| for finite z other than 0.
double mi_log_abs(dvec2 z) {
  int k;
  dvec2 a = mi_normal(z, k);
  dvec2 square = mi_dot2(a.x, a.x, a.y, a.y);
  dvec2 m = mi_log_split(square.x);
  return 0.5lf * mi_log_core(2.0lf * double(k) + m.y, mi_two_sum(m.x, square.y * mi_exp2i(-int(m.y)))).x;
}

//@ m_log.c128: mi_log_abs.c128 m_atan2.f64
dvec2 m_log(dvec2 z) {
  double angle = m_atan2(z.y, z.x);
  if (mi_is_inf(z.x) || mi_is_inf(z.y)) return dvec2(mi_inf64(0u), angle);
  if (mi_is_nan(z.x) || mi_is_nan(z.y)) return dvec2(mi_nan64());
  if (mi_is_zero(z.x) && mi_is_zero(z.y)) return dvec2(mi_inf64(0x80000000u), angle);
  return dvec2(mi_log_abs(z), angle);
}

//@ m_log1p.c128: m_log.c128 mi_log1p_dd.f64 m_log1p.f64
dvec2 m_log1p(dvec2 z) {
  if (mi_is_zero(z.y) && !(z.x < -1.0lf)) return dvec2(m_log1p(z.x), z.y);
  double a = mi_magnitude(z.x), b = mi_magnitude(z.y);
  if (!(a < 0.5lf && b < 1e100lf)) return m_log(dvec2(1.0lf + z.x, z.y));
  if (a < 1e-30lf && b < 1e-30lf) return z;
  // |1 + z|^2 - 1 = 2 x + (x^2 + y^2).
  dvec2 square = mi_dot2(z.x, z.x, z.y, z.y);
  dvec2 s = mi_two_sum(2.0lf * z.x, square.x);
  return dvec2(0.5lf * mi_log1p_dd(mi_fast_sum(s.x, s.y + square.y)).x, m_atan2(z.y, 1.0lf + z.x));
}

//@ m_sqrt.c128: mi_parts.f64 mi_dot2.f64 mi_dd_sqrt.f64 m_div.f64
dvec2 m_sqrt(dvec2 z) {
  if (mi_is_inf(z.y)) return dvec2(mi_inf64(0u), z.y);
  if (mi_is_inf(z.x)) {
    double rest = mi_is_nan(z.y) ? z.y : mi_signed(0.0lf, z.y);
    if (!mi_is_negative(z.x)) return dvec2(z.x, rest);
    return dvec2(mi_magnitude(rest), mi_signed(mi_inf64(0u), z.y));
  }
  if (mi_is_nan(z.x) || mi_is_nan(z.y)) return dvec2(mi_nan64());
  if (mi_is_zero(z.x) && mi_is_zero(z.y)) return dvec2(0.0lf, z.y);
  int k;
  dvec2 a = mi_normal(z, k);
  if ((k & 1) != 0) a *= 2.0lf;
  // The larger part is sqrt((|x| + |z|) / 2); the other follows from the product of both.
  dvec2 modulus = mi_dd_sqrt(mi_dot2(a.x, a.x, a.y, a.y));
  dvec2 s = mi_two_sum(modulus.x, mi_magnitude(a.x));
  s.y += modulus.y;
  double larger = mi_scale(mi_dd_sqrt(0.5lf * s).x, k >> 1);
  double other = m_div(mi_magnitude(z.y), 2.0lf * larger);
  bool left = mi_is_negative(z.x) && !mi_is_zero(z.x);
  return left ? dvec2(other, mi_signed(larger, z.y)) : dvec2(larger, mi_signed(other, z.y));
}

//@ m_rsqrt.c128: m_sqrt.c128 m_divide.c128
dvec2 m_rsqrt(dvec2 z) { return m_divide(dvec2(1.0lf, 0.0lf), m_sqrt(z)); }

//@ m_cbrt.c128: m_abs.c128 m_atan2.f64 m_cbrt.f64 m_sin.f64 m_cos.f64
// The principal one: of a negative number not the real one.
dvec2 m_cbrt(dvec2 z) {
  if (mi_is_zero(z.y) && !mi_is_negative(z.x)) return dvec2(m_cbrt(z.x), z.y);
  int k;
  dvec2 a = mi_normal(z, k);
  // k = 3 third + rest, 0 <= rest < 3.
  int third = (k + 1200) / 3 - 400;
  double r = m_cbrt(m_abs(a) * mi_exp2i(k - 3 * third)) * mi_exp2i(third);
  double angle = m_atan2(z.y, z.x) / 3.0lf;
  if (mi_is_zero(angle)) return dvec2(r, angle);
  return dvec2(r * m_cos(angle), r * m_sin(angle));
}

//@ m_pow.c128: m_log.c128 m_exp.c128 m_abs.c128 m_divide.c128 m_pow.f64
// 0 to any power but 0 is 0, as Nx has it.
dvec2 m_pow(dvec2 z, dvec2 w) {
  if (mi_is_zero(w.x) && mi_is_zero(w.y)) return dvec2(1.0lf, 0.0lf);
  if (mi_is_zero(z.x) && mi_is_zero(z.y)) return dvec2(0.0lf);
  if (mi_is_zero(w.y) && w.x == 1.0lf) return z;
  if (mi_is_zero(w.y) && w.x == -1.0lf) return m_divide(dvec2(1.0lf, 0.0lf), z);
  dvec2 l = m_log(z);
  precise double angle = w.x * l.y + w.y * l.x;
  dvec2 turn = dvec2(m_cos(angle), m_sin(angle));
  double r = m_abs(z);
  // The power of a real number keeps its digits where the product with a logarithm does not.
  if (mi_is_zero(w.y) && mi_is_finite(r)) return m_pow(r, w.x) * turn;
  precise double grows = w.x * l.x - w.y * l.y;
  return mi_is_finite(grows) ? mi_exp_times(grows, turn) : m_exp(grows) * turn;
}

//@ m_cosh.c128: m_exp.c128 m_cosh.f64 m_sinh.f64
dvec2 m_cosh(dvec2 z) {
  if (mi_is_zero(z.y)) return dvec2(m_cosh(z.x), mi_is_negative(z.x) ? -z.y : z.y);
  if (mi_is_zero(z.x)) return dvec2(m_cos(z.y), mi_is_finite(z.y) ? z.x * m_sin(z.y) : z.x);
  if (mi_is_inf(z.x) && !mi_is_finite(z.y)) return dvec2(mi_inf64(0u), mi_nan64());
  dvec2 turn = dvec2(m_cos(z.y), mi_is_negative(z.x) ? -m_sin(z.y) : m_sin(z.y));
  double a = mi_magnitude(z.x);
  if (a > 40.0lf && mi_is_finite(a)) return mi_exp_times(a, 0.5lf * turn);
  return dvec2(m_cosh(a) * turn.x, m_sinh(a) * turn.y);
}

//@ m_sinh.c128: m_exp.c128 m_cosh.f64 m_sinh.f64
dvec2 m_sinh(dvec2 z) {
  if (mi_is_zero(z.y)) return dvec2(m_sinh(z.x), z.y);
  if (mi_is_zero(z.x)) return dvec2(mi_is_finite(z.y) ? z.x * m_cos(z.y) : z.x, m_sin(z.y));
  if (mi_is_inf(z.x) && !mi_is_finite(z.y)) return dvec2(z.x, mi_nan64());
  dvec2 turn = dvec2(mi_is_negative(z.x) ? -m_cos(z.y) : m_cos(z.y), m_sin(z.y));
  double a = mi_magnitude(z.x);
  if (a > 40.0lf && mi_is_finite(a)) return mi_exp_times(a, 0.5lf * turn);
  return dvec2(m_sinh(a) * turn.x, m_cosh(a) * turn.y);
}

//@ m_tanh.c128: mi_parts.f64 m_exp.f64 m_cosh.f64 m_sinh.f64 m_tanh.f64 m_sin.f64 m_cos.f64 m_tan.f64 m_div.f64
dvec2 m_tanh(dvec2 z) {
  if (mi_is_zero(z.y)) return dvec2(m_tanh(z.x), z.y);
  if (mi_is_zero(z.x)) return dvec2(z.x, m_tan(z.y));
  double c = m_cos(z.y), s = m_sin(z.y);
  double a = mi_magnitude(z.x);
  if (a > 40.0lf) {
    double one = mi_signed(1.0lf, z.x);
    if (!mi_is_finite(z.y)) return mi_is_inf(z.x) ? dvec2(one, mi_signed(0.0lf, z.y)) : dvec2(mi_nan64());
    return dvec2(one, 4.0lf * s * c * m_exp(-2.0lf * a));
  }
  // (sinh x cosh x + i sin y cos y) / (sinh(x)^2 + cos(y)^2): nothing cancels.
  double h = m_sinh(z.x);
  double under = h * h + c * c;
  return dvec2(m_div(h * m_cosh(z.x), under), m_div(s * c, under));
}

//@ mi_turned.c128:
// i z, and z / i.
dvec2 mi_turned(dvec2 z) { return dvec2(-z.y, z.x); }
dvec2 mi_turned_back(dvec2 z) { return dvec2(z.y, -z.x); }

//@ m_cos.c128: m_cosh.c128 mi_turned.c128
dvec2 m_cos(dvec2 z) { return m_cosh(mi_turned(z)); }

//@ m_sin.c128: m_sinh.c128 mi_turned.c128
dvec2 m_sin(dvec2 z) { return mi_turned_back(m_sinh(mi_turned(z))); }

//@ m_tan.c128: m_tanh.c128 mi_turned.c128
dvec2 m_tan(dvec2 z) { return mi_turned_back(m_tanh(mi_turned(z))); }

//@ mi_log_twice.c128: mi_log_abs.c128
// log(2 |z|), which does not overflow.
double mi_log_twice(dvec2 z) { return mi_log_abs(z) + 0.6931471805599453lf; }
bool mi_is_large(dvec2 z) { return mi_magnitude(z.x) > 1e150lf || mi_magnitude(z.y) > 1e150lf; }

//@ m_asin.c128: m_sqrt.c128 m_asinh.f64 m_atan2.f64 mi_log_twice.c128
// By the roots of 1 - z and 1 + z (Kahan), of whose parts no products cancel.
dvec2 m_asin(dvec2 z) {
  if (mi_is_inf(z.x) || mi_is_inf(z.y))
    return dvec2(m_atan2(z.x, mi_magnitude(z.y)), mi_signed(mi_inf64(0u), z.y));
  if (mi_is_zero(z.x) && mi_is_nan(z.y)) return z;
  if (mi_is_nan(z.x) || mi_is_nan(z.y)) return dvec2(mi_nan64());
  if (mi_is_large(z)) return dvec2(m_atan2(z.x, mi_magnitude(z.y)), mi_signed(mi_log_twice(z), z.y));
  dvec2 less = m_sqrt(dvec2(1.0lf - z.x, -z.y)), more = m_sqrt(dvec2(1.0lf + z.x, z.y));
  precise double real = less.x * more.x - less.y * more.y;
  precise double imaginary = less.x * more.y - less.y * more.x;
  return dvec2(m_atan2(z.x, real), mi_signed(m_asinh(imaginary), z.y));
}

//@ m_acos.c128: m_sqrt.c128 m_asinh.f64 m_atan2.f64 mi_log_twice.c128
dvec2 m_acos(dvec2 z) {
  if (mi_is_inf(z.x) || mi_is_inf(z.y))
    return dvec2(m_atan2(mi_magnitude(z.y), z.x), mi_signed(mi_inf64(0u), -z.y));
  if (mi_is_zero(z.x) && mi_is_nan(z.y)) return dvec2(1.5707963267948966lf, z.y);
  if (mi_is_nan(z.x) || mi_is_nan(z.y)) return dvec2(mi_nan64());
  if (mi_is_large(z)) return dvec2(m_atan2(mi_magnitude(z.y), z.x), mi_signed(mi_log_twice(z), -z.y));
  dvec2 less = m_sqrt(dvec2(1.0lf - z.x, -z.y)), more = m_sqrt(dvec2(1.0lf + z.x, z.y));
  precise double imaginary = more.x * less.y - more.y * less.x;
  return dvec2(2.0lf * m_atan2(less.x, more.x), mi_signed(m_asinh(imaginary), -z.y));
}

//@ m_acosh.c128: m_acos.c128
dvec2 m_acosh(dvec2 z) {
  dvec2 w = m_acos(z);
  return dvec2(mi_magnitude(w.y), mi_is_nan(w.x) ? w.x : mi_signed(w.x, z.y));
}

//@ m_asinh.c128: m_asin.c128 mi_turned.c128
dvec2 m_asinh(dvec2 z) { return mi_turned_back(m_asin(mi_turned(z))); }

//@ m_atanh.c128: m_divide.c128 m_log.f64 m_log1p.f64 m_atan2.f64 mi_log_twice.c128
dvec2 m_atanh(dvec2 z) {
  double a = mi_magnitude(z.x), b = mi_magnitude(z.y);
  double right = mi_signed(1.5707963267948966lf, z.y);
  if (mi_is_inf(z.y)) return dvec2(mi_signed(0.0lf, z.x), right);
  if (mi_is_inf(z.x)) return dvec2(mi_signed(0.0lf, z.x), mi_is_nan(z.y) ? z.y : right);
  if (mi_is_zero(z.x) && mi_is_nan(z.y)) return z;
  if (mi_is_nan(z.x) || mi_is_nan(z.y)) return dvec2(mi_nan64());
  if (mi_is_large(z)) return dvec2(mi_signed(m_divide(dvec2(1.0lf, 0.0lf), z).x, z.x), right);
  if (a == 1.0lf && mi_is_zero(z.y)) return dvec2(mi_signed(mi_inf64(0u), z.x), z.y);
  double off = 1.0lf - a;
  precise double real = 0.25lf * m_log1p(m_div(4.0lf * a, off * off + b * b));
  if (a == 1.0lf && b < 1e-100lf) real = 0.5lf * (0.6931471805599453lf - m_log(b));
  precise double under = off * (1.0lf + a) - b * b;
  return dvec2(mi_signed(real, z.x), mi_signed(0.5lf * m_atan2(2.0lf * b, under), z.y));
}

//@ m_atan.c128: m_atanh.c128 mi_turned.c128
dvec2 m_atan(dvec2 z) { return mi_turned_back(m_atanh(mi_turned(z))); }

//@ m_exp.c64: mi_widen2 m_exp.c128
vec2 m_exp(vec2 z) { return vec2(m_exp(mi_widen2(z))); }

//@ m_expm1.c64: mi_widen2 m_expm1.c128
vec2 m_expm1(vec2 z) { return vec2(m_expm1(mi_widen2(z))); }

//@ m_sigmoid.c64: mi_widen2 m_sigmoid.c128
vec2 m_sigmoid(vec2 z) { return vec2(m_sigmoid(mi_widen2(z))); }

//@ m_log.c64: mi_widen2 m_log.c128
vec2 m_log(vec2 z) { return vec2(m_log(mi_widen2(z))); }

//@ m_log1p.c64: mi_widen2 m_log1p.c128
vec2 m_log1p(vec2 z) { return vec2(m_log1p(mi_widen2(z))); }

//@ m_sqrt.c64: mi_widen2 m_sqrt.c128
vec2 m_sqrt(vec2 z) { return vec2(m_sqrt(mi_widen2(z))); }

//@ m_rsqrt.c64: mi_widen2 m_rsqrt.c128
vec2 m_rsqrt(vec2 z) { return vec2(m_rsqrt(mi_widen2(z))); }

//@ m_cbrt.c64: mi_widen2 m_cbrt.c128
vec2 m_cbrt(vec2 z) { return vec2(m_cbrt(mi_widen2(z))); }

//@ m_cosh.c64: mi_widen2 m_cosh.c128
vec2 m_cosh(vec2 z) { return vec2(m_cosh(mi_widen2(z))); }

//@ m_sinh.c64: mi_widen2 m_sinh.c128
vec2 m_sinh(vec2 z) { return vec2(m_sinh(mi_widen2(z))); }

//@ m_tanh.c64: mi_widen2 m_tanh.c128
vec2 m_tanh(vec2 z) { return vec2(m_tanh(mi_widen2(z))); }

//@ m_cos.c64: mi_widen2 m_cos.c128
vec2 m_cos(vec2 z) { return vec2(m_cos(mi_widen2(z))); }

//@ m_sin.c64: mi_widen2 m_sin.c128
vec2 m_sin(vec2 z) { return vec2(m_sin(mi_widen2(z))); }

//@ m_tan.c64: mi_widen2 m_tan.c128
vec2 m_tan(vec2 z) { return vec2(m_tan(mi_widen2(z))); }

//@ m_asin.c64: mi_widen2 m_asin.c128
vec2 m_asin(vec2 z) { return vec2(m_asin(mi_widen2(z))); }

//@ m_acos.c64: mi_widen2 m_acos.c128
vec2 m_acos(vec2 z) { return vec2(m_acos(mi_widen2(z))); }

//@ m_acosh.c64: mi_widen2 m_acosh.c128
vec2 m_acosh(vec2 z) { return vec2(m_acosh(mi_widen2(z))); }

//@ m_asinh.c64: mi_widen2 m_asinh.c128
vec2 m_asinh(vec2 z) { return vec2(m_asinh(mi_widen2(z))); }

//@ m_atanh.c64: mi_widen2 m_atanh.c128
vec2 m_atanh(vec2 z) { return vec2(m_atanh(mi_widen2(z))); }

//@ m_atan.c64: mi_widen2 m_atan.c128
vec2 m_atan(vec2 z) { return vec2(m_atan(mi_widen2(z))); }

//@ m_pow.c64: mi_widen2 m_pow.c128
vec2 m_pow(vec2 z, vec2 w) { return vec2(m_pow(mi_widen2(z), mi_widen2(w))); }
