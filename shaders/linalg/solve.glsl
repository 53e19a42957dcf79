// Forward substitution with lower triangular matrices, P_N rows, of P_M right sides each, in blocks of rows. One
// invocation has one column of one matrix (solve_rows), or one element of what is left (solve_rest). With P_CONJUGATE
// it is the conjugate of the matrix.

NUM factor(uint at) { return P_CONJUGATE != 0u ? adjoint(a[at]) : a[at]; }

#if defined(SOLVE_ROWS)
void solve_rows() {
  uint index = invocation_index();
  if (index >= P_COUNT * P_M) return;
  uint of_a = index / P_M * P_N * P_N, of_x = index / P_M * P_N * P_M + index % P_M;
  for (uint i = P_FROM; i < P_TO; ++i) {
    NUM sum = number(PART(0));
    for (uint k = P_FROM; k < i; ++k) sum = plus(sum, times(factor(of_a + i * P_N + k), x[of_x + k * P_M]));
    x[of_x + i * P_M] = over(minus(x[of_x + i * P_M], sum), factor(of_a + i * P_N + i));
  }
}
#else
void solve_rest() {
  uint rows = P_N - P_TO, index = invocation_index();
  if (index >= P_COUNT * rows * P_M) return;
  uint matrix = index / (rows * P_M), i = P_TO + index / P_M % rows, of_x = matrix * P_N * P_M + index % P_M;
  NUM sum = number(PART(0));
  for (uint k = P_FROM; k < P_TO; ++k)
    sum = plus(sum, times(factor((matrix * P_N + i) * P_N + k), x[of_x + k * P_M]));
  x[of_x + i * P_M] = minus(x[of_x + i * P_M], sum);
}
#endif
