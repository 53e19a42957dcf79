// exp(-2 pi i k / n) for 0 <= k < n < 2^30, as if computed in more digits and rounded: k/n is reduced by integers to
// the nearest quarter of a turn, so nothing is lost of it. The emitter defines REAL, VEC, and WIDE where REAL is a
// double; POWERS where n is always a power of two, whose reciprocal is exact.

VEC product(VEC a, VEC b) { return VEC(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x); }

// c - i s, turned back by |quarters|.
VEC quartered(REAL c, REAL s, uint quarters) {
  VEC z = (quarters & 1u) != 0u ? VEC(-s, -c) : VEC(c, -s);
  return (quarters & 2u) != 0u ? -z : z;
}

#if !defined(POWERS)
#define part_of(x, n) ((x) / REAL(n))
#elif defined(WIDE)
#define part_of(x, n) ((x) * packDouble2x32(uvec2(0u, (1023u - uint(findMSB(n))) << 20)))
#else
#define part_of(x, n) ((x) * uintBitsToFloat((127u - uint(findMSB(n))) << 23))
#endif

#if defined(WIDE)
VEC turn(uint k, uint n) {
  uint quarters = uint(part_of(4.0lf * double(k), n) + 0.5lf);
  double a = part_of(double(int(4u * k - quarters * n)), n) * 1.5707963267948966lf;
  double z = a * a;
  double s = a * z * (-0.16666666666666666lf + z * (0.008333333333333333lf + z * (-1.984126984126984e-4lf + z * (
      2.7557319223985893e-6lf + z * (-2.505210838544172e-8lf + z * (1.6059043836821613e-10lf + z * (
      -7.647163731819816e-13lf + z * 2.8114572543455206e-15lf)))))));
  double c = z * (-0.5lf + z * (0.041666666666666664lf + z * (-0.001388888888888889lf + z * (
      2.48015873015873e-5lf + z * (-2.755731922398589e-7lf + z * (2.08767569878681e-9lf + z * (
      -1.1470745597729725e-11lf + z * (4.779477332387385e-14lf + z * -1.5619206968586225e-16lf))))))));
  return quartered(1.0lf + c, a + s, quarters);
}
#else
// In steps of 2^-14 of a turn, which pi/2's first bits times are exact, and what is left of k/n.
VEC turn(uint k, uint n) {
  uint steps = uint(float(k) * part_of(16384.0, n) + 0.5);
  float left = part_of(float(int((k << 14) - steps * n)), n);
  uint quarters = (steps + 2048u) >> 12;
  float fraction = float(int(steps - (quarters << 12))) * 2.44140625e-4;
  precise float coarse = fraction * 1.5703125;
  precise float fine = fraction * 4.838267948966e-4 + left * 3.8349519697141e-4;
  precise float a = coarse + fine;
  precise float rest = fine - (a - coarse);
  float z = a * a;
  float s = a * z * (-0.16666667 + z * (0.008333333 + z * (-1.9841270e-4 + z * 2.7557319e-6)));
  float c = z * (-0.5 + z * (0.041666667 + z * (-0.0013888889 + z * (2.4801587e-5 - z * 2.7557319e-7))));
  return quartered(1.0 + (c - rest * a), a + (s + rest * (1.0 - 0.5 * z)), quarters);
}
#endif
