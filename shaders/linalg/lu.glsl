// A = P L U with the largest pivot of each column, from left to right in panels of columns. L without its diagonal and
// U take the place of |a|; |order| has the row of A that each of its rows is. Products come off an element one after
// the other, so panels of any width give the same bits.

#if defined(LU_PANEL)
shared PART found[INVOCATIONS];
shared uint found_at[INVOCATIONS];

// NaN is above all, so that it is not lost; of equals the first counts.
bool above(PART x, PART y) { return x > y || (isnan(x) && !isnan(y)); }
bool comes_first(uint x, uint y) {
  return above(found[x], found[y]) || (!above(found[y], found[x]) && found_at[x] < found_at[y]);
}

void lu_panel() {
  uint lane = gl_LocalInvocationIndex, first = group_index() * P_N * P_N;
  if (group_index() >= P_COUNT) return;
  if (P_FROM == 0u)
    for (uint i = lane; i < P_N; i += INVOCATIONS) order[group_index() * P_N + i] = i;
  meet();
  for (uint j = P_FROM; j < P_TO; ++j) {
    PART best = PART(-1);
    uint pivot = j;
    for (uint i = j + lane; i < P_N; i += INVOCATIONS) {
      PART size = modulus(a[first + i * P_N + j]);
      if (!above(size, best)) continue;
      best = size;
      pivot = i;
    }
    found[lane] = best;
    found_at[lane] = pivot;
    meet();
    for (uint half_count = INVOCATIONS / 2u; half_count > 0u; half_count /= 2u) {
      if (lane < half_count && comes_first(lane + half_count, lane)) {
        found[lane] = found[lane + half_count];
        found_at[lane] = found_at[lane + half_count];
      }
      barrier();
    }
    pivot = found_at[0];
    meet();
    if (pivot != j) {
      for (uint c = lane; c < P_N; c += INVOCATIONS) {
        NUM upper = a[first + j * P_N + c];
        a[first + j * P_N + c] = a[first + pivot * P_N + c];
        a[first + pivot * P_N + c] = upper;
      }
      if (lane == 0u) {
        uint row = order[group_index() * P_N + j];
        order[group_index() * P_N + j] = order[group_index() * P_N + pivot];
        order[group_index() * P_N + pivot] = row;
      }
    }
    meet();
    NUM diagonal = a[first + j * P_N + j];
    if (!is_zero(diagonal))
      for (uint i = j + 1u + lane; i < P_N; i += INVOCATIONS)
        a[first + i * P_N + j] = over(a[first + i * P_N + j], diagonal);
    meet();
    uint width = P_TO - j - 1u;
    for (uint e = lane; e < (P_N - j - 1u) * width; e += INVOCATIONS) {
      uint i = j + 1u + e / width, c = j + 1u + e % width, at = first + i * P_N + c;
      a[at] = minus(a[at], times(a[first + i * P_N + j], a[first + j * P_N + c]));
    }
    meet();
  }
}
#elif defined(LU_ROWS)
// The panel's rows of U behind it: an invocation has a column.
void lu_rows() {
  uint size = P_N - P_TO, index = invocation_index();
  if (index >= P_COUNT * size) return;
  uint c = P_TO + index % size, first = index / size * P_N * P_N;
  for (uint i = P_FROM + 1u; i < P_TO; ++i) {
    NUM x = a[first + i * P_N + c];
    for (uint k = P_FROM; k < i; ++k) x = minus(x, times(a[first + i * P_N + k], a[first + k * P_N + c]));
    a[first + i * P_N + c] = x;
  }
}
#elif defined(LU_REST)
void lu_rest() {
  uint size = P_N - P_TO, index = invocation_index();
  if (index >= P_COUNT * size * size) return;
  uint i = P_TO + index / size % size, c = P_TO + index % size, first = index / (size * size) * P_N * P_N;
  NUM x = a[first + i * P_N + c];
  for (uint k = P_FROM; k < P_TO; ++k) x = minus(x, times(a[first + i * P_N + k], a[first + k * P_N + c]));
  a[first + i * P_N + c] = x;
}
#else
void lu_parts() {
  uint index = invocation_index();
  if (index >= P_COUNT * P_N * P_N) return;
  uint c = index % P_N, i = index / P_N % P_N, matrix = index / (P_N * P_N);
  p[index] = i == order[matrix * P_N + c] ? 1u : 0u;
  l[index] = i > c ? a[index] : number(i == c ? PART(1) : PART(0));
  u[index] = i > c ? number(PART(0)) : a[index];
}
#endif
