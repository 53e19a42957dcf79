// Transcendental functions of f32, computed in double and rounded once.
//
// Every result is within 1 ulp of the exact one, and is the nearest float in all but about one case in 2^18 or fewer: the
// double result carries 42 bits or more. Needs shaderFloat64; there is no path without it. Subnormal arguments and results
// count where the device keeps them. Specials follow C99 Annex F. No result depends on whether a * b + c is contracted.
//
// Read by kernels/shader_library.h: a function and its section share a name, with .f32 after it; mi_ names are internal.
// Text here uses only what GLSL 4.50 has. Polynomials are minimax fits, lowest power first; each says its relative error.

//@ mi_sign.f32:
// |v|, which is not negative, with the sign of the float whose bits are |bits|.
float mi_sign(float v, uint bits) { return uintBitsToFloat((floatBitsToUint(v) & 0x7fffffffu) | (bits & 0x80000000u)); }

//@ mi_exp2i_d:
// 2^k for k in -1022...1023.
double mi_exp2i_d(int k) { return packDouble2x32(uvec2(0u, uint(k + 1023) << 20)); }

//@ mi_expm1_d: mi_exp2i_d
// e^x - 1, to 2^-48, for |x| < 700.
double mi_expm1_d(double x) {
  double k = floor(x * 1.4426950408889634lf + 0.5lf);
  // ln 2 in two parts: k times the first is exact.
  double r = (x - k * 0.6931471805592082lf) - k * 7.371002565167799e-13lf;
  // (e^r - 1 - r) / r^2 on |r| <= 0.3466: 2^-49.
  double e = r + r * r * (0.5000000000000009lf + r * (0.1666666666663005lf + r * (0.041666666666517624lf + r * (
      0.008333333362919844lf + r * (0.0013888888952393861lf + r * (0.00019841195543839475lf + r * (
      2.480147955796809e-05lf + r * (2.7630831943244366e-06lf + r * 2.763636656787947e-07lf))))))));
  double scale = mi_exp2i_d(int(k));
  return k == 0.0lf ? e : scale * e + (scale - 1.0lf);
}

//@ mi_exp_d: mi_exp2i_d
// e^x, to 2^-49, for |x| < 700.
double mi_exp_d(double x) {
  double k = floor(x * 1.4426950408889634lf + 0.5lf);
  double r = (x - k * 0.6931471805592082lf) - k * 7.371002565167799e-13lf;
  // (e^r - 1 - r) / r^2 on |r| <= 0.3466: 2^-49.
  return mi_exp2i_d(int(k)) * (1.0lf + (r + r * r * (0.5000000000000009lf + r * (0.1666666666663005lf + r * (
      0.041666666666517624lf + r * (0.008333333362919844lf + r * (0.0013888888952393861lf + r * (
      0.00019841195543839475lf + r * (2.480147955796809e-05lf + r * (2.7630831943244366e-06lf + r *
      2.763636656787947e-07lf))))))))));
}

//@ mi_log_kf_d:
// log(2^k (1 + f)), to 2^-50, for 1 + f within a factor of sqrt(2) of 1.
double mi_log_kf_d(double k, double f) {
  double s = f / (2.0lf + f);
  double z = s * s;
  // 2 atanh(s) / s on |s| <= 0.1716: 2^-51.
  return k * 0.6931471805599453lf + s * (2.0lf + z * (0.66666666666587lf + z * (0.400000000523865lf + z * (
      0.28571417109898195lf + z * (0.22223373196065196lf + z * (0.1812359084964117lf + z *
      0.16820474293338109lf))))));
}

//@ mi_log_d: mi_log_kf_d
// log(x), to 2^-50, for normal positive x.
double mi_log_d(double x) {
  uvec2 w = unpackDouble2x32(x);
  int k = int(w.y >> 20) - 1023;
  w.y = (w.y & 0x000fffffu) | 0x3ff00000u;
  // From 1.4142 up the next power of two is nearer.
  if (w.y >= 0x3ff6a09eu) {
    w.y -= 0x00100000u;
    k += 1;
  }
  return mi_log_kf_d(double(k), packDouble2x32(w) - 1.0lf);
}

//@ mi_log1p_d: mi_log_d
// log(1 + x), to 2^-50, for normal 1 + x > 0 or x = 0.
double mi_log1p_d(double x) { return x > -0.29lf && x < 0.41lf ? mi_log_kf_d(0.0lf, x) : mi_log_d(1.0lf + x); }

//@ mi_trig_big_d:
// The bits of 2/pi, from the point on.
const uint mi_two_over_pi_d[7] =
    uint[7](0xa2f9836eu, 0x4e441529u, 0xfc2757d1u, 0xf534ddc0u, 0xdb629599u, 0x3c439041u, 0xfe5163abu);
// As mi_trig_d, for any finite |x|: the product of the 24 bits of x with the 96 bits of 2/pi that matter, modulo 4.
dvec2 mi_trig_big_d(float x) {
  uint u = floatBitsToUint(x);
  uint m = (u & 0x007fffffu) | 0x00800000u;
  // x = m 2^e; bits of 2/pi above 2^(2 - e) give multiples of four.
  int shift = int((u >> 23) & 0xffu) - 150 - 2;
  int at = shift >> 5;
  int by = shift & 31;
  uint w[4];
  for (int i = 0; i < 4; ++i) w[i] = mi_two_over_pi_d[at + i];
  if (by != 0) {
    for (int i = 0; i < 3; ++i) w[i] = (w[i] << by) | (w[i + 1] >> (32 - by));
  }
  uint p0, p1, p2, h1, h2, carry;
  umulExtended(m, w[2], h2, p2);
  umulExtended(m, w[1], h1, p1);
  p0 = m * w[0] + h1;
  p1 = uaddCarry(p1, h2, carry);
  p0 += carry;
  uint q = (p0 + 0x20000000u) >> 30;
  // What is left after the nearest quarter, as a signed fraction of it.
  int top = int((p0 << 2) | (p1 >> 30));
  uint low = (p1 << 2) | (p2 >> 30);
  double t = double(top) * 2.3283064365386963e-10lf + double(low) * 5.421010862427522e-20lf;
  return dvec2(t * 1.5707963267948966lf, double(q));
}

//@ mi_trig_d: mi_trig_big_d
// |x| less the nearest multiple of pi/2, to 2^-50 of itself, and that multiple modulo 4, for finite x.
dvec2 mi_trig_d(float x) {
  if ((floatBitsToUint(x) & 0x7fffffffu) >= 0x4c800000u) return mi_trig_big_d(x);
  double a = abs(double(x));
  double k = floor(a * 0.6366197723675814lf + 0.5lf);
  // pi/2 in three parts; k, below 2^27, times each of the first two is exact.
  double r = ((a - k * 1.5707963109016418lf) - k * 1.5893254712295857e-08lf) - k * 6.123233995736766e-17lf;
  return dvec2(r, double(int(k) & 3));
}

//@ mi_sin_d:
// sin(r) on |r| <= 0.7858: 2^-52.
double mi_sin_d(double r) {
  double z = r * r;
  return r * (1.0lf + z * (-0.16666666666666632lf + z * (0.00833333333332247lf + z * (
      -0.00019841269829834124lf + z * (2.7557313696678375e-06lf + z * (-2.505075837243722e-08lf + z *
      1.5896788971197173e-10lf))))));
}

//@ mi_cos_d:
// cos(r) on |r| <= 0.7858: 2^-52.
double mi_cos_d(double r) {
  double z = r * r;
  return 1.0lf + z * (-0.4999999999999948lf + z * (0.04166666666650231lf + z * (-0.0013888888871651573lf + z * (
      2.4801578989019325e-05lf + z * (-2.755529189638255e-07lf + z * 2.0633321359846665e-09lf)))));
}

//@ mi_atan_d:
// atan(t) on 0 <= t <= 1: 2^-50.
double mi_atan_d(double t) {
  double z = t * t;
  return t * (1.0lf + z * (-0.33333333333325915lf + z * (0.1999999999887163lf + z * (-0.14285714225217772lf + z * (
      0.1111110945333313lf + z * (-0.09090881707870008lf + z * (0.07692008205827829lf + z * (
      -0.06664363390940954lf + z * (0.058693706116935355lf + z * (-0.05207903092522498lf + z * (
      0.04580269837677115lf + z * (-0.03878243593157112lf + z * (0.03029680592752588lf + z * (
      -0.020739562424220776lf + z * (0.011762168025333048lf + z * (-0.005194257205710235lf + z * (
      0.0016507867592124947lf + z * (-0.00033270544025118136lf + z * 3.174011186946406e-05lf))))))))))))))))));
}

//@ mi_asin_d:
// asin(s) on |s| <= 0.5: 2^-50.
double mi_asin_d(double s) {
  double z = s * s;
  return s * (1.0lf + z * (0.16666666666683833lf + z * (0.07499999996101847lf + z * (0.044642860216603755lf + z * (
      0.03038182382993461lf + z * (0.022374899753954923lf + z * (0.01731380709849223lf + z * (
      0.01432472981361894lf + z * (0.00936932121775963lf + z * (0.0182890341324882lf + z * (
      -0.01176417325426716lf + z * 0.031565576468252lf)))))))))));
}

//@ mi_erf_d:
// erf(s) on |s| <= 0.75: 2^-50.
double mi_erf_d(double s) {
  double z = s * s;
  return s * (1.1283791670955126lf + z * (-0.3761263890318127lf + z * (0.11283791670808925lf + z * (
      -0.026866170611687945lf + z * (0.0052239772366168185lf + z * (-0.0008548301020501097lf + z * (
      0.00012054271718869768lf + z * (-1.4898722982307592e-05lf + z * (1.6045474041483342e-06lf + z *
      -1.2715303482716546e-07lf)))))))));
}

//@ mi_erfc_d: mi_exp_d
// erfc(x) for 0.75 <= x <= 10.1, to 2^-44.
double mi_erfc_d(double x) {
  double t = (x - 3.0lf) / (x + 3.0lf);
  // (1 + 2 x) e^(x^2) erfc(x): 2^-44.
  double g = 1.2530080582697518lf + t * (-0.13562110612385223lf + t * (-0.047562294361119264lf + t * (
      0.12964515861758577lf + t * (-0.11927366298765986lf + t * (0.06830803025968632lf + t * (
      -0.023770523740618416lf + t * (0.0025293472232055694lf + t * (0.00188877588712512lf + t * (
      -0.0007794771247134714lf + t * (-0.00010557822572159342lf + t * (0.00012355775578234735lf + t * (
      5.9288523880102506e-06lf + t * (-1.6593682072211728e-05lf + t * -1.495925892009302e-06lf)))))))))))));
  return mi_exp_d(-(x * x)) * g / (1.0lf + 2.0lf * x);
}

//@ m_exp.f32: mi_exp_d
float m_exp(float x) {
  if ((floatBitsToUint(x) & 0x7fffffffu) > 0x7f800000u) return x;
  return float(mi_exp_d(clamp(double(x), -150.0lf, 150.0lf)));
}

//@ m_expm1.f32: mi_expm1_d
float m_expm1(float x) {
  uint a = floatBitsToUint(x) & 0x7fffffffu;
  if (a > 0x7f800000u || a < 0x33000000u) return x;
  return float(mi_expm1_d(clamp(double(x), -150.0lf, 150.0lf)));
}

//@ m_log.f32: mi_log_d
float m_log(float x) {
  uint u = floatBitsToUint(x);
  if (u > 0x7f800000u) return uintBitsToFloat((u << 1) == 0u ? 0xff800000u : 0x7fc00000u);
  if (u == 0u) return uintBitsToFloat(0xff800000u);
  if (u == 0x7f800000u) return x;
  return float(mi_log_d(double(x)));
}

//@ m_log1p.f32: mi_log1p_d
float m_log1p(float x) {
  uint u = floatBitsToUint(x);
  uint a = u & 0x7fffffffu;
  if (a < 0x33000000u || u == 0x7f800000u) return x;
  if (u == 0xbf800000u) return uintBitsToFloat(0xff800000u);
  if (u > 0xbf800000u || a > 0x7f800000u) return uintBitsToFloat(0x7fc00000u);
  return float(mi_log1p_d(double(x)));
}

//@ m_sigmoid.f32: mi_exp_d
float m_sigmoid(float x) {
  if ((floatBitsToUint(x) & 0x7fffffffu) > 0x7f800000u) return x;
  return float(1.0lf / (1.0lf + mi_exp_d(clamp(-double(x), -150.0lf, 150.0lf))));
}

//@ m_sin.f32: mi_trig_d mi_sin_d mi_cos_d mi_sign.f32
float m_sin(float x) {
  uint u = floatBitsToUint(x);
  uint a = u & 0x7fffffffu;
  if (a < 0x39000000u) return x;
  if (a >= 0x7f800000u) return uintBitsToFloat(0x7fc00000u);
  dvec2 r = mi_trig_d(x);
  uint q = uint(r.y);
  float v = float((q & 1u) == 0u ? mi_sin_d(r.x) : mi_cos_d(r.x));
  return uintBitsToFloat(floatBitsToUint(v) ^ (u & 0x80000000u) ^ ((q & 2u) << 30));
}

//@ m_cos.f32: mi_trig_d mi_sin_d mi_cos_d
float m_cos(float x) {
  if ((floatBitsToUint(x) & 0x7fffffffu) >= 0x7f800000u) return uintBitsToFloat(0x7fc00000u);
  dvec2 r = mi_trig_d(x);
  uint q = uint(r.y);
  float v = float((q & 1u) == 0u ? mi_cos_d(r.x) : mi_sin_d(r.x));
  return uintBitsToFloat(floatBitsToUint(v) ^ (((q + 1u) & 2u) << 30));
}

//@ m_tan.f32: mi_trig_d mi_sin_d mi_cos_d
float m_tan(float x) {
  uint u = floatBitsToUint(x);
  uint a = u & 0x7fffffffu;
  if (a < 0x39000000u) return x;
  if (a >= 0x7f800000u) return uintBitsToFloat(0x7fc00000u);
  dvec2 r = mi_trig_d(x);
  double s = mi_sin_d(r.x);
  double c = mi_cos_d(r.x);
  float v = float((uint(r.y) & 1u) == 0u ? s / c : -c / s);
  return uintBitsToFloat(floatBitsToUint(v) ^ (u & 0x80000000u));
}

//@ m_cosh.f32: mi_exp_d
float m_cosh(float x) {
  if ((floatBitsToUint(x) & 0x7fffffffu) > 0x7f800000u) return x;
  double e = mi_exp_d(min(abs(double(x)), 150.0lf));
  return float(0.5lf * e + 0.5lf / e);
}

//@ m_sinh.f32: mi_expm1_d mi_sign.f32
float m_sinh(float x) {
  uint u = floatBitsToUint(x);
  uint a = u & 0x7fffffffu;
  if (a < 0x39000000u || a > 0x7f800000u) return x;
  double e = mi_expm1_d(min(abs(double(x)), 150.0lf));
  return mi_sign(float(0.5lf * (e + e / (e + 1.0lf))), u);
}

//@ m_tanh.f32: mi_expm1_d mi_sign.f32
float m_tanh(float x) {
  uint u = floatBitsToUint(x);
  uint a = u & 0x7fffffffu;
  if (a < 0x39000000u || a > 0x7f800000u) return x;
  double e = mi_expm1_d(min(abs(2.0lf * double(x)), 150.0lf));
  return mi_sign(float(e / (e + 2.0lf)), u);
}

//@ m_acos.f32: mi_asin_d
float m_acos(float x) {
  if ((floatBitsToUint(x) & 0x7fffffffu) > 0x3f800000u) return uintBitsToFloat(0x7fc00000u);
  double a = abs(double(x));
  if (a <= 0.5lf) return float(1.5707963267948966lf - mi_asin_d(double(x)));
  double t = 2.0lf * mi_asin_d(sqrt(0.5lf * (1.0lf - a)));
  return float(x < 0.0 ? 3.141592653589793lf - t : t);
}

//@ m_asin.f32: mi_asin_d mi_sign.f32
float m_asin(float x) {
  uint u = floatBitsToUint(x);
  uint b = u & 0x7fffffffu;
  if (b > 0x3f800000u) return uintBitsToFloat(0x7fc00000u);
  if (b < 0x39000000u) return x;
  double a = abs(double(x));
  double v = a <= 0.5lf ? mi_asin_d(a) : 1.5707963267948966lf - 2.0lf * mi_asin_d(sqrt(0.5lf * (1.0lf - a)));
  return mi_sign(float(v), u);
}

//@ m_atan.f32: mi_atan_d mi_sign.f32
float m_atan(float x) {
  uint u = floatBitsToUint(x);
  uint b = u & 0x7fffffffu;
  if (b < 0x39000000u || b > 0x7f800000u) return x;
  if (b == 0x7f800000u) return mi_sign(float(1.5707963267948966lf), u);
  double a = abs(double(x));
  double v = a <= 1.0lf ? mi_atan_d(a) : 1.5707963267948966lf - mi_atan_d(1.0lf / a);
  return mi_sign(float(v), u);
}

//@ m_atan2.f32: mi_atan_d mi_sign.f32
float m_atan2(float y, float x) {
  uint uy = floatBitsToUint(y);
  uint ux = floatBitsToUint(x);
  uint by = uy & 0x7fffffffu;
  uint bx = ux & 0x7fffffffu;
  if (by > 0x7f800000u || bx > 0x7f800000u) return uintBitsToFloat(0x7fc00000u);
  double v;
  if (by == bx) {
    // Also 0 / 0 and Inf / Inf: the first lies on the axis, the second on the diagonal.
    v = by == 0u ? 0.0lf : 0.7853981633974483lf;
  } else if (by == 0x7f800000u || bx == 0u) {
    v = 1.5707963267948966lf;
  } else if (bx == 0x7f800000u || by == 0u) {
    v = 0.0lf;
  } else {
    double p = abs(double(y));
    double q = abs(double(x));
    v = p < q ? mi_atan_d(p / q) : 1.5707963267948966lf - mi_atan_d(q / p);
  }
  return mi_sign(float((ux >> 31) == 1u ? 3.141592653589793lf - v : v), uy);
}

//@ m_acosh.f32: mi_log1p_d
float m_acosh(float x) {
  uint u = floatBitsToUint(x);
  if (u == 0x7f800000u) return x;
  if (u < 0x3f800000u || u > 0x7f800000u) return uintBitsToFloat(0x7fc00000u);
  double t = double(x) - 1.0lf;
  return float(mi_log1p_d(t + sqrt(t * (t + 2.0lf))));
}

//@ m_asinh.f32: mi_log1p_d mi_sign.f32
float m_asinh(float x) {
  uint u = floatBitsToUint(x);
  uint b = u & 0x7fffffffu;
  if (b < 0x39000000u || b >= 0x7f800000u) return x;
  double a = abs(double(x));
  return mi_sign(float(mi_log1p_d(a + a * a / (1.0lf + sqrt(1.0lf + a * a)))), u);
}

//@ m_atanh.f32: mi_log1p_d mi_sign.f32
float m_atanh(float x) {
  uint u = floatBitsToUint(x);
  uint b = u & 0x7fffffffu;
  if (b < 0x39000000u) return x;
  if (b == 0x3f800000u) return mi_sign(uintBitsToFloat(0x7f800000u), u);
  if (b > 0x3f800000u) return uintBitsToFloat(0x7fc00000u);
  double a = abs(double(x));
  return mi_sign(float(0.5lf * mi_log1p_d(2.0lf * a / (1.0lf - a))), u);
}

//@ m_sqrt.f32:
float m_sqrt(float x) {
  uint u = floatBitsToUint(x);
  if (u == 0u || u == 0x80000000u || u == 0x7f800000u) return x;
  if (u > 0x7f800000u) return uintBitsToFloat(0x7fc00000u);
  double d = double(x);
  double s = sqrt(d);
  // One step, for devices whose sqrt of doubles is only as good as that of floats.
  return float(s - (s * s - d) / (2.0lf * s));
}

//@ m_rsqrt.f32:
float m_rsqrt(float x) {
  uint u = floatBitsToUint(x);
  if (u == 0u || u == 0x80000000u) return uintBitsToFloat(u | 0x7f800000u);
  if (u == 0x7f800000u) return 0.0;
  if (u > 0x7f800000u) return uintBitsToFloat(0x7fc00000u);
  double d = double(x);
  double s = 1.0lf / sqrt(d);
  return float(s + 0.5lf * s * (1.0lf - d * s * s));
}

//@ m_cbrt.f32: mi_sign.f32
float m_cbrt(float x) {
  uint u = floatBitsToUint(x);
  uint b = u & 0x7fffffffu;
  if (b == 0u || b >= 0x7f800000u) return x;
  double d = abs(double(x));
  // A third of the exponent gives 5 bits; two steps of third order make 45 and more of them.
  double y = packDouble2x32(uvec2(0u, unpackDouble2x32(d).y / 3u + 0x2a9f7893u));
  double c = y * y * y;
  y *= (c + 2.0lf * d) / (2.0lf * c + d);
  c = y * y * y;
  y *= (c + 2.0lf * d) / (2.0lf * c + d);
  c = y * y * y;
  y -= y * (c - d) / (3.0lf * d);
  return mi_sign(float(y), u);
}

//@ m_erf.f32: mi_erf_d mi_erfc_d mi_sign.f32
float m_erf(float x) {
  uint u = floatBitsToUint(x);
  uint b = u & 0x7fffffffu;
  if (b == 0u || b > 0x7f800000u) return x;
  double a = min(abs(double(x)), 5.0lf);
  return mi_sign(float(a < 0.75lf ? mi_erf_d(a) : 1.0lf - mi_erfc_d(a)), u);
}

//@ m_erfc.f32: mi_erf_d mi_erfc_d
float m_erfc(float x) {
  if ((floatBitsToUint(x) & 0x7fffffffu) > 0x7f800000u) return x;
  double d = clamp(double(x), -10.1lf, 10.1lf);
  double a = abs(d);
  if (a < 0.75lf) return float(1.0lf - mi_erf_d(d));
  double c = mi_erfc_d(a);
  return float(d < 0.0lf ? 2.0lf - c : c);
}

//@ m_erf_inv.f32: mi_log_d mi_sign.f32
float m_erf_inv(float x) {
  uint bits = floatBitsToUint(x);
  uint b = bits & 0x7fffffffu;
  if (b == 0u) return x;
  if (b == 0x3f800000u) return mi_sign(uintBitsToFloat(0x7f800000u), bits);
  if (b > 0x3f800000u) return uintBitsToFloat(0x7fc00000u);
  double a = abs(double(x));
  double w = -mi_log_d((1.0lf - a) * (1.0lf + a));
  double v;
  if (w < 5.0lf) {
    // erf_inv(x) / x on 0 <= w <= 5: 2^-43.6.
    double u = w - 2.5lf;
    v = 1.5014093511107436lf + u * (0.2466402767434742lf + u * (-0.004177317723372325lf + u * (
        -0.0012527079023633288lf + u * (0.00021825026085399lf + u * (-4.996092073877129e-06lf + u * (
        -3.4166149626841564e-06lf + u * (4.787380557783889e-07lf + u * (1.3413731310472253e-08lf + u * (
        -1.0868198383532735e-08lf + u * (9.084441319722219e-10lf + u * (1.2180718948668153e-10lf + u * (
        -3.1352128060671036e-11lf + u * (5.128990238399336e-13lf + u * (5.683362459506772e-13lf + u * (
        -3.6219002413991167e-14lf + u * -5.49711685107054e-15lf)))))))))))))));
  } else {
    // The same on 5 <= w <= 16.8: 2^-43.9.
    double u = sqrt(w) - 3.2lf;
    v = 3.033636574409234lf + u * (1.0046924418655665lf + u * (0.005973169513581925lf + u * (
        -0.004294164828723572lf + u * (0.002950820363328379lf + u * (-0.0019930159583019576lf + u * (
        0.0010784526953094892lf + u * (-0.0003577423833239549lf + u * (-1.2258617220324982e-05lf + u * (
        9.344619787151812e-05lf + u * (-5.357601109532333e-05lf + u * (1.0143072163696072e-05lf + u * (
        5.935172609445309e-06lf + u * (-5.4167909869286154e-06lf + u * (1.3284137614491239e-06lf + u * (
        5.503488209496582e-07lf + u * -3.1864680579953787e-07lf)))))))))))))));
  }
  return mi_sign(float(a * v), bits);
}

//@ m_pow.f32: mi_exp_d mi_log_d
float m_pow(float x, float y) {
  uint ux = floatBitsToUint(x);
  uint uy = floatBitsToUint(y);
  uint bx = ux & 0x7fffffffu;
  uint by = uy & 0x7fffffffu;
  if (by == 0u || ux == 0x3f800000u) return 1.0;
  if (bx > 0x7f800000u || by > 0x7f800000u) return uintBitsToFloat(0x7fc00000u);
  // 0: y is no integer, 1: odd, 2: even. From 2^24 on all floats are even.
  uint kind = 2u;
  if (by < 0x4b800000u) {
    double h = 0.5lf * abs(double(y));
    kind = floor(h) == h ? 2u : (floor(2.0lf * h) == 2.0lf * h ? 1u : 0u);
  }
  uint sign = kind == 1u ? ux & 0x80000000u : 0u;
  bool rises = (uy >> 31) == 0u;
  if (bx == 0u || bx == 0x7f800000u) return uintBitsToFloat(sign | (rises == (bx == 0u) ? 0u : 0x7f800000u));
  if (by == 0x7f800000u) {
    if (bx == 0x3f800000u) return 1.0;
    return uintBitsToFloat(rises == (bx < 0x3f800000u) ? 0u : 0x7f800000u);
  }
  if ((ux >> 31) == 1u && kind == 0u) return uintBitsToFloat(0x7fc00000u);
  double v = mi_exp_d(clamp(double(y) * mi_log_d(abs(double(x))), -150.0lf, 150.0lf));
  if (rises && by <= 0x41800000u && fract(8.0 * y) == 0.0) {
    // The exact power may lie half way between two floats, here only: take what is 2^-42 away from such a point for it.
    uvec2 w = unpackDouble2x32(v);
    uint low = w.x & 0x0fffffffu;
    if (low < 0x400u) {
      w.x -= low;
    } else if (low > 0x0ffffc00u) {
      w.x += 0x10000000u - low;
      w.y += w.x == 0u ? 1u : 0u;
    }
    v = packDouble2x32(w);
  }
  return uintBitsToFloat(floatBitsToUint(float(v)) | sign);
}

//@ m_div.f32:
float m_div(float x, float y) {
  uint bx = floatBitsToUint(x) & 0x7fffffffu;
  uint by = floatBitsToUint(y) & 0x7fffffffu;
  uint sign = (floatBitsToUint(x) ^ floatBitsToUint(y)) & 0x80000000u;
  if (bx > 0x7f800000u || by > 0x7f800000u || (bx == by && (bx == 0u || bx == 0x7f800000u))) {
    return uintBitsToFloat(0x7fc00000u);
  }
  if (by == 0u || bx == 0x7f800000u) return uintBitsToFloat(sign | 0x7f800000u);
  if (bx == 0u || by == 0x7f800000u) return uintBitsToFloat(sign);
  double a = double(x);
  double b = double(y);
  double q = a / b;
  // One step, for devices whose division of doubles is only as good as that of floats.
  return float(q + (a - q * b) / b);
}

//@ m_fmod.f32: mi_sign.f32
// The remainder of x / y with the sign of x; exact.
float m_fmod(float x, float y) {
  uint ux = floatBitsToUint(x);
  uint bx = ux & 0x7fffffffu;
  uint by = floatBitsToUint(y) & 0x7fffffffu;
  if (bx >= 0x7f800000u || by > 0x7f800000u || by == 0u) return uintBitsToFloat(0x7fc00000u);
  if (bx < by) return x;
  if (bx == by) return mi_sign(0.0, ux);
  double r = abs(double(x));
  double m = abs(double(y));
  // Each turn takes 28 bits off the quotient: r stays below 2^28 times the scaled divisor, so that every step is exact.
  int n = (int(unpackDouble2x32(r).y >> 20) - int(unpackDouble2x32(m).y >> 20)) / 28;
  for (; n >= 0; --n) {
    double d = m * packDouble2x32(uvec2(0u, uint(1023 + 28 * n) << 20));
    r -= floor(r / d) * d;
    // The quotient may be one too large or too small.
    if (r < 0.0lf) r += d;
    if (r >= d) r -= d;
  }
  return mi_sign(float(r), ux);
}
