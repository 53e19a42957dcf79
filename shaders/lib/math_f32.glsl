// Transcendental functions of f32, computed in double and rounded once; where fma rounds once (FMA_ROUNDS_ONCE) the
// commonest ones by floats alone, for most arguments: those that have a section mi_NAME.fma.
//
// Every result is within 1 ulp of the exact one, and what is computed in double is the nearest float in all but about one
// case in 2^18 or fewer.
// Needs shaderFloat64: there is no path without it. Specials follow C99 Annex F. Subnormal arguments count on every device,
// subnormal results where it keeps them. This file is long because a function's section reads best beside its like.
//
// Read by kernels/glsl/shader_library.h: m_exp is in section m_exp.f32, and so on; names with mi_ are internal.
// Text here uses only what GLSL 4.50 has. Polynomials are minimax fits; each says its relative error.

//@ mi_exp.fma:
// e^x for |x| <= 87, to 0.66 ulp. REQUIRES FMA_ROUNDS_ONCE.
float mi_exp_fma(float x) {
  float k = floor(x * 1.442695 + 0.5);
  // ln 2 in two parts: k times the first is exact, and so is the difference.
  precise float rest = fma(k, -0.693145751953125, x);
  precise float r = fma(k, -1.4286068e-06, rest);
  precise float lost = fma(k, -1.4286068e-06, rest - r);
  // (e^r - 1 - r) / r^2 on |r| <= 0.3466: 2^-31.
  float p = fma(r, fma(r, fma(r, fma(r, fma(r, fma(r, 2.4801588e-05, 0.00019841270), 0.0013888889), 0.0083333338),
      0.041666668), 0.16666667), 0.5);
  precise float near = 1.0 + r;
  precise float more = (1.0 - near) + r;
  precise float e = near + (more + fma(r * r, p, lost));
  return e * uintBitsToFloat(uint(int(k) + 127) << 23);
}

//@ m_exp.f32: mi_exp_d mi_widen mi_exp.fma
float m_exp(float x) {
#ifdef FMA_ROUNDS_ONCE
  if (abs(x) <= 87.0) return mi_exp_fma(x);
#endif
  if ((floatBitsToUint(x) & 0x7fffffffu) > 0x7f800000u) return x;
  return float(mi_exp_d(clamp(mi_widen(x), -150.0lf, 150.0lf)));
}

//@ m_expm1.f32: mi_expm1_d mi_widen
float m_expm1(float x) {
  uint a = floatBitsToUint(x) & 0x7fffffffu;
  if (a > 0x7f800000u || a < 0x33000000u) return x;
  return float(mi_expm1_d(clamp(mi_widen(x), -150.0lf, 150.0lf)));
}

//@ m_log.f32: mi_log_d mi_widen
float m_log(float x) {
  uint u = floatBitsToUint(x);
  if (u > 0x7f800000u) return uintBitsToFloat((u << 1) == 0u ? 0xff800000u : 0x7fc00000u);
  if (u == 0u) return uintBitsToFloat(0xff800000u);
  if (u == 0x7f800000u) return x;
  return float(mi_log_d(mi_widen(x)));
}

//@ m_log1p.f32: mi_log1p_d mi_widen
float m_log1p(float x) {
  uint u = floatBitsToUint(x);
  uint a = u & 0x7fffffffu;
  if (a < 0x33000000u || u == 0x7f800000u) return x;
  if (u == 0xbf800000u) return uintBitsToFloat(0xff800000u);
  if (u > 0xbf800000u || a > 0x7f800000u) return uintBitsToFloat(0x7fc00000u);
  return float(mi_log1p_d(mi_widen(x)));
}

//@ m_sigmoid.f32: mi_exp_d mi_widen
float m_sigmoid(float x) {
  if ((floatBitsToUint(x) & 0x7fffffffu) > 0x7f800000u) return x;
  return float(1.0lf / (1.0lf + mi_exp_d(clamp(-mi_widen(x), -150.0lf, 150.0lf))));
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

//@ m_cosh.f32: mi_exp_d mi_widen
float m_cosh(float x) {
  if ((floatBitsToUint(x) & 0x7fffffffu) > 0x7f800000u) return x;
  double e = mi_exp_d(min(abs(mi_widen(x)), 150.0lf));
  return float(0.5lf * e + 0.5lf / e);
}

//@ m_sinh.f32: mi_expm1_d mi_sign.f32 mi_widen
float m_sinh(float x) {
  uint u = floatBitsToUint(x);
  uint a = u & 0x7fffffffu;
  if (a < 0x39000000u || a > 0x7f800000u) return x;
  double e = mi_expm1_d(min(abs(mi_widen(x)), 150.0lf));
  return mi_sign(float(0.5lf * (e + e / (e + 1.0lf))), u);
}

//@ m_tanh.f32: mi_expm1_d mi_sign.f32 mi_widen
float m_tanh(float x) {
  uint u = floatBitsToUint(x);
  uint a = u & 0x7fffffffu;
  if (a < 0x39000000u || a > 0x7f800000u) return x;
  double e = mi_expm1_d(min(abs(2.0lf * mi_widen(x)), 150.0lf));
  return mi_sign(float(e / (e + 2.0lf)), u);
}

//@ m_acos.f32: mi_asin_d mi_widen
float m_acos(float x) {
  if ((floatBitsToUint(x) & 0x7fffffffu) > 0x3f800000u) return uintBitsToFloat(0x7fc00000u);
  double a = abs(mi_widen(x));
  if (a <= 0.5lf) return float(1.5707963267948966lf - mi_asin_d(mi_widen(x)));
  double t = 2.0lf * mi_asin_d(sqrt(0.5lf * (1.0lf - a)));
  return float(x < 0.0 ? 3.141592653589793lf - t : t);
}

//@ m_asin.f32: mi_asin_d mi_sign.f32 mi_widen
float m_asin(float x) {
  uint u = floatBitsToUint(x);
  uint b = u & 0x7fffffffu;
  if (b > 0x3f800000u) return uintBitsToFloat(0x7fc00000u);
  if (b < 0x39000000u) return x;
  double a = abs(mi_widen(x));
  double v = a <= 0.5lf ? mi_asin_d(a) : 1.5707963267948966lf - 2.0lf * mi_asin_d(sqrt(0.5lf * (1.0lf - a)));
  return mi_sign(float(v), u);
}

//@ m_atan.f32: mi_atan_d mi_sign.f32 mi_widen
float m_atan(float x) {
  uint u = floatBitsToUint(x);
  uint b = u & 0x7fffffffu;
  if (b < 0x39000000u || b > 0x7f800000u) return x;
  if (b == 0x7f800000u) return mi_sign(float(1.5707963267948966lf), u);
  double a = abs(mi_widen(x));
  double v = a <= 1.0lf ? mi_atan_d(a) : 1.5707963267948966lf - mi_atan_d(1.0lf / a);
  return mi_sign(float(v), u);
}

//@ m_atan2.f32: mi_atan_d mi_sign.f32 mi_widen
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
    double p = abs(mi_widen(y));
    double q = abs(mi_widen(x));
    v = p < q ? mi_atan_d(p / q) : 1.5707963267948966lf - mi_atan_d(q / p);
  }
  return mi_sign(float((ux >> 31) == 1u ? 3.141592653589793lf - v : v), uy);
}

//@ m_acosh.f32: mi_log1p_d mi_widen
float m_acosh(float x) {
  uint u = floatBitsToUint(x);
  if (u == 0x7f800000u) return x;
  if (u < 0x3f800000u || u > 0x7f800000u) return uintBitsToFloat(0x7fc00000u);
  double t = mi_widen(x) - 1.0lf;
  return float(mi_log1p_d(t + sqrt(t * (t + 2.0lf))));
}

//@ m_asinh.f32: mi_log1p_d mi_sign.f32 mi_widen
float m_asinh(float x) {
  uint u = floatBitsToUint(x);
  uint b = u & 0x7fffffffu;
  if (b < 0x39000000u || b >= 0x7f800000u) return x;
  double a = abs(mi_widen(x));
  return mi_sign(float(mi_log1p_d(a + a * a / (1.0lf + sqrt(1.0lf + a * a)))), u);
}

//@ m_atanh.f32: mi_log1p_d mi_sign.f32 mi_widen
float m_atanh(float x) {
  uint u = floatBitsToUint(x);
  uint b = u & 0x7fffffffu;
  if (b < 0x39000000u) return x;
  if (b == 0x3f800000u) return mi_sign(uintBitsToFloat(0x7f800000u), u);
  if (b > 0x3f800000u) return uintBitsToFloat(0x7fc00000u);
  double a = abs(mi_widen(x));
  return mi_sign(float(0.5lf * mi_log1p_d(2.0lf * a / (1.0lf - a))), u);
}

//@ mi_sqrt.fma:
// The square root of finite x >= 2^-70, from where on no remainder is subnormal: root and half of its inverse approach
// each other, and the last step rounds correctly (P. Markstein, "IA-64 and Elementary Functions", 2000). REQUIRES
// FMA_ROUNDS_ONCE.
float mi_sqrt_fma(float x) {
  float y = inversesqrt(x);
  precise float root = x * y;
  precise float half_inverse = 0.5 * y;
  precise float off = fma(-half_inverse, root, 0.5);
  root = fma(root, off, root);
  half_inverse = fma(half_inverse, off, half_inverse);
  return fma(fma(-root, root, x), half_inverse, root);
}

//@ m_sqrt.f32: mi_widen mi_sqrt.fma
float m_sqrt(float x) {
  uint u = floatBitsToUint(x);
  if (u == 0u || u == 0x80000000u || u == 0x7f800000u) return x;
  if (u > 0x7f800000u) return uintBitsToFloat(0x7fc00000u);
#ifdef FMA_ROUNDS_ONCE
  if (u >= 0x1c800000u) return mi_sqrt_fma(x);
#endif
  double d = mi_widen(x);
  double s = sqrt(d);
  // One step, for devices whose sqrt of doubles is only as good as that of floats.
  return float(s - (s * s - d) / (2.0lf * s));
}

//@ m_rsqrt.f32: mi_widen
float m_rsqrt(float x) {
  uint u = floatBitsToUint(x);
  if (u == 0u || u == 0x80000000u) return uintBitsToFloat(u | 0x7f800000u);
  if (u == 0x7f800000u) return 0.0;
  if (u > 0x7f800000u) return uintBitsToFloat(0x7fc00000u);
  double d = mi_widen(x);
  double s = 1.0lf / sqrt(d);
  return float(s + 0.5lf * s * (1.0lf - d * s * s));
}

//@ m_cbrt.f32: mi_sign.f32 mi_widen
float m_cbrt(float x) {
  uint u = floatBitsToUint(x);
  uint b = u & 0x7fffffffu;
  if (b == 0u || b >= 0x7f800000u) return x;
  double d = abs(mi_widen(x));
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

//@ m_erf.f32: mi_erf_d mi_erfc_d mi_sign.f32 mi_widen
float m_erf(float x) {
  uint u = floatBitsToUint(x);
  uint b = u & 0x7fffffffu;
  if (b == 0u || b > 0x7f800000u) return x;
  double a = min(abs(mi_widen(x)), 5.0lf);
  return mi_sign(float(a < 0.75lf ? mi_erf_d(a) : 1.0lf - mi_erfc_d(a)), u);
}

//@ m_erfc.f32: mi_erf_d mi_erfc_d mi_widen
float m_erfc(float x) {
  if ((floatBitsToUint(x) & 0x7fffffffu) > 0x7f800000u) return x;
  double d = clamp(mi_widen(x), -10.1lf, 10.1lf);
  double a = abs(d);
  if (a < 0.75lf) return float(1.0lf - mi_erf_d(d));
  double c = mi_erfc_d(a);
  return float(d < 0.0lf ? 2.0lf - c : c);
}

// Nx's own approximation (M. Giles, "Approximating the erfinv function", 2010) in double, rounded once, so that the normals of
// Nx.Random are those it documents.
//@ m_erf_inv.f32: mi_log_d mi_sign.f32 mi_widen
float m_erf_inv(float x) {
  uint bits = floatBitsToUint(x);
  uint b = bits & 0x7fffffffu;
  // Zeros, subnormal numbers, and what has no inverse; one question for all others.
  if (b - 0x00800000u >= 0x3f000000u) {
    if (b == 0x3f800000u) return mi_sign(uintBitsToFloat(0x7f800000u), bits);
    if (b > 0x3f800000u) return uintBitsToFloat(0x7fc00000u);
    return b == 0u ? x : float(mi_widen(x) * 0.8862268699296875lf);
  }
  double a = double(x);
  double w = -mi_log_d(1.0lf - a * a);  // the product is exact
  double v;
  if (w < 5.0lf) {
    double u = w - 2.5lf;
    v = fma(u, fma(u, fma(u, fma(u, fma(u, fma(u, fma(u, fma(u, 2.81022636e-08lf, 3.43273939e-07lf), -3.5233877e-06lf),
        -4.39150654e-06lf), 0.00021858087lf), -0.00125372503lf), -0.00417768164lf), 0.246640727lf), 1.50140941lf);
  } else {
    double u = sqrt(w) - 3.0lf;
    v = fma(u, fma(u, fma(u, fma(u, fma(u, fma(u, fma(u, fma(u, -0.000200214257lf, 0.000100950558lf), 0.00134934322lf),
        -0.00367342844lf), 0.00573950773lf), -0.0076224613lf), 0.00943887047lf), 1.00167406lf), 2.83297682lf);
  }
  return float(a * v);
}

//@ m_pow.f32: mi_exp_d mi_log_d mi_widen
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
    double h = 0.5lf * abs(mi_widen(y));
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
  double v = mi_exp_d(clamp(mi_widen(y) * mi_log_d(abs(mi_widen(x))), -150.0lf, 150.0lf));
  if (rises && by <= 0x41800000u && fract(8.0 * y) == 0.0 && (ux & 0xfu) == 0u) {
    // Here only the exact power may lie half way between two floats: what is 2^-42 from such a point is taken for it.
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

//@ m_div.f32: mi_widen
float m_div(float x, float y) {
  uint bx = floatBitsToUint(x) & 0x7fffffffu;
  uint by = floatBitsToUint(y) & 0x7fffffffu;
  uint sign = (floatBitsToUint(x) ^ floatBitsToUint(y)) & 0x80000000u;
  if (bx > 0x7f800000u || by > 0x7f800000u || (bx == by && (bx == 0u || bx == 0x7f800000u))) {
    return uintBitsToFloat(0x7fc00000u);
  }
  if (by == 0u || bx == 0x7f800000u) return uintBitsToFloat(sign | 0x7f800000u);
  if (bx == 0u || by == 0x7f800000u) return uintBitsToFloat(sign);
  double a = mi_widen(x);
  double b = mi_widen(y);
  double q = a / b;
  // One step, for devices whose division of doubles is only as good as that of floats.
  return float(q + (a - q * b) / b);
}

//@ mi_significand.f32:
// (m, e) with x = m 2^(e - 150) and m below 2^24, from 2^23 on but for subnormal x, for the bits of a finite x >= 0.
ivec2 mi_significand(uint bits) {
  int e = int(bits >> 23);
  return e == 0 ? ivec2(int(bits), 1) : ivec2(int((bits & 0x007fffffu) | 0x00800000u), e);
}

//@ m_fmod.f32: mi_significand.f32
// The remainder of x / y with the sign of x; exact. All in integers: needs no double, and subnormals always count.
float m_fmod(float x, float y) {
  uint ux = floatBitsToUint(x);
  uint bx = ux & 0x7fffffffu;
  uint by = floatBitsToUint(y) & 0x7fffffffu;
  uint sign = ux & 0x80000000u;
  if (bx >= 0x7f800000u || by > 0x7f800000u || by == 0u) return uintBitsToFloat(0x7fc00000u);
  if (bx < by) return x;
  ivec2 a = mi_significand(bx);
  ivec2 b = mi_significand(by);
  uint m = uint(b.x);
  uint r = uint(a.x) % m;
  // Eight bits of the quotient a turn, 32 turns at most.
  for (int n = a.y - b.y; n > 0; n -= 8) r = (r << min(n, 8)) % m;
  if (r == 0u) return uintBitsToFloat(sign);
  // r 2^(b.y - 150), moved up until its leading one is in place or the exponent is the least.
  int up = min(23 - findMSB(r), b.y - 1);
  r <<= up;
  int e = r < 0x00800000u ? 0 : b.y - up;
  return uintBitsToFloat((r & 0x007fffffu) | (uint(e) << 23) | sign);
}
