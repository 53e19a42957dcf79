// Functions of f64, fourth part: the error function, its complement and its inverse.
//
// Sections and conventions as in math_f64_base.glsl.

//@ mi_erf_small.f64: mi_sum.f64 mi_prod.f64
// erf(a) as a pair, to 2^-56, for 2^-960 < |a| <= 0.5.
dvec2 mi_erf_small(double a) {
  double z = a * a;
  dvec2 p = mi_two_prod(a, 1.1283791670955126lf);
  // (erf(a) / a - 2 / sqrt(pi)) / a^2: 2^-65.
  precise double low = p.y + a * (1.533545961316588e-17lf + z * (-0.37612638903183754lf + z * (
      0.1128379167095534lf + z * (-0.02686617064524912lf + z * (0.005223977628621925lf + z * (
      -0.0008548327508342235lf + z * (0.00012055377585478706lf + z * (-1.4928172463452578e-05lf + z * (
      1.6547668333631477e-06lf + z * (-1.7951670056691984e-07lf + z * 2.6704708468901157e-08lf))))))))));
  return mi_fast_sum(p.x, low);
}

//@ mi_erfc_big.f64: mi_exp_core.f64 mi_dd_div.f64 mi_dd_mul.f64
// (v, its error, k) with erfc(a) = v 2^k, to 2^-55, for 0.47 <= a <= 27.3.
dvec3 mi_erfc_big(double a) {
  dvec2 t = mi_dd_div(mi_two_sum(a, -3.0lf), mi_two_sum(a, 3.0lf));
  // (1 + 2 a) e^(a^2) erfc(a) less its value at t = 0, over t: 2^-57.
  precise double low = t.x * (-0.1356211061245812lf + t.x * (-0.047562294353451134lf + t.x * (
      0.1296451587027638lf + t.x * (-0.11927366341527922lf + t.x * (0.0683080273438628lf + t.x * (
      -0.023770514919481643lf + t.x * (0.0025293918180853132lf + t.x * (0.0018886903705055075lf + t.x * (
      -0.0007798322927905822lf + t.x * (-0.00010515988304649847lf + t.x * (0.00012509948902360196lf + t.x * (
      4.94984047877053e-06lf + t.x * (-2.0101175203337433e-05lf + t.x * (-7.323961959665357e-07lf + t.x * (
      3.474244841246328e-06lf + t.x * (3.579641108420273e-07lf + t.x * (-6.203295571515222e-07lf + t.x * (
      -1.4170473937394735e-07lf + t.x * (1.0658267040323845e-07lf + t.x * (4.0085922413515285e-08lf + t.x * (
      -1.6795228607373e-08lf + t.x * (-6.333331451566683e-09lf + t.x * 2.1038202804271915e-09lf))))))))))))))))))))));
  dvec2 g = mi_fast_sum(1.2530080582697296lf, low);
  g.y += 4.5276203702746546e-17lf;
  dvec2 square = mi_two_prod(a, a);
  dvec3 r = mi_exp_reduce(dvec2(-square.x, -square.y));
  dvec2 e = mi_expm1_core(r.xy);
  dvec2 m = mi_fast_sum(1.0lf, e.x);
  m.y += e.y;
  dvec2 v = mi_dd_div(mi_dd_mul(m, g), mi_two_sum(1.0lf, 2.0lf * a));
  return dvec3(v.x, v.y, r.z);
}

//@ m_erf.f64: mi_erf_small.f64 mi_erfc_big.f64 mi_scale.f64 mi_const.f64
double m_erf(double x) {
  uvec2 w = unpackDouble2x32(x);
  uint high = w.y & 0x7fffffffu;
  if (mi_nan_bits(uvec2(w.x, high))) return x;
  double a = abs(x);
  if (high < 0x05000000u) return x * 1.1283791670955126lf;
  if (a > 6.0lf) return mi_sign64(1.0lf, w.y);
  if (a < 0.5lf) return mi_sign64(mi_erf_small(a).x, w.y);
  dvec3 c = mi_erfc_big(a);
  double scale = mi_exp2i(int(c.z));
  dvec2 s = mi_fast_sum(1.0lf, -c.x * scale);
  precise double v = s.x + (s.y - c.y * scale);
  return mi_sign64(v, w.y);
}

//@ m_erfc.f64: mi_erf_small.f64 mi_erfc_big.f64 mi_scale.f64 mi_const.f64
double m_erfc(double x) {
  uvec2 w = unpackDouble2x32(x);
  uint high = w.y & 0x7fffffffu;
  if (mi_nan_bits(uvec2(w.x, high))) return x;
  if (x > 27.3lf) return 0.0lf;
  if (x < -6.0lf) return 2.0lf;
  if (high < 0x3c000000u) return 1.0lf;
  double a = abs(x);
  if (a < 0.5lf) {
    dvec2 e = mi_erf_small(x);
    dvec2 s = mi_two_sum(1.0lf, -e.x);
    precise double v = s.x + (s.y - e.y);
    return v;
  }
  dvec3 c = mi_erfc_big(a);
  if (x > 0.0lf) return mi_scale(c.x, int(c.z));
  double scale = mi_exp2i(int(c.z));
  dvec2 s = mi_fast_sum(2.0lf, -c.x * scale);
  precise double v = s.x + (s.y - c.y * scale);
  return v;
}

//@ m_erf_inv.f64: mi_erf_small.f64 mi_erfc_big.f64 mi_exp_scaled.f64 mi_log_core.f64 mi_log_split.f64 mi_const.f64
double m_erf_inv(double x) {
  uvec2 bits = unpackDouble2x32(x);
  uint high = bits.y & 0x7fffffffu;
  double a = abs(x);
  if (a == 1.0lf) return mi_inf64(bits.y);
  if (high >= 0x3ff00000u) return mi_nan64();
  if (high < 0x05000000u) return x * 0.886226925452758lf;
  if (high < 0x3e300000u) {
    dvec2 p = mi_two_prod(x, 0.886226925452758lf);
    return p.x + (p.y + x * -3.8332932499128993e-17lf);
  }
  dvec2 m = mi_log_split((1.0lf - a) * (1.0lf + a));
  double w = -mi_log_core(m.y, dvec2(m.x, 0.0lf)).x;
  double y;
  if (w < 5.0lf) {
    // erf_inv(x) / x on 0 <= w <= 5: 2^-27.
    double u = w - 2.5lf;
    y = a * (1.5014093592836972lf + u * (0.246640286150204lf + u * (-0.004177386777840108lf + u * (
        -0.0012527418700009503lf + u * (0.00021834443297536133lf + u * (-4.963354507854614e-06lf + u * (
        -3.462702513049736e-06lf + u * (4.6617240782720877e-07lf + u * (2.323243212700602e-08lf + u *
        -8.791198340697145e-09lf)))))))));
  } else {
    // The same on 5 <= w <= 37: 2^-27.
    double u = sqrt(w) - 4.1lf;
    y = a * (3.940744879952159lf + u * (1.0097201427994027lf + u * (0.0010173430112956376lf + u * (
        -0.0007492606911518909lf + u * (0.00026920293046924204lf + u * (-9.582609504058277e-05lf + u * (
        3.802860769869297e-05lf + u * (-1.4318350999061732e-05lf + u * (1.0840946303879518e-05lf + u * (
        -9.554421183260196e-06lf + u * (3.3966421588867428e-06lf + u * (3.082415148265853e-07lf + u * (
        -4.3604187364412625e-07lf + u * 6.831792217714127e-08lf)))))))))))));
  }
  // One step of third order on erf(y) - a.
  precise double off;
  if (a < 0.52lf) {
    dvec2 e = mi_erf_small(y);
    off = (e.x - a) + e.y;
  } else {
    dvec3 c = mi_erfc_big(y);
    double scale = mi_exp2i(int(c.z));
    off = ((1.0lf - a) - c.x * scale) - c.y * scale;
  }
  double step = off / (1.1283791670955126lf * mi_exp_scaled(dvec2(-y * y, 0.0lf), 0));
  precise double v = y - step / (1.0lf + y * step);
  return mi_sign64(v, bits.y);
}
