// Division. f32 must be correctly rounded, which Vulkan does not promise: the quotient of two floats taken in double and
// rounded to float is (double has more than twice the digits). Where fma rounds once, floats do it by themselves, as long
// as no remainder is subnormal (P. Markstein, "IA-64 and Elementary Functions", 2000). Doubles are divided by the device.
float op_divide(float a, float b) {
#ifdef FMA_ROUNDS_ONCE
  uint of_a = floatBitsToUint(a) >> 23 & 255u, of_b = floatBitsToUint(b) >> 23 & 255u;
  if (of_a - 60u < 160u && of_b - 60u < 130u && of_a - of_b + 100u < 200u) {
    precise float y = 1.0 / b;
    y = fma(y, fma(-b, y, 1.0), y);
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
