// Householder reflections H = I - t v v^H, from left to right in panels of columns. A reflection's v, but for its first
// element, which is 1, stands in the column that it makes zero, its t in |factors|. Of reals the diagonal of R comes
// out positive; where nothing is below it there is nothing to reflect, so it stays what it is (t is 0).

#if defined(QR_PANEL)
// Columns go side by side, and of each |groups| invocations share the rows.
shared NUM products[INVOCATIONS];

void qr_panel() {
  uint lane = gl_LocalInvocationIndex, matrix = group_index(), first = matrix * P_M * P_N;
  if (matrix >= P_COUNT) return;
  uint wide = min(P_TO - P_FROM > MOST_PAIRS ? 2u * MOST_PAIRS : MOST_PAIRS, INVOCATIONS);
  uint groups = INVOCATIONS / wide, beside = lane % wide, group = lane / wide;
  for (uint j = P_FROM; j < P_TO; ++j) {
    PART sum = PART(0);
    for (uint i = j + 1u + lane; i < P_M; i += INVOCATIONS) sum += square(r[first + i * P_N + j]);
    PART below = sum_of_all(sum);
    NUM diagonal, v;
    PART t = reflection(r[first + j * P_N + j], below, diagonal, v);
    meet();
    if (t != PART(0))
      for (uint i = j + 1u + lane; i < P_M; i += INVOCATIONS) r[first + i * P_N + j] = over(r[first + i * P_N + j], v);
    if (lane == 0u) r[first + j * P_N + j] = diagonal;
    if (lane == 0u) factors[matrix * P_K + j] = t;
    meet();
    for (uint left = j + 1u; t != PART(0) && left < P_TO; left += wide) {
      uint c = left + beside;
      NUM product = number(PART(0));
      if (c < P_TO)
        for (uint i = j + 1u + group; i < P_M; i += groups)
          product = plus(product, times(adjoint(r[first + i * P_N + j]), r[first + i * P_N + c]));
      products[lane] = product;
      barrier();
      product = c < P_TO ? r[first + j * P_N + c] : number(PART(0));
      for (uint other = 0u; other < groups; ++other) product = plus(product, products[other * wide + beside]);
      product = scaled(product, t);
      meet();
      if (c < P_TO) {
        if (group == 0u) r[first + j * P_N + c] = minus(r[first + j * P_N + c], product);
        for (uint i = j + 1u + group; i < P_M; i += groups)
          r[first + i * P_N + c] = minus(r[first + i * P_N + c], times(product, r[first + i * P_N + j]));
      }
    }
    meet();
  }
}
#elif defined(QR_REFLECT)
// The reflections of the identity, from the last on: an invocation has a column of |x|.
void qr_reflect() {
  uint index = invocation_index();
  if (index >= P_COUNT * P_COLUMNS) return;
  uint c = index % P_COLUMNS, matrix = index / P_COLUMNS;
  uint of_v = matrix * P_M * P_N, of_x = matrix * P_M * P_COLUMNS + c;
  for (uint i = 0u; i < P_M; ++i) x[of_x + i * P_COLUMNS] = number(i == c ? PART(1) : PART(0));
  for (uint j = P_K; j-- > 0u;) {
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
