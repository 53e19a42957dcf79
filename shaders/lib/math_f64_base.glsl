// Functions of f64, first part: pairs of doubles, roots, division, remainder.
//
// All functions of f64 are within 1 ulp of the exact result (m_fmod: exact; m_sqrt: the nearest number), but for what
// math_f64_gamma.glsl says of zeros. Specials follow C99 Annex F. Subnormal arguments and results count where the device
// keeps them.
//
// A pair (hi, lo) stands for hi + lo, lo being a rounding error of hi, and carries about 100 bits. Only sums,
// differences and products of doubles are taken to be correctly rounded, as Vulkan promises; quotients and square roots
// of the driver are starting points, and are corrected here. No fma: where it is not one instruction it is not always
// exact. `precise` keeps compilers from contracting or reordering what measures a rounding error.
//
// Read by kernels/glsl/shader_library.h: m_exp is in section m_exp.f64, and so on; names with mi_ are internal.
// Text here uses only what GLSL 4.50 has. Polynomials are minimax fits; each says its error, relative to the result.

//@ mi_const.f64:
double mi_nan64() { return packDouble2x32(uvec2(0u, 0x7ff80000u)); }
// Infinity with the sign bit of |high|, the upper word of a double.
double mi_inf64(uint high) { return packDouble2x32(uvec2(0u, 0x7ff00000u | (high & 0x80000000u))); }
// v, which is not negative, with the sign bit of |high|; by exclusive or, as mi_sign in math_f32_core.glsl.
double mi_sign64(double v, uint high) {
  uvec2 w = unpackDouble2x32(v);
  return packDouble2x32(uvec2(w.x, w.y ^ (high & 0x80000000u)));
}
// |w|, the words of a double's magnitude: is it a NaN?
bool mi_nan_bits(uvec2 w) { return w.y > 0x7ff00000u || (w.y == 0x7ff00000u && w.x != 0u); }

//@ mi_scale.f64:
// 2^k for k in -1022...1023.
double mi_exp2i(int k) { return packDouble2x32(uvec2(0u, uint(k + 1023) << 20)); }
// y 2^k, rounded once; y between 2^-60 and 2^60, or 0.
double mi_scale(double y, int k) {
  k = clamp(k, -1200, 1200);
  int half_k = k >> 1;
  precise double v = y * mi_exp2i(half_k);
  v = v * mi_exp2i(k - half_k);
  return v;
}

//@ mi_split.f64:
// (m, e) with x = m 2^e and 1 <= m < 2, for finite x > 0.
dvec2 mi_split(double x) {
  uvec2 w = unpackDouble2x32(x);
  int bias = 1023;
  if (w.y < 0x00100000u) {
    // Subnormal: shift the leading one up to its place.
    int up = w.y != 0u ? 20 - findMSB(w.y) : 52 - findMSB(w.x);
    w.y = up >= 32 ? w.x << (up - 32) : (w.y << up) | (w.x >> (32 - up));
    w.x = up >= 32 ? 0u : w.x << up;
    bias += up - 1;
    w.y &= 0x000fffffu;
  }
  return dvec2(packDouble2x32(uvec2(w.x, (w.y & 0x000fffffu) | 0x3ff00000u)), double(int(w.y >> 20) - bias));
}

//@ mi_sum.f64:
// a + b exactly.
dvec2 mi_two_sum(double a, double b) {
  precise double s = a + b;
  precise double t = s - a;
  precise double e = (a - (s - t)) + (b - t);
  return dvec2(s, e);
}
// a + b exactly, for |a| >= |b|.
dvec2 mi_fast_sum(double a, double b) {
  precise double s = a + b;
  precise double e = b - (s - a);
  return dvec2(s, e);
}

//@ mi_prod.f64:
// The upper 26 bits of a's significand; the rest is exact in a - mi_head(a), and products of two such parts are exact.
double mi_head(double a) {
  uvec2 w = unpackDouble2x32(a);
  return packDouble2x32(uvec2(w.x & 0xf8000000u, w.y));
}
// a * b, to 2^-105.
dvec2 mi_two_prod(double a, double b) {
  precise double p = a * b;
  precise double ah = mi_head(a);
  precise double bh = mi_head(b);
  precise double al = a - ah;
  precise double bl = b - bh;
  precise double e = (((ah * bh - p) + ah * bl) + al * bh) + al * bl;
  return dvec2(p, e);
}

//@ mi_dd_mul.f64: mi_sum.f64 mi_prod.f64
// a * b of pairs.
dvec2 mi_dd_mul(dvec2 a, dvec2 b) {
  dvec2 p = mi_two_prod(a.x, b.x);
  precise double e = p.y + (a.x * b.y + a.y * b.x);
  return mi_fast_sum(p.x, e);
}

//@ mi_dd_div.f64: mi_sum.f64 mi_prod.f64
// a / b of pairs.
dvec2 mi_dd_div(dvec2 a, dvec2 b) {
  double q = a.x / b.x;
  dvec2 p = mi_two_prod(q, b.x);
  precise double r = ((a.x - p.x) - p.y) + (a.y - q * b.y);
  return mi_fast_sum(q, r / b.x);
}

//@ mi_dd_sqrt.f64: mi_sum.f64 mi_prod.f64
// The square root of a pair, a > 0.
dvec2 mi_dd_sqrt(dvec2 a) {
  double s = sqrt(a.x);
  dvec2 p = mi_two_prod(s, s);
  precise double r = ((a.x - p.x) - p.y) + a.y;
  return mi_fast_sum(s, r / (2.0lf * s));
}

//@ m_div.f64: mi_const.f64 mi_split.f64 mi_scale.f64 mi_dd_div.f64
// Correctly rounded, but for ties in subnormal results.
double m_div(double x, double y) {
  uvec2 wx = unpackDouble2x32(x);
  uvec2 wy = unpackDouble2x32(y);
  uint sign = (wx.y ^ wy.y) & 0x80000000u;
  wx.y &= 0x7fffffffu;
  wy.y &= 0x7fffffffu;
  bool zero_x = (wx.x | wx.y) == 0u;
  bool zero_y = (wy.x | wy.y) == 0u;
  if (mi_nan_bits(wx) || mi_nan_bits(wy) || (zero_x && zero_y) || (wx.y == 0x7ff00000u && wy.y == 0x7ff00000u)) {
    return mi_nan64();
  }
  if (zero_y || wx.y == 0x7ff00000u) return mi_inf64(sign);
  if (zero_x || wy.y == 0x7ff00000u) return mi_sign64(0.0lf, sign);
  dvec2 a = mi_split(packDouble2x32(wx));
  dvec2 b = mi_split(packDouble2x32(wy));
  // Two corrections, for drivers whose quotient has the precision of floats.
  dvec2 q = mi_dd_div(dvec2(a.x, 0.0lf), dvec2(b.x, 0.0lf));
  dvec2 p = mi_two_prod(q.x, b.x);
  precise double r = (a.x - p.x) - p.y;
  precise double v = q.x + r / b.x;
  return mi_sign64(mi_scale(v, int(a.y) - int(b.y)), sign);
}

//@ m_sqrt.f64: mi_const.f64 mi_split.f64 mi_scale.f64 mi_dd_sqrt.f64
// Correctly rounded.
double m_sqrt(double x) {
  uvec2 w = unpackDouble2x32(x);
  if ((w.x | (w.y & 0x7fffffffu)) == 0u) return x;
  if (w.y == 0x7ff00000u && w.x == 0u) return x;
  if (w.y >= 0x7ff00000u) return mi_nan64();
  dvec2 m = mi_split(x);
  int e = int(m.y);
  double a = (e & 1) == 0 ? m.x : 2.0lf * m.x;
  // Two corrections, for drivers whose root has the precision of floats.
  double s = mi_dd_sqrt(dvec2(a, 0.0lf)).x;
  dvec2 p = mi_two_prod(s, s);
  precise double r = (a - p.x) - p.y;
  precise double v = s + r / (2.0lf * s);
  // The correction is itself rounded, to half a unit just below powers of four, and then v is the neighbour of the
  // nearest. The residue decides: a - v^2 lies beyond v unit or not, and being a multiple of unit^2 it need not be
  // compared with (v + unit / 2)^2. The head is rounded to 26 bits, so that the square of the rest is exact too.
  const double unit = 2.220446049250313e-16lf;  // of v, and of what is below v = 2
  const double shift = 201326592.0lf;           // 1.5 * 2^27
  precise double shifted = v + shift;
  precise double head = shifted - shift;
  precise double rest = v - head;
  precise double residue = ((a - head * head) - 2.0lf * head * rest) - rest * rest;
  double half_way = v * unit;
  if (residue > half_way) v += unit;
  if (residue <= -half_way) v -= unit;
  return v * mi_exp2i(e >> 1);
}

//@ m_rsqrt.f64: mi_const.f64 mi_split.f64 mi_scale.f64 mi_dd_mul.f64
double m_rsqrt(double x) {
  uvec2 w = unpackDouble2x32(x);
  if ((w.x | (w.y & 0x7fffffffu)) == 0u) return mi_inf64(w.y);
  if (w.y == 0x7ff00000u && w.x == 0u) return 0.0lf;
  if (w.y >= 0x7ff00000u) return mi_nan64();
  dvec2 m = mi_split(x);
  int e = int(m.y);
  dvec2 a = dvec2((e & 1) == 0 ? m.x : 2.0lf * m.x, 0.0lf);
  precise double s = 1.0lf / sqrt(a.x);
  // Each turn more than doubles the digits.
  for (int i = 0; i < 2; ++i) {
    dvec2 p = mi_dd_mul(a, mi_two_prod(s, s));
    precise double r = (1.0lf - p.x) - p.y;
    s = s + s * (r * (0.5lf + 0.375lf * r));
  }
  return s * mi_exp2i(-(e >> 1));
}

//@ m_cbrt.f64: mi_const.f64 mi_split.f64 mi_scale.f64 mi_dd_mul.f64
double m_cbrt(double x) {
  uvec2 w = unpackDouble2x32(x);
  uint high = w.y & 0x7fffffffu;
  if ((w.x | high) == 0u || high >= 0x7ff00000u) return x;
  dvec2 m = mi_split(packDouble2x32(uvec2(w.x, high)));
  // e = 3 third + rest, 0 <= rest < 3.
  int third = (int(m.y) + 1200) / 3 - 400;
  double a = m.x * mi_exp2i(int(m.y) - 3 * third);
  // A third of the exponent gives 5 bits; two steps of third order make 43 of them, the last step the rest.
  double y = packDouble2x32(uvec2(0u, unpackDouble2x32(a).y / 3u + 0x2a9f7893u));
  for (int i = 0; i < 2; ++i) {
    double c = y * y * y;
    y *= (c + 2.0lf * a) / (2.0lf * c + a);
  }
  dvec2 square = mi_two_prod(y, y);
  dvec2 cube = mi_dd_mul(square, dvec2(y, 0.0lf));
  precise double r = (a - cube.x) - cube.y;
  precise double v = y + r / (3.0lf * square.x);
  return mi_sign64(v * mi_exp2i(third), w.y);
}

//@ m_fmod.f64: mi_const.f64 mi_split.f64 mi_scale.f64
// The remainder of x / y with the sign of x; exact.
double m_fmod(double x, double y) {
  uvec2 wx = unpackDouble2x32(x);
  uvec2 wy = unpackDouble2x32(y);
  uint sign = wx.y & 0x80000000u;
  wx.y &= 0x7fffffffu;
  wy.y &= 0x7fffffffu;
  if (wx.y >= 0x7ff00000u || mi_nan_bits(wy) || (wy.x | wy.y) == 0u) return mi_nan64();
  if (wx.y < wy.y || (wx.y == wy.y && wx.x < wy.x)) return x;
  dvec2 a = mi_split(packDouble2x32(wx));
  dvec2 b = mi_split(packDouble2x32(wy));
  int n = int(a.y) - int(b.y);
  // Both significands as integers of 53 bits.
  uvec2 r = unpackDouble2x32(a.x);
  uvec2 m = unpackDouble2x32(b.x);
  r.y = (r.y & 0x000fffffu) | 0x00100000u;
  m.y = (m.y & 0x000fffffu) | 0x00100000u;
  double inverse = 1.0lf / (b.x * 4503599627370496.0lf);
  // Long division, up to 32 bits of the quotient a turn, 67 turns at most; the first one takes no bits.
  int bits = 0;
  for (int turn = 0; turn < 70; ++turn) {
    if (bits > 0) {
      double q = floor((double(r.y) * 4294967296.0lf + double(r.x)) * mi_exp2i(bits) * inverse);
      uint digit = q >= 4294967295.0lf ? 0xffffffffu : uint(q);
      // r 2^bits - digit m, modulo 2^64: the true value lies between -m and 2 m.
      uvec2 up = bits == 32 ? uvec2(0u, r.x) : uvec2(r.x << bits, (r.y << bits) | (r.x >> (32 - bits)));
      uint ph, pl, borrow;
      umulExtended(digit, m.x, ph, pl);
      ph += digit * m.y;
      r.x = usubBorrow(up.x, pl, borrow);
      r.y = up.y - ph - borrow;
      if ((r.y >> 31) != 0u) {
        uint carry;
        r.x = uaddCarry(r.x, m.x, carry);
        r.y += m.y + carry;
      }
    }
    if (r.y > m.y || (r.y == m.y && r.x >= m.x)) {
      uint borrow;
      r.x = usubBorrow(r.x, m.x, borrow);
      r.y -= m.y + borrow;
    }
    if (n == 0) break;
    bits = min(n, 32);
    n -= bits;
  }
  double v = double(r.y) * 4294967296.0lf + double(r.x);
  return mi_sign64(mi_scale(v, int(b.y) - 52), sign);
}
