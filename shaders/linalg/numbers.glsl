// The numbers of matrices: PART is float or double, NUM is PART or with COMPLEX a pair of it, the real part first.
// Nothing is contracted, so the same matrix gives the same bits on every device.

#if defined(USE_F64)
// The quotient of floats is rounded once: their division may be off by more.
float over(float a, float b) { return float(double(a) / double(b)); }
double over(double a, double b) { return a / b; }
float root(float a) { return float(sqrt(double(a))); }
double root(double a) { return sqrt(a); }
#else
float over(float a, float b) { return a / b; }
float root(float a) { return sqrt(a); }
#endif

PART larger(PART a, PART b) { return a > b || isnan(a) ? a : b; }
PART not_a_number() { return PART(uintBitsToFloat(0x7fc00000u)); }

#if defined(COMPLEX)
NUM number(PART a) { return NUM(a, PART(0)); }
PART real(NUM a) { return a.x; }
NUM adjoint(NUM a) { return NUM(a.x, -a.y); }
NUM plus(NUM a, NUM b) { precise NUM r = a + b; return r; }
NUM minus(NUM a, NUM b) { precise NUM r = a - b; return r; }
NUM scaled(NUM a, PART b) { precise NUM r = a * b; return r; }
NUM times(NUM a, NUM b) {
  precise NUM x = a * b.x, y = NUM(-a.y, a.x) * b.y;
  precise NUM r = x + y;
  return r;
}
NUM over_part(NUM a, PART b) { return NUM(over(a.x, b), over(a.y, b)); }
PART square(NUM a) {
  precise PART x = a.x * a.x, y = a.y * a.y;
  precise PART r = x + y;
  return r;
}
PART largest_part(NUM a) { return larger(abs(a.x), abs(a.y)); }
// Scaled, so that no square leaves the range.
PART modulus(NUM a) {
  PART most = largest_part(a);
  if (most == PART(0) || isinf(most)) return most;
  return most * root(square(over_part(a, most)));
}
// The same with what divides.
NUM over(NUM a, NUM b) {
  PART most = largest_part(b);
  NUM by = over_part(b, most);
  return over_part(over_part(times(a, adjoint(by)), square(by)), most);
}
bool is_zero(NUM a) { return a.x == PART(0) && a.y == PART(0); }
#else
NUM number(PART a) { return a; }
PART real(NUM a) { return a; }
NUM adjoint(NUM a) { return a; }
NUM plus(NUM a, NUM b) { precise NUM r = a + b; return r; }
NUM minus(NUM a, NUM b) { precise NUM r = a - b; return r; }
NUM scaled(NUM a, PART b) { precise NUM r = a * b; return r; }
NUM times(NUM a, NUM b) { precise NUM r = a * b; return r; }
NUM over_part(NUM a, PART b) { return over(a, b); }
PART square(NUM a) { precise PART r = a * a; return r; }
PART largest_part(NUM a) { return abs(a); }
PART modulus(NUM a) { return abs(a); }
bool is_zero(NUM a) { return a == PART(0); }
#endif

// Of a result in less than double: a number as it will be, and what rounding in double leaves of a zero beside numbers
// of about 1.
#if defined(ROUNDS_TO_F32)
PART rounded(PART x) { return PART(float(x)); }
PART settled(PART x) { return abs(x) < PART(64) * EPSILON ? PART(0) : x; }
#if defined(COMPLEX)
NUM rounded(NUM x) { return NUM(vec2(x)); }
NUM settled(NUM x) { return NUM(settled(x.x), settled(x.y)); }
#endif
#else
NUM rounded(NUM x) { return x; }
NUM settled(NUM x) { return x; }
#if defined(COMPLEX)
PART rounded(PART x) { return x; }
#endif
#endif

uint group_index() { return gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x; }
uint invocation_index() { return group_index() * gl_WorkGroupSize.x + gl_LocalInvocationIndex; }
// What a workgroup wrote its invocations read behind it.
void meet() {
  memoryBarrierBuffer();
  memoryBarrierShared();
  barrier();
}
