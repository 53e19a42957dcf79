// Brings each matrix to a largest element from 1/2 to 2, by a power of two: so no square leaves the range. What that
// has to be multiplied by again lies in |sizes|; it is NaN where an element is infinite or NaN, and then all are.

void scale() {
  uint lane = gl_LocalInvocationIndex, size = P_ROWS * P_COLUMNS, first = group_index() * size;
  if (group_index() >= P_COUNT) return;
  PART largest = PART(0);
  for (uint e = lane; e < size; e += INVOCATIONS) largest = larger(largest_part(a[first + e]), largest);
  largest = largest_of_all(largest);
  PART factor = largest > PART(0) ? power_below(largest) : PART(1);
  if (isnan(largest) || isinf(largest)) factor = not_a_number();
  if (lane == 0u) sizes[group_index()] = factor;
  for (uint e = lane; e < size; e += INVOCATIONS) a[first + e] = over_part(a[first + e], factor);
}
