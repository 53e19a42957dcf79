// A = L L^H, from left to right in panels of columns. Until its turn an element of |l| has the sum of products that
// goes off that of |a|; a column whose turn it is becomes one of L. Only the lower triangle is read.

NUM left(uint at) { return rounded(minus(a[at], rounded(l[at]))); }

#if defined(CHOLESKY_PANEL)
void cholesky_panel() {
  uint lane = gl_LocalInvocationIndex, first = group_index() * P_N * P_N;
  if (group_index() >= P_COUNT) return;
  for (uint j = P_FROM; j < P_TO; ++j) {
    PART square = real(left(first + j * P_N + j));
    PART diagonal = square < PART(0) ? not_a_number() : rounded(root(square));
    meet();
    for (uint i = j + lane; i < P_N; i += INVOCATIONS) {
      uint at = first + i * P_N + j;
      l[at] = i == j ? number(diagonal) : rounded(over_part(left(at), diagonal));
    }
    meet();
    uint width = P_TO - j - 1u;
    for (uint e = lane; e < (P_N - j - 1u) * width; e += INVOCATIONS) {
      uint i = j + 1u + e / width, c = j + 1u + e % width;
      if (i < c) continue;
      uint at = first + i * P_N + c;
      l[at] = plus(l[at], times(l[first + i * P_N + j], adjoint(l[first + c * P_N + j])));
    }
    meet();
  }
}
#else
// The same for the columns behind the panel: an invocation has an element.
void cholesky_rest() {
  uint size = P_N - P_TO, index = invocation_index();
  if (index >= P_COUNT * size * size) return;
  uint i = P_TO + index / size % size, c = P_TO + index % size, first = index / (size * size) * P_N * P_N;
  if (i < c) return;
  NUM sum = l[first + i * P_N + c];
  for (uint k = P_FROM; k < P_TO; ++k)
    sum = plus(sum, times(l[first + i * P_N + k], adjoint(l[first + c * P_N + k])));
  l[first + i * P_N + c] = sum;
}
#endif
