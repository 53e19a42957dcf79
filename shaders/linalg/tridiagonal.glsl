// A = Q T Q^H with T tridiagonal, a column at a time: what its reflection does to the rest, A - v w^H - w v^H, is done
// in the same pass that multiplies the rest with the next v. |v| has a reflection's vector as a row, its 1 and zeros
// before it and all.

#if defined(TRIDIAGONAL_BEGIN)
// The Hermitian matrix of which |from| has the lower triangle. One that is NaN all over becomes zero: what decides by
// comparing numbers must have some.
void tridiagonal_begin() {
  uint index = invocation_index();
  if (index >= P_COUNT * P_N * P_N) return;
  uint c = index % P_N, i = index / P_N % P_N, matrix = index / (P_N * P_N);
  NUM value = from[(matrix * P_N + max(i, c)) * P_N + min(i, c)];
  if (c > i) value = adjoint(value);
  if (c == i) value = number(real(value));
  a[index] = isnan(sizes[matrix]) ? number(PART(0)) : value;
}
#elif defined(TRIDIAGONAL_COLUMN)
// The last reflection's w, column P_STEP as it leaves it, and the reflection of that. |p| has what the last pass
// multiplied, in P_CHUNKS parts.
void tridiagonal_column() {
  uint lane = gl_LocalInvocationIndex, matrix = group_index();
  if (matrix >= P_COUNT) return;
  uint j = P_STEP, of_a = matrix * P_N * P_N, of_w = matrix * P_N, own = of_a + j * P_N, last = own - P_N;
  if (j > 0u) {
    PART t = factors[of_w + j - 1u], sum = PART(0);
    for (uint i = j + lane; i < P_N; i += INVOCATIONS) {
      NUM x = number(PART(0));
      for (uint k = 0u; k < P_CHUNKS; ++k) x = plus(x, p[(matrix * P_MOST + k) * P_N + i]);
      w[of_w + i] = x;
      sum += real(times(adjoint(v[last + i]), x));
    }
    PART shift = t * t * sum_of_all(sum) / PART(2);
    for (uint i = j + lane; i < P_N; i += INVOCATIONS)
      w[of_w + i] = minus(scaled(w[of_w + i], t), scaled(v[last + i], shift));
    meet();
  }
  PART below = PART(0);
  for (uint i = j + lane; i < P_N; i += INVOCATIONS) {
    NUM x = adjoint(a[own + i]);
    if (j > 0u)
      x = minus(x, plus(times(v[last + i], adjoint(w[of_w + j])), times(w[of_w + i], adjoint(v[last + j]))));
    if (i == j) diagonal[of_w + j] = real(x);
    if (i > j + 1u) below += square(x);
    v[own + i] = x;
  }
  below = sum_of_all(below);
  NUM beside_diagonal = number(PART(0)), by = number(PART(1));
  PART t = PART(0);
  if (j + 1u < P_N) t = reflection(v[own + j + 1u], below, beside_diagonal, by);
  meet();
  for (uint i = lane; i < P_N; i += INVOCATIONS) {
    if (i <= j + 1u) v[own + i] = number(i == j + 1u ? PART(1) : PART(0));
    else v[own + i] = over(v[own + i], by);
  }
  if (lane != 0u) return;
  factors[of_w + j] = t;
  beside[of_w + j] = beside_diagonal;
}
#elif defined(TRIDIAGONAL_PASS)
// An invocation has P_ROWS rows of a column.
void tridiagonal_pass() {
  uint size = P_N - P_STEP - 1u, index = invocation_index();
  if (index >= P_COUNT * P_CHUNKS * size) return;
  uint c = P_STEP + 1u + index % size, chunk = index / size % P_CHUNKS, matrix = index / (size * P_CHUNKS);
  uint begin = P_STEP + 1u + chunk * P_ROWS, end = min(begin + P_ROWS, P_N);
  uint of_a = matrix * P_N * P_N, of_w = matrix * P_N, own = of_a + P_STEP * P_N, last = own - P_N;
  NUM sum = number(PART(0));
  if (P_STEP == 0u) {
    for (uint i = begin; i < end; ++i) sum = plus(sum, times(adjoint(a[of_a + i * P_N + c]), v[own + i]));
  } else {
    NUM by_v = adjoint(w[of_w + c]), by_w = adjoint(v[last + c]);
    for (uint i = begin; i < end; ++i) {
      // Both products first: so the matrix stays Hermitian to the last bit.
      NUM x = minus(a[of_a + i * P_N + c], plus(times(v[last + i], by_v), times(w[of_w + i], by_w)));
      a[of_a + i * P_N + c] = x;
      sum = plus(sum, times(adjoint(x), v[own + i]));
    }
  }
  p[(matrix * P_MOST + chunk) * P_N + c] = sum;
}
#elif defined(TRIDIAGONAL_REAL)
// T = D T' D^H with T' real: |sides| is what stands beside its diagonal, at least 0, |phases| the diagonal of D, |sizes|
// a power of two by which T' has to be divided to have no value above 2.
void tridiagonal_real() {
  uint lane = gl_LocalInvocationIndex, matrix = group_index(), first = matrix * P_N;
  if (matrix >= P_COUNT) return;
  for (uint i = lane; i < P_N; i += INVOCATIONS) sides[first + i] = modulus(beside[first + i]);
  meet();
  PART bound = PART(0);
  for (uint i = lane; i < P_N; i += INVOCATIONS)
    bound = max(bound, abs(diagonal[first + i]) + sides[first + i] + (i > 0u ? sides[first + i - 1u] : PART(0)));
  bound = largest_of_all(bound);
  if (lane != 0u) return;
  sizes[matrix] = bound > PART(0) ? power_below(bound) : PART(1);
  NUM phase = number(PART(1));
  for (uint i = 0u; i < P_N; ++i) {
    phases[first + i] = phase;
    if (sides[first + i] == PART(0)) continue;
    phase = times(phase, over_part(beside[first + i], sides[first + i]));
    phase = over_part(phase, modulus(phase));
  }
}
#else
// What divide and conquer found: the vectors of |z|, P_SIDE rows and columns, by the phases, and the values at the
// matrix's own size.
void tridiagonal_vectors() {
  uint index = invocation_index();
  if (index >= P_COUNT * P_N * P_N) return;
  uint c = index % P_N, i = index / P_N % P_N, matrix = index / (P_N * P_N);
  x[index] = scaled(phases[matrix * P_N + i], z[(matrix * P_SIDE + i) * P_SIDE + c]);
  if (i == 0u) values[matrix * P_N + c] = found[matrix * P_SIDE + c] * sizes[matrix];
}
#endif
