// Division. f32 must be correctly rounded, which Vulkan does not promise: the quotient of two floats taken in double and
// rounded to float is (double has more than twice the digits). Doubles are divided by the device.
float op_divide(float a, float b) {
#ifdef USE_F64
  return float(double(a) / double(b));
#else
  return a / b;
#endif
}

#ifdef USE_F64
double op_divide(double a, double b) { precise double r = a / b; return r; }
#endif
