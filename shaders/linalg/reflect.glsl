// Reflections many at a time: H_0 ... H_w-1 = I - V T V^H, where row j of |v| is the vector of H_j, zeros, its 1 and
// all. What multiplies is the product of other families; here is the rest.

#if defined(REFLECT_ROWS)
// Rows P_FROM to P_TO of |v| out of the columns of |r|, which have them below the diagonal, and conjugated.
void reflect_rows() {
  uint width = P_TO - P_FROM, index = invocation_index();
  if (index >= P_COUNT * width * P_M) return;
  uint i = index % P_M, j = P_FROM + index / P_M % width, matrix = index / (P_M * width);
  NUM value = number(i == j ? PART(1) : PART(0));
  if (i > j) value = r[(matrix * P_M + i) * P_N + j];
  uint at = (matrix * P_K + j) * P_M + i;
  v[at] = value;
  adjoints[at] = adjoint(value);
}
#elif defined(REFLECT_FACTOR)
// T from the products v_i^H v_j of |s|, or with P_ADJOINT its adjoint.
shared NUM made[MOST_PAIRS][MOST_PAIRS];

void reflect_factor() {
  uint matrix = group_index(), lane = gl_LocalInvocationIndex, first = matrix * P_WIDTH * P_WIDTH;
  if (matrix >= P_COUNT) return;
  for (uint j = 0u; j < P_WIDTH; ++j) {
    PART t = factors[matrix * P_K + P_FROM + j];
    for (uint i = lane; i < P_WIDTH; i += INVOCATIONS) {
      NUM sum = number(i == j ? -PART(1) : PART(0));
      for (uint k = i; k < j; ++k) sum = plus(sum, times(made[i][k], s[first + k * P_WIDTH + j]));
      made[i][j] = scaled(sum, i > j ? PART(0) : -t);
    }
    meet();
  }
  for (uint e = lane; e < P_WIDTH * P_WIDTH; e += INVOCATIONS) {
    uint i = e / P_WIDTH, j = e % P_WIDTH;
    to[first + e] = P_ADJOINT != 0u ? adjoint(made[j][i]) : made[i][j];
  }
}
#elif defined(REFLECT_IDENTITY)
void reflect_identity() {
  uint index = invocation_index();
  if (index >= P_COUNT * P_ROWS * P_COLUMNS) return;
  x[index] = number(index / P_COLUMNS % P_ROWS == index % P_COLUMNS ? PART(1) : PART(0));
}
#elif defined(REFLECT_MINUS)
// Takes |y| off |x| from row P_ROW and column P_COLUMN on; P_SETTLES: it is the last time.
void reflect_minus() {
  uint rows = P_ROWS - P_ROW, columns = P_COLUMNS - P_COLUMN, index = invocation_index();
  if (index >= P_COUNT * rows * columns) return;
  uint c = index % columns, i = index / columns % rows, matrix = index / (columns * rows);
  uint at = (matrix * P_ROWS + P_ROW + i) * P_COLUMNS + P_COLUMN + c;
  NUM value = minus(x[at], y[index]);
  x[at] = P_SETTLES != 0u ? settled(value) : value;
}
#else
void reflect_conjugate() {
  uint index = invocation_index();
  if (index < P_COUNT) to[index] = adjoint(from[index]);
}
#endif
