// Brings each matrix to a largest element from 1/2 to 2, by a power of two: so no square leaves the range. What that
// has to be multiplied by again lies in |sizes|; it is NaN where an element is infinite or NaN, and then all are.

shared PART most[INVOCATIONS];

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

void scale() {
  uint lane = gl_LocalInvocationIndex, size = P_ROWS * P_COLUMNS, first = group_index() * size;
  if (group_index() >= P_COUNT) return;
  PART largest = PART(0);
  for (uint e = lane; e < size; e += INVOCATIONS) largest = larger(largest_part(a[first + e]), largest);
  most[lane] = largest;
  meet();
  for (uint other = 0u; other < INVOCATIONS; ++other) largest = larger(most[other], largest);
  PART factor = largest > PART(0) ? power_below(largest) : PART(1);
  if (isnan(largest) || isinf(largest)) factor = not_a_number();
  if (lane == 0u) sizes[group_index()] = factor;
  for (uint e = lane; e < size; e += INVOCATIONS) a[first + e] = over_part(a[first + e], factor);
}
