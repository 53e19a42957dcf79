// log(1 + e^x) and its mirror image, the logarithm of the logistic function, in both widths.
//
// Sections and conventions as in math_f32.glsl and math_f64_base.glsl.

//@ m_softplus.f32: mi_exp_d mi_log1p_d mi_widen
float m_softplus(float x) {
  // From 100 on it is x.
  if ((floatBitsToUint(x) & 0x7fffffffu) > 0x7f800000u || x > 100.0) return x;
  return float(mi_log1p_d(mi_exp_d(max(mi_widen(x), -150.0lf))));
}

//@ m_log_sigmoid.f32: m_softplus.f32
float m_log_sigmoid(float x) { return -m_softplus(-x); }

//@ m_softplus.f64: mi_exp_scaled.f64 mi_log1p_dd.f64 mi_const.f64
double m_softplus(double x) {
  uvec2 w = unpackDouble2x32(x);
  // From 40 on it is x; below -40 it is e^x.
  if (mi_nan_bits(uvec2(w.x, w.y & 0x7fffffffu)) || x > 40.0lf) return x;
  if (x < -746.0lf) return 0.0lf;
  if (x < -40.0lf) return mi_exp_scaled(dvec2(x, 0.0lf), 0);
  dvec3 r = mi_exp_reduce(dvec2(x, 0.0lf));
  dvec2 e = mi_expm1_core(r.xy);
  dvec2 t = mi_fast_sum(1.0lf, e.x);
  t.y += e.y;
  return mi_log1p_dd(t * mi_exp2i(int(r.z))).x;
}

//@ m_log_sigmoid.f64: m_softplus.f64
double m_log_sigmoid(double x) { return -m_softplus(-x); }
