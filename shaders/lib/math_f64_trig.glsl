// Functions of f64, third part: trigonometric functions and their inverses.
//
// Sections and conventions as in math_f64_base.glsl.

//@ mi_trig_big.f64: mi_dd_mul.f64
// The bits of 2/pi, from 64 places before the point on.
const uint mi_two_over_pi[39] =
    uint[39](0u, 0u, 0xa2f9836eu, 0x4e441529u, 0xfc2757d1u, 0xf534ddc0u, 0xdb629599u, 0x3c439041u,
             0xfe5163abu, 0xdebbc561u, 0xb7246e3au, 0x424dd2e0u, 0x06492eeau, 0x09d1921cu, 0xfe1deb1cu, 0xb129a73eu,
             0xe88235f5u, 0x2ebb4484u, 0xe99c7026u, 0xb45f7e41u, 0x3991d639u, 0x835339f4u, 0x9c845f8bu, 0xbdf9283bu,
             0x1ff897ffu, 0xde05980fu, 0xef2f118bu, 0x5a0a6d1fu, 0x6d367ecfu, 0x27cb09b7u, 0x4f463f66u, 0x9e5fea2du,
             0x7527bac7u, 0xebe5f17bu, 0x3d0739f7u, 0x8a5292eau, 0x6bfb5fb1u, 0x1f8d5d08u, 0x56033046u);
// As mi_trig_reduce, for 2^20 <= a < 2^1024: the product of the 53 bits of a with the 192 bits of 2/pi that matter,
// modulo 4.
dvec3 mi_trig_big(double a) {
  uvec2 m = unpackDouble2x32(a);
  // a = m 2^e; bits of 2/pi above 2^(2 - e) give multiples of four.
  int shift = int(m.y >> 20) - 1075 - 2 + 64;
  m.y = (m.y & 0x000fffffu) | 0x00100000u;
  int at = shift >> 5;
  int by = shift & 31;
  uint w[7];
  for (int i = 0; i < 7; ++i) w[i] = mi_two_over_pi[at + i];
  if (by != 0) {
    for (int i = 0; i < 6; ++i) w[i] = (w[i] << by) | (w[i + 1] >> (32 - by));
  }
  uint p[6];
  uint carry = 0u;
  for (int i = 5; i >= 0; --i) {
    uint high, low, c;
    umulExtended(m.x, w[i], high, low);
    p[i] = uaddCarry(low, carry, c);
    carry = high + c;
  }
  carry = 0u;
  for (int i = 4; i >= 0; --i) {
    uint high, low, c, d;
    umulExtended(m.y, w[i + 1], high, low);
    low = uaddCarry(low, carry, c);
    p[i] = uaddCarry(p[i], low, d);
    carry = high + c + d;
  }
  uint q = (p[0] + 0x20000000u) >> 30;
  // What is left after the nearest quarter, as a fraction of it with a sign; one unit of 2^-160 does not matter.
  for (int i = 0; i < 4; ++i) p[i] = (p[i] << 2) | (p[i + 1] >> 30);
  bool negative = (p[0] >> 31) == 1u;
  uint flip = negative ? 0xffffffffu : 0u;
  dvec2 s = mi_fast_sum(double(p[0] ^ flip) * 2.3283064365386963e-10lf, double(p[1] ^ flip) * 5.421010862427522e-20lf);
  dvec2 t = mi_two_sum(s.y, double(p[2] ^ flip) * 1.262177448353619e-29lf);
  s = mi_fast_sum(s.x, t.x);
  precise double low_part = s.y + (t.y + double(p[3] ^ flip) * 2.938735877055719e-39lf);
  dvec2 r = mi_dd_mul(mi_fast_sum(s.x, low_part), dvec2(1.5707963267948966lf, 6.123233995736766e-17lf));
  return negative ? dvec3(-r.x, -r.y, double(q)) : dvec3(r.x, r.y, double(q));
}

//@ mi_trig_reduce.f64: mi_trig_big.f64
// (r, its error, q): a less the nearest multiple of pi/2, and that multiple modulo 4, for finite a >= 0.
dvec3 mi_trig_reduce(double a) {
  if (a >= 1048576.0lf) return mi_trig_big(a);
  precise double k = floor(a * 0.6366197723675814lf + 0.5lf);
  // pi/2 in four parts; k, below 2^20, times each of the first three is exact.
  precise double t = a - k * 1.5707963267341256lf;
  precise double b = k * 6.077100506303966e-11lf;
  precise double c = k * 2.0222662487111665e-21lf;
  dvec2 s = mi_two_sum(t, -b);
  dvec2 u = mi_two_sum(s.x, -c);
  precise double low = (s.y + u.y) - k * 8.4784276603689e-32lf;
  dvec2 r = mi_fast_sum(u.x, low);
  return dvec3(r.x, r.y, double(int(k) & 3));
}

//@ mi_sin_core.f64: mi_sum.f64
// sin(r) as a pair, to 2^-55, for |r| <= 0.7855.
dvec2 mi_sin_core(dvec2 r) {
  double z = r.x * r.x;
  // (sin(r) / r - 1) / r^2: 2^-63.
  precise double low = r.x * (z * (-0.16666666666666666lf + z * (0.008333333333333038lf + z * (
      -0.00019841269840955867lf + z * (2.755731906959539e-06lf + z * (-2.5052069600280736e-08lf + z * (
      1.6054126272009204e-10lf + z * -7.379655792777332e-13lf))))))) + r.y * (1.0lf - 0.5lf * z);
  return mi_fast_sum(r.x, low);
}

//@ mi_cos_core.f64: mi_sum.f64 mi_prod.f64
// cos(r) as a pair, to 2^-58, for |r| <= 0.7855.
dvec2 mi_cos_core(dvec2 r) {
  dvec2 square = mi_two_prod(r.x, r.x);
  double z = square.x;
  dvec2 s = mi_fast_sum(1.0lf, -0.5lf * z);
  // (cos(r) - 1 + r^2 / 2) / r^4: 2^-69.
  precise double low = z * z * (0.041666666666666664lf + z * (-0.0013888888888888378lf + z * (
      2.4801587301164883e-05lf + z * (-2.7557319051977547e-07lf + z * (2.0876719763807815e-09lf + z * (
      -1.1466585281406486e-11lf + z * 4.5795657692911006e-14lf)))))) - (0.5lf * square.y + r.x * r.y);
  low = low + s.y;
  return mi_fast_sum(s.x, low);
}

//@ m_sin.f64: mi_trig_reduce.f64 mi_sin_core.f64 mi_cos_core.f64 mi_const.f64
double m_sin(double x) {
  uvec2 w = unpackDouble2x32(x);
  uint high = w.y & 0x7fffffffu;
  if (high >= 0x7ff00000u) return mi_nan64();
  if (high < 0x3e400000u) return x;
  dvec3 r = mi_trig_reduce(abs(x));
  uint q = uint(r.z);
  double v = (q & 1u) == 0u ? mi_sin_core(r.xy).x : mi_cos_core(r.xy).x;
  return ((q & 2u) != 0u) != ((w.y >> 31) == 1u) ? -v : v;
}

//@ m_cos.f64: mi_trig_reduce.f64 mi_sin_core.f64 mi_cos_core.f64 mi_const.f64
double m_cos(double x) {
  if ((unpackDouble2x32(x).y & 0x7fffffffu) >= 0x7ff00000u) return mi_nan64();
  dvec3 r = mi_trig_reduce(abs(x));
  uint q = uint(r.z);
  double v = (q & 1u) == 0u ? mi_cos_core(r.xy).x : mi_sin_core(r.xy).x;
  return ((q + 1u) & 2u) != 0u ? -v : v;
}

//@ m_tan.f64: mi_trig_reduce.f64 mi_sin_core.f64 mi_cos_core.f64 mi_dd_div.f64 mi_const.f64
double m_tan(double x) {
  uvec2 w = unpackDouble2x32(x);
  uint high = w.y & 0x7fffffffu;
  if (high >= 0x7ff00000u) return mi_nan64();
  if (high < 0x3e400000u) return x;
  dvec3 r = mi_trig_reduce(abs(x));
  dvec2 s = mi_sin_core(r.xy);
  dvec2 c = mi_cos_core(r.xy);
  bool turned = (uint(r.z) & 1u) != 0u;
  double v = mi_dd_div(turned ? c : s, turned ? s : c).x;
  return turned != ((w.y >> 31) == 1u) ? -v : v;
}

//@ mi_angle.f64: mi_dd_div.f64
// atan(j / 4) for j = 0...4, as pairs.
const double mi_atan_high[5] =
    double[5](0.0lf, 0.24497866312686414lf, 0.4636476090008061lf, 0.6435011087932844lf, 0.7853981633974483lf);
const double mi_atan_low[5] =
    double[5](0.0lf, 1.0698755618734451e-17lf, 2.2698777452961687e-17lf, 1.5834785051444286e-17lf,
              3.061616997868383e-17lf);
// The angle of the point (x, y) of the first quadrant, as a pair; exponents of x and y less than 1000, not both 0.
dvec2 mi_angle(dvec2 y, dvec2 x) {
  bool steep = y.x > x.x;
  dvec2 n = steep ? x : y;
  dvec2 d = steep ? y : x;
  // atan(n / d) = atan(c) + atan((n - c d) / (d + c n)), c the nearest quarter.
  double j = floor(4.0lf * (n.x / d.x) + 0.5lf);
  double c = 0.25lf * j;
  dvec2 cd = mi_two_prod(c, d.x);
  dvec2 cn = mi_two_prod(c, n.x);
  dvec2 top = mi_two_sum(n.x, -cd.x);
  precise double low = top.y + ((n.y - c * d.y) - cd.y);
  top = mi_two_sum(top.x, low);
  dvec2 under = mi_fast_sum(d.x, cn.x);
  under.y += cn.y + (d.y + c * n.y);
  dvec2 t = mi_dd_div(top, under);
  double z = t.x * t.x;
  // (atan(t) / t - 1) / t^2 on |t| <= 0.1251: 2^-67.
  precise double tail = t.x * (z * (-0.3333333333333333lf + z * (0.1999999999999594lf + z * (
      -0.1428571428316397lf + z * (0.11111110392680829lf + z * (-0.09090803529103797lf + z * (
      0.07683886735158763lf + z * -0.06319685608555983lf))))))) + (t.y + mi_atan_low[int(j)]);
  dvec2 s = mi_two_sum(mi_atan_high[int(j)], t.x);
  precise double rest = s.y + tail;
  dvec2 v = mi_fast_sum(s.x, rest);
  if (!steep) return v;
  s = mi_two_sum(1.5707963267948966lf, -v.x);
  precise double turned = s.y + (6.123233995736766e-17lf - v.y);
  return mi_fast_sum(s.x, turned);
}

//@ mi_cathetus.f64: mi_dd_sqrt.f64
// sqrt(1 - a^2) as a pair, for 0 <= a < 1.
dvec2 mi_cathetus(double a) {
  dvec2 p = mi_two_prod(a, a);
  dvec2 s = mi_two_sum(1.0lf, -p.x);
  return mi_dd_sqrt(mi_two_sum(s.x, s.y - p.y));
}

//@ m_asin.f64: mi_angle.f64 mi_cathetus.f64 mi_const.f64
double m_asin(double x) {
  uvec2 w = unpackDouble2x32(x);
  uint high = w.y & 0x7fffffffu;
  if (high < 0x3e300000u) return x;
  double a = abs(x);
  if (a == 1.0lf) return mi_sign64(1.5707963267948966lf, w.y);
  if (high >= 0x3ff00000u) return mi_nan64();
  return mi_sign64(mi_angle(dvec2(a, 0.0lf), mi_cathetus(a)).x, w.y);
}

//@ m_acos.f64: mi_angle.f64 mi_cathetus.f64 mi_const.f64
double m_acos(double x) {
  uvec2 w = unpackDouble2x32(x);
  double a = abs(x);
  if (a == 1.0lf) return x > 0.0lf ? 0.0lf : 3.141592653589793lf;
  if ((w.y & 0x7fffffffu) >= 0x3ff00000u) return mi_nan64();
  dvec2 v = mi_angle(mi_cathetus(a), dvec2(a, 0.0lf));
  if (x >= 0.0lf) return v.x;
  dvec2 s = mi_two_sum(3.141592653589793lf, -v.x);
  precise double r = s.x + (s.y + (1.2246467991473532e-16lf - v.y));
  return r;
}

//@ m_atan.f64: mi_angle.f64 mi_const.f64
double m_atan(double x) {
  uvec2 w = unpackDouble2x32(x);
  uint high = w.y & 0x7fffffffu;
  if (mi_nan_bits(uvec2(w.x, high)) || high < 0x3e300000u) return x;
  if (high >= 0x44000000u) return mi_sign64(1.5707963267948966lf, w.y);
  return mi_sign64(mi_angle(dvec2(abs(x), 0.0lf), dvec2(1.0lf, 0.0lf)).x, w.y);
}

//@ m_atan2.f64: mi_angle.f64 mi_split.f64 mi_scale.f64 mi_const.f64
double m_atan2(double y, double x) {
  uvec2 wy = unpackDouble2x32(y);
  uvec2 wx = unpackDouble2x32(x);
  uvec2 by = uvec2(wy.x, wy.y & 0x7fffffffu);
  uvec2 bx = uvec2(wx.x, wx.y & 0x7fffffffu);
  if (mi_nan_bits(by) || mi_nan_bits(bx)) return mi_nan64();
  bool left = (wx.y >> 31) == 1u;
  dvec2 v;
  if (by.x == bx.x && by.y == bx.y) {
    // Also 0 / 0 and Inf / Inf: the first lies on the axis, the second on the diagonal.
    v = (by.x | by.y) == 0u ? dvec2(0.0lf) : dvec2(0.7853981633974483lf, 3.061616997868383e-17lf);
  } else if (by.y == 0x7ff00000u || (bx.x | bx.y) == 0u) {
    v = dvec2(1.5707963267948966lf, 6.123233995736766e-17lf);
  } else if (bx.y == 0x7ff00000u || (by.x | by.y) == 0u) {
    v = dvec2(0.0lf);
  } else {
    dvec2 p = mi_split(packDouble2x32(by));
    dvec2 q = mi_split(packDouble2x32(bx));
    int e = int(p.y) - int(q.y);
    if (e < -64 && !left) return mi_sign64(mi_scale(mi_dd_div(dvec2(p.x, 0.0lf), dvec2(q.x, 0.0lf)).x, e), wy.y);
    v = mi_angle(dvec2(p.x * mi_exp2i(clamp(e, -100, 100)), 0.0lf), dvec2(q.x, 0.0lf));
  }
  if (left) {
    dvec2 s = mi_two_sum(3.141592653589793lf, -v.x);
    precise double r = s.x + (s.y + (1.2246467991473532e-16lf - v.y));
    v.x = r;
  }
  return mi_sign64(v.x, wy.y);
}
