// Functions of f64, fifth part: the logarithm of the gamma function's magnitude, and its derivative.
//
// Sections and conventions as in math_f64_base.glsl. From -8 to 8 the recurrence leads to arguments near 2; its
// products are pairs, so that nothing is lost near 1, near 2 and beside the poles. Beyond 8 there is Stirling's series,
// below -8 the reflection. Both functions are within 1 ulp but near their zeros on the negative axis, where two larger
// parts cancel: there m_lgamma is within 2^-64 and m_digamma within 2^-60, in absolute terms.

//@ mi_dd_step.f64: mi_dd_mul.f64
// a + b of pairs; the error is relative to the larger one.
dvec2 mi_dd_add(dvec2 a, dvec2 b) {
  dvec2 s = mi_two_sum(a.x, b.x);
  precise double low = s.y + (a.y + b.y);
  return mi_fast_sum(s.x, low);
}
// c + t q: a step of Horner's rule.
dvec2 mi_dd_step(dvec2 c, dvec2 t, dvec2 q) { return mi_dd_add(c, mi_dd_mul(t, q)); }

//@ mi_log_pair.f64: mi_log_fine.f64 mi_log_split.f64
// log(a) as a pair, for the pair a > 0.
dvec2 mi_log_pair(dvec2 a) {
  dvec2 m = mi_log_split(a.x);
  dvec2 l = mi_log_fine(m.y, m.x);
  l.y += a.y / a.x;
  return l;
}

//@ mi_lgamma_near.f64: mi_dd_step.f64
// log(gamma(2 + t)) as a pair, to 2^-62, for |t| <= 0.5.
dvec2 mi_lgamma_near(dvec2 t) {
  // log(gamma(2 + t)) / t: 2^-63.
  double q = -0.007385551028674524lf + t.x * (0.0028905103307346764lf + t.x * (-0.0011927539116742575lf + t.x * (
      0.000509669525015507lf + t.x * (-0.00022315475925385945lf + t.x * (9.945750683842725e-05lf + t.x * (
      -4.4926223877225775e-05lf + t.x * (2.0507290464509746e-05lf + t.x * (-9.43961661737607e-06lf + t.x * (
      4.374232902353515e-06lf + t.x * (-2.0383989726328445e-06lf + t.x * (9.583862805965492e-07lf + t.x * (
      -4.5254706094469965e-07lf + t.x * (2.0200713304025476e-07lf + t.x * (-9.232441165460704e-08lf + t.x * (
      6.466784173400618e-08lf + t.x * -3.346605331309238e-08lf)))))))))))))));
  dvec2 v = mi_dd_step(dvec2(0.020580808427784626lf, 3.413248488012047e-19lf), t, dvec2(q, 0.0lf));
  v = mi_dd_step(dvec2(-0.06735230105319809lf, -3.0814158386681946e-18lf), t, v);
  v = mi_dd_step(dvec2(0.3224670334241132lf, 1.4938204579427876e-17lf), t, v);
  v = mi_dd_step(dvec2(0.42278433509846713lf, 4.9381829038135e-18lf), t, v);
  return mi_dd_mul(t, v);
}

//@ mi_stirling.f64: mi_log_pair.f64 mi_dd_step.f64
// log(gamma(y)) as a pair with h = -0.5, log(y gamma(y)) with h = 0.5, to 2^-62, for y >= 8.
dvec2 mi_stirling(double y, double h) {
  dvec2 l = mi_dd_add(mi_log_pair(dvec2(y, 0.0lf)), dvec2(-1.0lf, 0.0lf));
  dvec2 v = mi_dd_mul(mi_two_sum(y, h), l);
  // log(2 pi) / 2.
  v = mi_dd_add(v, mi_dd_add(dvec2(h, 0.0lf), dvec2(0.9189385332046728lf, -3.8782941580672414e-17lf)));
  if (y > 1e18lf) return v;
  dvec2 w = mi_dd_div(dvec2(1.0lf, 0.0lf), dvec2(y, 0.0lf));
  double z = w.x * w.x;
  // (y r(y) - 1/12) / z on 0 <= z <= 1/64, r(y) being what is left of log(gamma(y)): 2^-58, which counts 2^-9 here.
  double q = -0.0027777777777777744lf + z * (0.0007936507936302794lf + z * (-0.00059523807388659lf + z * (
      0.0008417424806625929lf + z * (-0.0019159564320153782lf + z * (0.006256429806065156lf + z *
      -0.021772876045575845lf)))));
  return mi_dd_add(v, mi_dd_step(dvec2(0.0lf), w, mi_fast_sum(0.08333333333333333lf, 4.625929269271485e-18lf + z * q)));
}

//@ mi_turn.f64: mi_dd_step.f64
// (sin(pi d), its error, cos(pi d), its error), to 2^-62, for 0 <= d <= 0.5.
dvec4 mi_turn(double d) {
  bool turned = d > 0.25lf;
  dvec2 r = mi_dd_mul(dvec2(turned ? 0.5lf - d : d, 0.0lf), dvec2(3.141592653589793lf, 1.2246467991473532e-16lf));
  dvec2 square = mi_dd_mul(r, r);
  double z = square.x;
  // (sin(r) / r - 1 + r^2 / 6 - r^4 / 120) / r^6 on |r| <= 0.7854: 2^-71.
  double a = -0.0001984126984126984lf + z * (2.7557319223985634e-06lf + z * (-2.5052108384955798e-08lf + z * (
      1.605904350060391e-10lf + z * (-7.647058560314277e-13lf + z * 2.796287278612465e-15lf))));
  // (cos(r) - 1 + r^2 / 2 - r^4 / 24) / r^6, there too: 2^-63.
  double b = -0.001388888888888889lf + z * (2.4801587301586814e-05lf + z * (-2.7557319223063094e-07lf + z * (
      2.0876756349342926e-09lf + z * (-1.1470545851347085e-11lf + z * 4.7506629106217065e-14lf))));
  dvec2 s = mi_dd_step(dvec2(0.008333333333333333lf, 1.1564823173178714e-19lf), square, dvec2(a, 0.0lf));
  s = mi_dd_step(dvec2(-0.16666666666666666lf, -9.25185853854297e-18lf), square, s);
  s = mi_dd_mul(r, mi_dd_step(dvec2(1.0lf, 0.0lf), square, s));
  dvec2 c = mi_dd_step(dvec2(0.041666666666666664lf, 2.3129646346357427e-18lf), square, dvec2(b, 0.0lf));
  c = mi_dd_step(dvec2(-0.5lf, 0.0lf), square, c);
  c = mi_dd_step(dvec2(1.0lf, 0.0lf), square, c);
  return turned ? dvec4(c, s) : dvec4(s, c);
}

//@ m_lgamma.f64: mi_lgamma_near.f64 mi_stirling.f64 mi_turn.f64 mi_const.f64
double m_lgamma(double x) {
  uvec2 w = unpackDouble2x32(x);
  uint high = w.y & 0x7fffffffu;
  if (mi_nan_bits(uvec2(w.x, high))) return x;
  if (high == 0x7ff00000u || x > 2.5599833278516383e305lf || (x <= 0.0lf && floor(x) == x)) return mi_inf64(0u);
  double a = abs(x);
  if (high < 0x3c300000u) return -mi_log_pair(dvec2(a, 0.0lf)).x;
  if (x >= 8.0lf) return mi_stirling(x, -0.5lf).x;
  if (x < -8.0lf) {
    // log(pi) - log|sin(pi a)| - log(a gamma(a)).
    dvec2 l = mi_log_pair(mi_turn(abs(a - floor(a + 0.5lf))).xy);
    dvec2 v = mi_dd_add(dvec2(1.1447298858494002lf, 1.0265951162707826e-17lf), -l);
    return mi_dd_add(v, -mi_stirling(a, 0.5lf)).x;
  }
  // gamma(x) is gamma(x + n) over, or for n < 0 times, the product of what lies between.
  double n = floor(2.5lf - x);
  dvec2 v = mi_lgamma_near(mi_two_sum(x, n - 2.0lf));
  if (n == 0.0lf) return v.x;
  double first = n > 0.0lf ? x : x + n;
  dvec2 p = dvec2(1.0lf, 0.0lf);
  for (int i = 0; i < int(abs(n)); ++i) p = mi_dd_mul(p, mi_two_sum(first, double(i)));
  dvec2 l = mi_log_pair(p.x < 0.0lf ? -p : p);
  return mi_dd_add(v, n > 0.0lf ? -l : l).x;
}

//@ mi_digamma_near.f64: mi_dd_step.f64
// digamma(r) as a pair, to 2^-60, for 1.25 <= r <= 2.25.
dvec2 mi_digamma_near(dvec2 r) {
  dvec2 u = mi_dd_add(r, dvec2(-1.75lf, 0.0lf));
  // The distance from the zero, which takes three doubles; the first difference is exact.
  dvec2 d = mi_two_sum(r.x - 1.4616321449683622lf, -9.549995429965697e-17lf);
  d = mi_two_sum(d.x, d.y + (r.y - 2.89392992820415e-33lf));
  // digamma(1.75 + u) over that distance on |u| <= 0.5: 2^-61.
  double q = -0.02489004848900061lf + u.x * (0.01398578618098175lf + u.x * (-0.007910468777651516lf + u.x * (
      0.004491813794421608lf + u.x * (-0.002556686480521819lf + u.x * (0.0014573730815647331lf + u.x * (
      -0.000831497329217682lf + u.x * (0.0004746996939849627lf + u.x * (-0.00027109277844159234lf + u.x * (
      0.00015468773169399227lf + u.x * (-8.835512987965663e-05lf + u.x * (5.125782074408498e-05lf + u.x * (
      -2.9337939721036945e-05lf + u.x * (1.4447601366156586e-05lf + u.x * (-8.165352972971063e-06lf + u.x * (
      8.565845129221254e-06lf + u.x * -4.963321362333437e-06lf)))))))))))))));
  dvec2 v = mi_dd_step(dvec2(0.04479965445283598lf, 2.5019217143722458e-18lf), u, dvec2(q, 0.0lf));
  v = mi_dd_step(dvec2(-0.08228558635577757lf, 2.0045400590884957e-18lf), u, v);
  v = mi_dd_step(dvec2(0.15712011335204215lf, -1.3770693366614354e-18lf), u, v);
  v = mi_dd_step(dvec2(-0.3262546278681057lf, 1.384451385891914e-17lf), u, v);
  v = mi_dd_step(dvec2(0.8581832171262995lf, -6.756487921395968e-18lf), u, v);
  return mi_dd_mul(d, v);
}

//@ mi_digamma_far.f64: mi_log_pair.f64 mi_dd_step.f64
// digamma(y) as a pair with h = -0.5, digamma(y) + 1/y with h = 0.5, to 2^-62, for y >= 8.
dvec2 mi_digamma_far(double y, double h) {
  dvec2 l = mi_log_pair(dvec2(y, 0.0lf));
  if (y > 1e18lf) return l;
  dvec2 w = mi_dd_div(dvec2(1.0lf, 0.0lf), dvec2(y, 0.0lf));
  double z = w.x * w.x;
  // ((digamma(y) - log(y) + 1/2y) / z + 1/12) / z on 0 <= z <= 1/64: 2^-54, which counts 2^-12 here.
  double q = 0.008333333333333281lf + z * (-0.0039682539679209445lf + z * (0.0041666663194423696lf + z * (
      -0.007575621311261944lf + z * (0.02106712422235675lf + z * (-0.0808066750924528lf + z *
      0.31430187329036874lf)))));
  precise double low = h * w.y + z * (-0.08333333333333333lf + z * q);
  return mi_dd_add(l, mi_two_sum(h * w.x, low));
}

//@ m_digamma.f64: mi_digamma_near.f64 mi_digamma_far.f64 mi_turn.f64 m_div.f64 mi_const.f64
// -Inf at 0, Inf at -0, NaN at the other poles, where the two sides differ, and at -Inf.
double m_digamma(double x) {
  uvec2 w = unpackDouble2x32(x);
  uint high = w.y & 0x7fffffffu;
  if (mi_nan_bits(uvec2(w.x, high)) || (w.y == 0x7ff00000u && w.x == 0u)) return x;
  if ((w.x | high) == 0u) return mi_inf64(~w.y);
  if (x < 0.0lf && floor(x) == x) return mi_nan64();
  // -1 / x - 0.58.
  if (high < 0x3c300000u) return m_div(-1.0lf, x);
  if (x >= 8.0lf) return mi_digamma_far(x, -0.5lf).x;
  if (x < -8.0lf) {
    // digamma(a) + 1 / a + pi cot(pi a).
    double a = -x;
    double d = a - floor(a + 0.5lf);
    dvec4 t = mi_turn(abs(d));
    dvec2 c = mi_dd_mul(mi_dd_div(t.zw, t.xy), dvec2(3.141592653589793lf, 1.2246467991473532e-16lf));
    return mi_dd_add(mi_digamma_far(a, 0.5lf), d < 0.0lf ? -c : c).x;
  }
  double n = floor(2.25lf - x);
  dvec2 v = mi_digamma_near(mi_two_sum(x, n));
  if (n == 0.0lf) return v.x;
  // The sum of the reciprocals of what lies between is the derivative of their product over the product.
  double first = n > 0.0lf ? x : x + n;
  dvec2 p = dvec2(1.0lf, 0.0lf);
  dvec2 slope = dvec2(0.0lf);
  for (int i = 0; i < int(abs(n)); ++i) {
    dvec2 factor = mi_two_sum(first, double(i));
    slope = mi_dd_step(p, factor, slope);
    p = mi_dd_mul(p, factor);
  }
  dvec2 sum = mi_dd_div(slope, p);
  return mi_dd_add(v, n > 0.0lf ? -sum : sum).x;
}
