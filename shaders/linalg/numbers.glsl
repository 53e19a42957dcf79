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
// What a workgroup wrote its invocations read behind it; nobody else looks before the dispatch ends.
void meet() {
  groupMemoryBarrier();
  barrier();
}

// A power of two of which |x| is at least the half and less than the double.
PART power_below(PART x) {
  PART power = PART(1);
  for (int step = HIGHEST_STEP; step >= 0; --step) {
    PART factor = PART(2);  // becomes 2^(2^step)
    for (int k = 0; k < step; ++k) factor *= factor;
    if (x >= power * factor) power *= factor;
    if (x < power / factor) power /= factor;
  }
  return power;
}

// The reflection I - t v v^H that makes of |head| and what is below it, whose squares add up to |below|, one number,
// |diagonal|. Of reals that is positive. What is below has to be divided by |v|: then v's first element is 1. The
// result is t; 0 where there is nothing to reflect.
PART reflection(NUM head, PART below, out NUM diagonal, out NUM v) {
  diagonal = head;
  v = number(PART(1));
  if (below == PART(0)) return PART(0);
  PART length = root(square(head) + below);
#if defined(COMPLEX)
  PART size = modulus(head);
  NUM phase = size == PART(0) ? number(PART(1)) : over_part(head, size);
  diagonal = -scaled(phase, length);
  v = plus(head, scaled(phase, length));
#else
  diagonal = length;
  v = head > PART(0) ? -over(below, head + length) : head - length;
#endif
  return PART(2) / (PART(1) + below / square(v));
}

#if defined(ADDS_UP)
shared PART gathered[INVOCATIONS];

// The sum of what all invocations have, in the same order always.
PART sum_of_all(PART own) {
  gathered[gl_LocalInvocationIndex] = own;
  meet();
  for (uint half_count = INVOCATIONS / 2u; half_count > 0u; half_count /= 2u) {
    if (gl_LocalInvocationIndex < half_count)
      gathered[gl_LocalInvocationIndex] += gathered[gl_LocalInvocationIndex + half_count];
    barrier();
  }
  PART sum = gathered[0];
  meet();
  return sum;
}
PART largest_of_all(PART own) {
  gathered[gl_LocalInvocationIndex] = own;
  meet();
  for (uint half_count = INVOCATIONS / 2u; half_count > 0u; half_count /= 2u) {
    if (gl_LocalInvocationIndex < half_count)
      gathered[gl_LocalInvocationIndex] =
          larger(gathered[gl_LocalInvocationIndex], gathered[gl_LocalInvocationIndex + half_count]);
    barrier();
  }
  PART most = gathered[0];
  meet();
  return most;
}
#endif
