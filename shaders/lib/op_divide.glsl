// Division. f32 must be correctly rounded, which Vulkan does not promise: the quotient of two floats taken in double and
// rounded to float is (double has more than twice the digits). Where fma rounds once, floats do it by themselves, as long
// as no remainder is subnormal (P. Markstein, "IA-64 and Elementary Functions", 2000). Doubles are divided by the device.
float op_divide(float a, float b) {
#ifdef FMA_ROUNDS_ONCE
  // What depends on b alone stands outside the branch, so that several quotients by one divisor share it.
  int of_a = int(floatBitsToUint(a) >> 23 & 255u), of_b = int(floatBitsToUint(b) >> 23 & 255u);
  bool plain = of_b >= 60 && of_b < 190;
  int least = plain ? max(60, of_b - 100) : 1000;
  uint span = plain ? uint(min(219, of_b + 99) - least) : 0u;
  precise float y = 1.0 / b;
  y = fma(y, fma(-b, y, 1.0), y);
  if (uint(of_a - least) <= span) {
    precise float q = a * y;
    q = fma(fma(-b, q, a), y, q);
    return fma(fma(-b, q, a), y, q);
  }
#endif
#ifdef USE_F64
  return float(double(a) / double(b));
#else
  return a / b;
#endif
}

#ifdef USE_F64
double op_divide(double a, double b) { precise double r = a / b; return r; }
#endif
