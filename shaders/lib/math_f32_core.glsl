// What the functions of f32 are made of: functions of double to 42 bits and more, which one rounding makes floats.
//
// Sections and conventions as in math_f32.glsl. No result depends on whether a * b + c is contracted.

//@ mi_sign.f32:
// v, which is not negative, with the sign of the float whose bits are |bits|. Not by masking and merging: LLVM 19 turns
// that, in lavapipe, into wrong code where early returns surround it.
float mi_sign(float v, uint bits) { return uintBitsToFloat(floatBitsToUint(v) ^ (bits & 0x80000000u)); }

//@ mi_widen:
// x as a double, exactly: a device that flushes the subnormal numbers of f32 does so in its conversion too.
double mi_widen(float x) {
  uint bits = floatBitsToUint(x);
  if ((bits & 0x7f800000u) != 0u) return double(x);
  double magnitude = double(bits & 0x007fffffu) * 1.401298464324817e-45lf;
  return (bits >> 31) != 0u ? -magnitude : magnitude;
}

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
  double p = fma(z, fma(z, fma(z, fma(z, fma(z, fma(z, 0.16820474293338109lf, 0.1812359084964117lf),
      0.22223373196065196lf), 0.28571417109898195lf), 0.400000000523865lf), 0.66666666666587lf), 2.0lf);
  return fma(s, p, k * 0.6931471805599453lf);
}

//@ mi_log_d: mi_log_kf_d
// log(x), to 2^-50, for normal positive x.
double mi_log_d(double x) {
  uvec2 w = unpackDouble2x32(x);
  // From 1.4142 up the next power of two is nearer.
  uint above = w.y - 0x3fe6a09eu;
  w.y -= above & 0xfff00000u;
  return mi_log_kf_d(double(int(above) >> 20), packDouble2x32(w) - 1.0lf);
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

//@ mi_trig_d: mi_trig_big_d mi_widen
// |x| less the nearest multiple of pi/2, to 2^-50 of itself, and that multiple modulo 4, for finite x.
dvec2 mi_trig_d(float x) {
  if ((floatBitsToUint(x) & 0x7fffffffu) >= 0x4c800000u) return mi_trig_big_d(x);
  double a = abs(mi_widen(x));
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

