// Functions of f32, continued: the logarithm of the gamma function's magnitude, and its derivative.
//
// Sections and conventions as in math_f32.glsl, the ways as in math_f64_gamma.glsl. Where zeros lie among the poles of
// the negative axis two larger parts cancel, and only the functions of f64 leave enough digits.

//@ mi_lgamma_d: mi_log_d
// log|gamma(x)|, to 2^-44, for x > -2.
double mi_lgamma_d(double x) {
  if (x >= 8.0lf) {
    double w = 1.0lf / x;
    double z = w * w;
    // As in mi_stirling: 2^-40, which counts 2^-9 here.
    double q = -0.0027777777769891843lf + z * (0.000793649158452481lf + z * (-0.0005947070025208438lf + z *
        0.0007859591757047851lf));
    return (x - 0.5lf) * (mi_log_d(x) - 1.0lf) + (0.4189385332046728lf + w * (0.08333333333333333lf + z * q));
  }
  double n = floor(2.5lf - x);
  double t = x + (n - 2.0lf);
  // log(gamma(2 + t)) / t on |t| <= 0.5: 2^-47.
  double q = 0.4227843350984687lf + t * (0.3224670334241756lf + t * (-0.06735230105383251lf + t * (
      0.020580808418346006lf + t * (-0.007385550985402108lf + t * (0.0028905107415406204lf + t * (
      -0.001192755039128227lf + t * (0.0005096616827527779lf + t * (-0.000223140371616408lf + t * (
      9.953388462333723e-05lf + t * (-4.502503472480378e-05lf + t * (2.0112787136331626e-05lf + t * (
      -9.070743620723869e-06lf + t * (5.389562060873778e-06lf + t * -2.726281833378664e-06lf)))))))))))));
  double first = n > 0.0lf ? x : x + n;
  double p = 1.0lf;
  for (int i = 0; i < int(abs(n)); ++i) p *= first + double(i);
  double l = mi_log_d(abs(p));
  return t * q + (n > 0.0lf ? -l : l);
}

//@ m_lgamma.f32: mi_lgamma_d m_lgamma.f64 mi_widen
float m_lgamma(float x) {
  uint b = floatBitsToUint(x) & 0x7fffffffu;
  if (b > 0x7f800000u) return x;
  double d = mi_widen(x);
  if (b == 0u || b == 0x7f800000u || (d < 0.0lf && floor(d) == d)) return uintBitsToFloat(0x7f800000u);
  return float(d < -2.0lf ? m_lgamma(d) : mi_lgamma_d(d));
}

//@ mi_digamma_d: mi_log_d
// digamma(x), to 2^-44, for x > 0.
double mi_digamma_d(double x) {
  if (x >= 8.0lf) {
    double w = 1.0lf / x;
    double z = w * w;
    // As in mi_digamma_far: 2^-36, which counts 2^-12 here.
    double q = 0.008333333324845659lf + z * (-0.003968236329879471lf + z * (0.004160922941495182lf + z *
        -0.006969645977519451lf));
    return mi_log_d(x) - 0.5lf * w + z * (-0.08333333333333333lf + z * q);
  }
  double n = floor(2.25lf - x);
  double r = x + n;
  double u = r - 1.75lf;
  // digamma(1.75 + u) over the distance from its zero on |u| <= 0.5: 2^-47.
  double q = 0.8581832171263lf + u * (-0.32625462786793996lf + u * (0.15712011335170623lf + u * (
      -0.08228558638746888lf + u * (0.04479965449126734lf + u * (-0.02489004672571679lf + u * (
      0.013985784523990484lf + u * (-0.007910512707925345lf + u * (0.004491849054254634lf + u * (
      -0.002556108377638279lf + u * (0.0014569570647806963lf + u * (-0.0008357839103066349lf + u * (
      0.00047754133102043307lf + u * (-0.0002532288163051136lf + u * (0.00014362305103223386lf + u * (
      -0.00012657882853203613lf + u * 7.33409259064776e-05lf)))))))))))))));
  double v = (r - 1.4616321449683622lf) * q;
  double first = n > 0.0lf ? x : r;
  double p = 1.0lf;
  double slope = 0.0lf;
  for (int i = 0; i < int(abs(n)); ++i) {
    double factor = first + double(i);
    slope = p + factor * slope;
    p *= factor;
  }
  double sum = slope / p;
  return v + (n > 0.0lf ? -sum : sum);
}

//@ m_digamma.f32: mi_digamma_d m_digamma.f64 mi_widen
float m_digamma(float x) {
  uint u = floatBitsToUint(x);
  uint b = u & 0x7fffffffu;
  if (b > 0x7f800000u || u == 0x7f800000u) return x;
  if (b == 0u) return uintBitsToFloat(0x7f800000u | (~u & 0x80000000u));
  double d = mi_widen(x);
  if (d < 0.0lf && floor(d) == d) return uintBitsToFloat(0x7fc00000u);
  return float(d < 0.0lf ? m_digamma(d) : mi_digamma_d(d));
}
