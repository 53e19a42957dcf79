// Householder reflections H = I - t v v^H, from left to right in panels of columns. A reflection's v, but for its first
// element, which is 1, stands in the column that it makes zero, its t in |factors|. Of reals the diagonal of R comes
// out positive; where nothing is below it there is nothing to reflect, so it stays what it is (t is 0).

#if defined(QR_PANEL)
shared PART sums[INVOCATIONS];

void qr_panel() {
  uint lane = gl_LocalInvocationIndex, matrix = group_index(), first = matrix * P_M * P_N;
  if (matrix >= P_COUNT) return;
  for (uint j = P_FROM; j < P_TO; ++j) {
    PART sum = PART(0);
    for (uint i = j + 1u + lane; i < P_M; i += INVOCATIONS) sum += square(r[first + i * P_N + j]);
    sums[lane] = sum;
    meet();
    PART below = PART(0);
    for (uint other = 0u; other < INVOCATIONS; ++other) below += sums[other];
    NUM head = r[first + j * P_N + j];
    meet();
    PART t = PART(0);
    if (below != PART(0)) {
      PART length = root(square(head) + below);
#if defined(COMPLEX)
      PART size = modulus(head);
      NUM phase = size == PART(0) ? number(PART(1)) : over_part(head, size);
      NUM diagonal = -scaled(phase, length), v = plus(head, scaled(phase, length));
#else
      NUM diagonal = length, v = head > PART(0) ? -over(below, head + length) : head - length;
#endif
      t = PART(2) / (PART(1) + below / square(v));
      for (uint i = j + 1u + lane; i < P_M; i += INVOCATIONS) r[first + i * P_N + j] = over(r[first + i * P_N + j], v);
      if (lane == 0u) r[first + j * P_N + j] = diagonal;
    }
    if (lane == 0u) factors[matrix * P_K + j] = t;
    meet();
    if (t != PART(0))
      for (uint c = j + 1u + lane; c < P_TO; c += INVOCATIONS) {
        NUM product = r[first + j * P_N + c];
        for (uint i = j + 1u; i < P_M; ++i)
          product = plus(product, times(adjoint(r[first + i * P_N + j]), r[first + i * P_N + c]));
        product = scaled(product, t);
        r[first + j * P_N + c] = minus(r[first + j * P_N + c], product);
        for (uint i = j + 1u; i < P_M; ++i)
          r[first + i * P_N + c] = minus(r[first + i * P_N + c], times(product, r[first + i * P_N + j]));
      }
    meet();
  }
}
#elif defined(QR_REFLECT)
// Reflects the columns of |x| from P_FIRST on: an invocation has a column. Backwards it makes Q, from the identity.
void qr_reflect() {
  uint size = P_COLUMNS - P_FIRST, index = invocation_index();
  if (index >= P_COUNT * size) return;
  uint c = P_FIRST + index % size, matrix = index / size;
  uint of_v = matrix * P_M * P_N, of_x = matrix * P_M * P_COLUMNS + c;
  if (P_BEGINS != 0u)
    for (uint i = 0u; i < P_M; ++i) x[of_x + i * P_COLUMNS] = number(i == c ? PART(1) : PART(0));
  for (uint step = P_FROM; step < P_TO; ++step) {
    uint j = P_BACK != 0u ? P_TO - 1u - (step - P_FROM) : step;
    PART t = factors[matrix * P_K + j];
    if (t == PART(0)) continue;
    NUM product = x[of_x + j * P_COLUMNS];
    for (uint i = j + 1u; i < P_M; ++i)
      product = plus(product, times(adjoint(v[of_v + i * P_N + j]), x[of_x + i * P_COLUMNS]));
    product = scaled(product, t);
    x[of_x + j * P_COLUMNS] = minus(x[of_x + j * P_COLUMNS], product);
    for (uint i = j + 1u; i < P_M; ++i)
      x[of_x + i * P_COLUMNS] = minus(x[of_x + i * P_COLUMNS], times(product, v[of_v + i * P_N + j]));
  }
  if (P_BACK != 0u && P_FROM == 0u)
    for (uint i = 0u; i < P_M; ++i) x[of_x + i * P_COLUMNS] = settled(x[of_x + i * P_COLUMNS]);
}
#else
// The triangle above |v|, P_ROWS rows of it, at its own size again.
void qr_triangle() {
  uint index = invocation_index();
  if (index >= P_COUNT * P_ROWS * P_N) return;
  uint c = index % P_N, i = index / P_N % P_ROWS, matrix = index / (P_ROWS * P_N);
  NUM value = i > c ? number(PART(0)) : settled(v[(matrix * P_M + i) * P_N + c]);
  r[index] = scaled(value, sizes[matrix]);
}
#endif
