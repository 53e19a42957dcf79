// What comes behind Jacobi's method: values, their order, and the vectors in that order. |sizes| is what the matrices
// were divided by, NaN where they had an element that was none or infinite: then everything is NaN.

#if defined(SPECTRUM_VALUES)
// Of the Hermitian matrix |a| its diagonal, with P_NORMS of any the norms of its columns.
void spectrum_values() {
  uint index = invocation_index();
  if (index >= P_COUNT * P_N) return;
  uint i = index % P_N, of_a = index / P_N * P_HEIGHT * P_SIDE;
  if (P_NORMS == 0u) {
    values[index] = real(a[of_a + i * P_SIDE + i]);
    return;
  }
  PART sum = PART(0);
  for (uint k = 0u; k < P_HEIGHT; ++k) sum += square(a[of_a + k * P_SIDE + i]);
  values[index] = root(sum);
}
#elif defined(SPECTRUM_ORDER)
// By size, the largest first; equals stay in order.
void spectrum_order() {
  uint index = invocation_index();
  if (index >= P_COUNT * P_N) return;
  uint i = index % P_N, first = index - i, rank = 0u;
  PART own = rounded(abs(values[index]));
  if (isnan(sizes[index / P_N])) {
    rank = i;
  } else {
    for (uint j = 0u; j < P_N; ++j) {
      PART other = rounded(abs(values[first + j]));
      if (other > own || (other == own && j < i)) ++rank;
    }
  }
  order[first + rank] = i;
}
#elif defined(SPECTRUM_SORTED)
void spectrum_sorted() {
  uint index = invocation_index();
  if (index >= P_COUNT * P_N) return;
  uint first = index - index % P_N;
  PART value = values[first + order[index]];
  // What rounding the matrix may have made out of 0; P_TALL is 0 where signs matter.
  if (abs(value) <= PART(P_TALL) * RESULT_EPSILON * values[first + order[first]]) value = PART(0);
  to[index] = number(value * sizes[index / P_N]);
}
#elif defined(SPECTRUM_VECTORS)
// Columns of |v| by the order, P_ROWS of each, or with P_ADJOINT as rows, conjugated. With P_NORMED each over its
// value.
void spectrum_vectors() {
  uint index = invocation_index();
  if (index >= P_COUNT * P_ROWS * P_N) return;
  uint matrix = index / (P_ROWS * P_N), rest = index % (P_ROWS * P_N);
  uint i = P_ADJOINT != 0u ? rest % P_ROWS : rest / P_N, c = P_ADJOINT != 0u ? rest / P_ROWS : rest % P_N;
  uint from = order[matrix * P_N + c];
  NUM value = v[(matrix * P_HEIGHT + i) * P_SIDE + from];
  if (P_NORMED != 0u) {
    PART size = values[matrix * P_N + from];
    value = size == PART(0) ? number(PART(0)) : over_part(value, size);
  }
  if (P_NORMED == 0u) value = settled(value);
  if (P_ADJOINT != 0u) value = adjoint(value);
  to[index] = plus(value, number(sizes[matrix] * PART(0)));
}
#else
// Columns of |q| as they were before they were made orthogonal: |r| has on its diagonal what they were multiplied by.
void spectrum_signed() {
  uint index = invocation_index();
  if (index >= P_COUNT * P_ROWS * P_COLUMNS) return;
  uint matrix = index / (P_ROWS * P_COLUMNS), rest = index % (P_ROWS * P_COLUMNS);
  uint i = P_ADJOINT != 0u ? rest % P_ROWS : rest / P_COLUMNS;
  uint c = P_ADJOINT != 0u ? rest / P_ROWS : rest % P_COLUMNS;
  NUM value = q[(matrix * P_ROWS + i) * P_COLUMNS + c];
  if (c < P_N) {
    NUM by = r[(matrix * P_ROWS + c) * P_N + c];
    if (!is_zero(by)) value = times(value, over_part(by, modulus(by)));
  }
  value = settled(P_ADJOINT != 0u ? adjoint(value) : value);
  to[index] = plus(value, number(PART(0)));  // no -0
}
#endif
