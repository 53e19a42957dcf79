// Functions of f64, second part: exponentials, logarithms, powers, hyperbolic functions and their inverses.
//
// Sections and conventions as in math_f64_base.glsl.

//@ mi_exp_core.f64: mi_sum.f64 mi_prod.f64
// (r, its error, k) with x = k ln 2 + r and |r| <= 0.3466, for |x| < 1000.
dvec3 mi_exp_reduce(dvec2 x) {
  precise double k = floor(x.x * 1.4426950408889634lf + 0.5lf);
  // ln 2 in two parts: k times the first is exact, and so is the difference.
  precise double a = x.x - k * 0.6931471805592082lf;
  precise double b = k * 7.371002565167799e-13lf - x.y;
  dvec2 r = mi_two_sum(a, -b);
  return dvec3(r.x, r.y, k);
}
// e^r - 1, to 2^-57, for |r| <= 0.3466.
dvec2 mi_expm1_core(dvec2 r) {
  // (e^r - 1 - r - r^2 / 2) / r^3: 2^-63.
  double q = 0.16666666666666666lf + r.x * (0.041666666666666685lf + r.x * (0.008333333333334482lf + r.x * (
      0.001388888888887101lf + r.x * (0.0001984126983674723lf + r.x * (2.480158735432437e-05lf + r.x * (
      2.7557326919287367e-06lf + r.x * (2.755724714082111e-07lf + r.x * (2.5046185949710447e-08lf + r.x * (
      2.0923267763895854e-09lf + r.x * 1.7760831417838296e-10lf)))))))));
  dvec2 square = mi_two_prod(r.x, r.x);
  precise double low = square.x * r.x * q + (0.5lf * square.y + (r.y + r.x * r.y));
  dvec2 s = mi_fast_sum(r.x, 0.5lf * square.x);
  precise double rest = s.y + low;
  return mi_fast_sum(s.x, rest);
}

//@ mi_exp_scaled.f64: mi_exp_core.f64 mi_scale.f64
// e^x 2^more for |x| < 1000.
double mi_exp_scaled(dvec2 x, int more) {
  dvec3 r = mi_exp_reduce(x);
  dvec2 e = mi_expm1_core(r.xy);
  dvec2 s = mi_fast_sum(1.0lf, e.x);
  precise double y = s.x + (s.y + e.y);
  return mi_scale(y, int(r.z) + more);
}

//@ mi_expm1_dd.f64: mi_exp_core.f64 mi_scale.f64
// e^x - 1 as a pair, for -38 < x < 41.
dvec2 mi_expm1_dd(double x) {
  dvec3 r = mi_exp_reduce(dvec2(x, 0.0lf));
  dvec2 e = mi_expm1_core(r.xy);
  if (r.z == 0.0lf) return e;
  double scale = mi_exp2i(int(r.z));
  dvec2 one = mi_two_sum(scale, -1.0lf);
  dvec2 s = mi_two_sum(one.x, scale * e.x);
  precise double low = s.y + (one.y + scale * e.y);
  return mi_fast_sum(s.x, low);
}

//@ m_exp.f64: mi_exp_scaled.f64 mi_const.f64
double m_exp(double x) {
  uvec2 w = unpackDouble2x32(x);
  if (mi_nan_bits(uvec2(w.x, w.y & 0x7fffffffu))) return x;
  if (x > 710.0lf) return mi_inf64(0u);
  if (x < -746.0lf) return 0.0lf;
  return mi_exp_scaled(dvec2(x, 0.0lf), 0);
}

//@ m_expm1.f64: mi_expm1_dd.f64 mi_exp_scaled.f64 mi_const.f64
double m_expm1(double x) {
  uvec2 w = unpackDouble2x32(x);
  uint high = w.y & 0x7fffffffu;
  if (mi_nan_bits(uvec2(w.x, high)) || high < 0x3c900000u) return x;
  if (x > 710.0lf) return mi_inf64(0u);
  if (x < -38.0lf) return -1.0lf;
  if (x > 40.0lf) return mi_exp_scaled(dvec2(x, 0.0lf), 0);
  dvec2 e = mi_expm1_dd(x);
  return e.x;
}

//@ m_sigmoid.f64: mi_exp_core.f64 mi_scale.f64 mi_dd_div.f64 mi_const.f64
double m_sigmoid(double x) {
  uvec2 w = unpackDouble2x32(x);
  if (mi_nan_bits(uvec2(w.x, w.y & 0x7fffffffu))) return x;
  bool negative = (w.y >> 31) == 1u;
  double a = -abs(x);
  if (a < -746.0lf) return negative ? 0.0lf : 1.0lf;
  dvec3 r = mi_exp_reduce(dvec2(a, 0.0lf));
  dvec2 e = mi_expm1_core(r.xy);
  dvec2 top = mi_fast_sum(1.0lf, e.x);
  top.y += e.y;
  // e^-|x| is top 2^k; below 2^-200 it does not change the denominator.
  double scale = mi_exp2i(max(int(r.z), -200));
  dvec2 under = mi_two_sum(1.0lf, scale * top.x);
  under.y += scale * top.y;
  dvec2 q = mi_dd_div(negative ? top : dvec2(1.0lf, 0.0lf), under);
  return negative ? mi_scale(q.x, int(r.z)) : q.x;
}

//@ m_sinh.f64: mi_expm1_dd.f64 mi_exp_scaled.f64 mi_dd_div.f64 mi_const.f64
double m_sinh(double x) {
  uvec2 w = unpackDouble2x32(x);
  uint high = w.y & 0x7fffffffu;
  if (mi_nan_bits(uvec2(w.x, high)) || high < 0x3e300000u) return x;
  double a = abs(x);
  if (a > 711.0lf) return mi_inf64(w.y);
  if (a > 40.0lf) return mi_sign64(mi_exp_scaled(dvec2(a, 0.0lf), -1), w.y);
  // (e^a - e^-a) / 2 = (E + E / (E + 1)) / 2 with E = e^a - 1.
  dvec2 e = mi_expm1_dd(a);
  dvec2 more = mi_two_sum(e.x, 1.0lf);
  more.y += e.y;
  dvec2 q = mi_dd_div(e, more);
  dvec2 s = mi_two_sum(e.x, q.x);
  precise double v = 0.5lf * (s.x + (s.y + (e.y + q.y)));
  return mi_sign64(v, w.y);
}

//@ m_cosh.f64: mi_expm1_dd.f64 mi_exp_scaled.f64 mi_dd_div.f64 mi_const.f64
double m_cosh(double x) {
  uvec2 w = unpackDouble2x32(x);
  if (mi_nan_bits(uvec2(w.x, w.y & 0x7fffffffu))) return x;
  double a = abs(x);
  if (a > 711.0lf) return mi_inf64(0u);
  if (a > 40.0lf) return mi_exp_scaled(dvec2(a, 0.0lf), -1);
  dvec2 e = mi_expm1_dd(a);
  dvec2 more = mi_two_sum(e.x, 1.0lf);
  more.y += e.y;
  dvec2 q = mi_dd_div(dvec2(1.0lf, 0.0lf), more);
  dvec2 s = mi_two_sum(more.x, q.x);
  precise double v = 0.5lf * (s.x + (s.y + (more.y + q.y)));
  return v;
}

//@ m_tanh.f64: mi_expm1_dd.f64 mi_dd_div.f64 mi_const.f64
double m_tanh(double x) {
  uvec2 w = unpackDouble2x32(x);
  uint high = w.y & 0x7fffffffu;
  if (mi_nan_bits(uvec2(w.x, high)) || high < 0x3e300000u) return x;
  double a = abs(x);
  if (a > 20.0lf) return mi_sign64(1.0lf, w.y);
  // E / (E + 2) with E = e^2a - 1.
  dvec2 e = mi_expm1_dd(2.0lf * a);
  dvec2 more = mi_two_sum(e.x, 2.0lf);
  more.y += e.y;
  dvec2 q = mi_dd_div(e, more);
  return mi_sign64(q.x, w.y);
}

//@ mi_log_split.f64: mi_split.f64
// (f, k) with x = 2^k (1 + f), 1 + f within a factor of sqrt(2) of 1, for finite x > 0; exact.
dvec2 mi_log_split(double x) {
  dvec2 m = mi_split(x);
  if (m.x >= 1.4142135623730951lf) m = dvec2(0.5lf * m.x, m.y + 1.0lf);
  return dvec2(m.x - 1.0lf, m.y);
}

//@ mi_log_core.f64: mi_dd_div.f64
// log(2^k (1 + f)) as a pair, to 2^-58, for 1 + f within a factor of sqrt(2) of 1.
dvec2 mi_log_core(double k, dvec2 f) {
  dvec2 under = mi_two_sum(2.0lf, f.x);
  under.y += f.y;
  dvec2 s = mi_dd_div(f, under);
  double z = s.x * s.x;
  // (2 atanh(s) / s - 2) / s^2 on |s| <= 0.1716: 2^-67.
  precise double tail = s.x * (z * (0.6666666666666666lf + z * (0.40000000000004926lf + z * (
      0.28571428569343327lf + z * (0.22222222631074956lf + z * (0.1818177529174662lf + z * (
      0.15387167431872475lf + z * (0.13247274371641496lf + z * 0.13285325073024118lf))))))));
  precise double low = tail + 2.0lf * s.y;
  dvec2 p = mi_fast_sum(2.0lf * s.x, low);
  // k times the first part of ln 2 is exact.
  dvec2 t = mi_two_sum(k * 0.6931471805592082lf, p.x);
  precise double rest = t.y + (p.y + k * 7.371002565167799e-13lf);
  return mi_fast_sum(t.x, rest);
}

//@ mi_log1p_dd.f64: mi_log_core.f64 mi_log_split.f64 mi_scale.f64
// log(1 + t) as a pair, for -1 < t < 2^1000.
dvec2 mi_log1p_dd(dvec2 t) {
  double k = 0.0lf;
  if (t.x <= -0.29lf || t.x >= 0.41lf) {
    dvec2 u = mi_two_sum(1.0lf, t.x);
    dvec2 m = mi_log_split(u.x);
    k = m.y;
    t = mi_two_sum(m.x, (u.y + t.y) * mi_exp2i(-int(k)));
  }
  return mi_log_core(k, t);
}

//@ m_log.f64: mi_log_core.f64 mi_log_split.f64 mi_const.f64
double m_log(double x) {
  uvec2 w = unpackDouble2x32(x);
  uint high = w.y & 0x7fffffffu;
  if ((w.x | high) == 0u) return mi_inf64(0x80000000u);
  if (w.y == 0x7ff00000u && w.x == 0u) return x;
  if (w.y >= 0x7ff00000u) return mi_nan64();
  dvec2 m = mi_log_split(x);
  return mi_log_core(m.y, dvec2(m.x, 0.0lf)).x;
}

//@ m_log1p.f64: mi_log1p_dd.f64 mi_const.f64
double m_log1p(double x) {
  uvec2 w = unpackDouble2x32(x);
  uint high = w.y & 0x7fffffffu;
  if (mi_nan_bits(uvec2(w.x, high)) || high < 0x3c900000u) return x;
  if (x <= -1.0lf) return x == -1.0lf ? mi_inf64(0x80000000u) : mi_nan64();
  if (high == 0x7ff00000u) return x;
  // Far up the one does not count, and its scaled image has no exponent.
  if (high >= 0x7e000000u) {
    dvec2 m = mi_log_split(x);
    return mi_log_core(m.y, dvec2(m.x, 0.0lf)).x;
  }
  return mi_log1p_dd(dvec2(x, 0.0lf)).x;
}

//@ m_acosh.f64: mi_log1p_dd.f64 mi_dd_sqrt.f64 mi_const.f64
double m_acosh(double x) {
  uvec2 w = unpackDouble2x32(x);
  if (w.y == 0x7ff00000u && w.x == 0u) return x;
  if (w.y >= 0x7ff00000u || x < 1.0lf) return mi_nan64();
  if (x == 1.0lf) return 0.0lf;
  if (x > 1073741824.0lf) {
    // log(2 x).
    dvec2 m = mi_log_split(x);
    return mi_log_core(m.y + 1.0lf, dvec2(m.x, 0.0lf)).x;
  }
  // log(1 + (x - 1) + sqrt(x^2 - 1)).
  dvec2 p = mi_two_prod(x, x);
  dvec2 square = mi_two_sum(p.x, -1.0lf);
  square = mi_two_sum(square.x, square.y + p.y);
  dvec2 root = mi_dd_sqrt(square);
  dvec2 less = mi_two_sum(x, -1.0lf);
  dvec2 s = mi_two_sum(less.x, root.x);
  precise double low = s.y + (less.y + root.y);
  return mi_log1p_dd(mi_fast_sum(s.x, low)).x;
}

//@ m_asinh.f64: mi_log1p_dd.f64 mi_dd_sqrt.f64 mi_dd_div.f64 mi_const.f64
double m_asinh(double x) {
  uvec2 w = unpackDouble2x32(x);
  uint high = w.y & 0x7fffffffu;
  if (high >= 0x7ff00000u || high < 0x3e300000u) return x;
  double a = abs(x);
  if (a > 1073741824.0lf) {
    // log(2 a).
    dvec2 m = mi_log_split(a);
    return mi_sign64(mi_log_core(m.y + 1.0lf, dvec2(m.x, 0.0lf)).x, w.y);
  }
  // log(1 + a + a^2 / (1 + sqrt(1 + a^2))).
  dvec2 p = mi_two_prod(a, a);
  dvec2 square = mi_two_sum(1.0lf, p.x);
  square.y += p.y;
  dvec2 root = mi_dd_sqrt(square);
  dvec2 under = mi_two_sum(1.0lf, root.x);
  under.y += root.y;
  dvec2 q = mi_dd_div(p, under);
  dvec2 s = mi_two_sum(a, q.x);
  s.y += q.y;
  return mi_sign64(mi_log1p_dd(s).x, w.y);
}

//@ m_atanh.f64: mi_log1p_dd.f64 mi_dd_div.f64 mi_const.f64
double m_atanh(double x) {
  uvec2 w = unpackDouble2x32(x);
  uint high = w.y & 0x7fffffffu;
  if (high < 0x3e300000u) return x;
  double a = abs(x);
  if (a == 1.0lf) return mi_inf64(w.y);
  if (high >= 0x3ff00000u) return mi_nan64();
  // log(1 + 2 a / (1 - a)) / 2.
  dvec2 q = mi_dd_div(dvec2(2.0lf * a, 0.0lf), mi_two_sum(1.0lf, -a));
  return mi_sign64(0.5lf * mi_log1p_dd(q).x, w.y);
}

//@ mi_log_fine.f64: mi_dd_div.f64 mi_dd_mul.f64
// log(2^k (1 + f)) as a pair, to 2^-68: a power multiplies the error by as much as 745.
dvec2 mi_log_fine(double k, double f) {
  dvec2 s = mi_dd_div(dvec2(f, 0.0lf), mi_two_sum(2.0lf, f));
  dvec2 z = mi_dd_mul(s, s);
  // (2 atanh(s) / s - 2 - 2/3 s^2 - 2/5 s^4) / s^6 on |s| <= 0.1716: 2^-73.
  precise double inner = z.x * (0.28571428571433166lf + z.x * (0.22222222220010254lf + z.x * (
      0.18181818605786032lf + z.x * (0.15384572871266775lf + z.x * (0.133357643167966lf + z.x * (
      0.11685015010357817lf + z.x * 0.11911215812982166lf))))));
  // 2/5 and 2/3 as pairs.
  dvec2 c = mi_fast_sum(0.4lf, inner);
  c.y += -2.2204460492503132e-17lf;
  dvec2 c5 = mi_dd_mul(z, c);
  c = mi_fast_sum(0.6666666666666666lf, c5.x);
  c.y += c5.y + 3.700743415417188e-17lf;
  dvec2 tail = mi_dd_mul(s, mi_dd_mul(z, c));
  dvec2 p = mi_fast_sum(2.0lf * s.x, tail.x);
  p.y += 2.0lf * s.y + tail.y;
  dvec2 t = mi_two_sum(k * 0.6931471805592082lf, p.x);
  precise double rest = t.y + (p.y + k * 7.371002565167799e-13lf);
  return mi_fast_sum(t.x, rest);
}

//@ m_pow.f64: mi_log_fine.f64 mi_log_split.f64 mi_exp_scaled.f64 mi_const.f64
double m_pow(double x, double y) {
  uvec2 wx = unpackDouble2x32(x);
  uvec2 wy = unpackDouble2x32(y);
  uvec2 bx = uvec2(wx.x, wx.y & 0x7fffffffu);
  uvec2 by = uvec2(wy.x, wy.y & 0x7fffffffu);
  if ((by.x | by.y) == 0u || (wx.y == 0x3ff00000u && wx.x == 0u)) return 1.0lf;
  if (mi_nan_bits(bx) || mi_nan_bits(by)) return mi_nan64();
  bool rises = (wy.y >> 31) == 0u;
  bool whole = true;
  bool odd = false;
  // From 2^53 on all doubles are even.
  if (by.y < 0x43400000u) {
    double a = abs(y);
    double half_a = floor(0.5lf * a);
    whole = floor(a) == a;
    odd = whole && 2.0lf * half_a != a;
  }
  uint sign = odd ? wx.y & 0x80000000u : 0u;
  if ((bx.x | bx.y) == 0u) return rises ? mi_sign64(0.0lf, sign) : mi_inf64(sign);
  if (bx.y == 0x7ff00000u) return rises ? mi_inf64(sign) : mi_sign64(0.0lf, sign);
  if (by.y == 0x7ff00000u) {
    if (bx.y == 0x3ff00000u && bx.x == 0u) return 1.0lf;
    return rises == (bx.y >= 0x3ff00000u) ? mi_inf64(0u) : 0.0lf;
  }
  if ((wx.y >> 31) == 1u && !whole) return mi_nan64();
  dvec2 m = mi_log_split(packDouble2x32(bx));
  dvec2 l = mi_log_fine(m.y, m.x);
  double rough = y * l.x;
  if (rough > 800.0lf) return mi_inf64(sign);
  if (rough < -800.0lf) return mi_sign64(0.0lf, sign);
  dvec2 p = mi_two_prod(y, l.x);
  p.y += y * l.y;
  return mi_sign64(mi_exp_scaled(p, 0), sign);
}
