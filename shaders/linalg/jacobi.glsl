// Jacobi's method, in sweeps over all pairs of rows and columns: rotations make what couples a pair zero, and go over
// all of it again until nothing couples any more (jacobi_sweep), of a Hermitian matrix |g| of up to 2 * MOST_PAIRS
// rows.
//
// Columns are made orthogonal to each other in blocks, of which pairs are the matrices of a sweep: jacobi_gram makes
// these of products of columns, and what the sweep turned them by goes over the columns of the whole (jacobi_columns).
// |state| has two numbers for each matrix: whether anything was turned since jacobi_turn last looked, and whether it is
// done, so that all others return at once.

bool is_done(uint matrix) { return state[2u * matrix + 1u] != 0u; }

// The two of pair |t| in round |round| of a tournament among 2 * |half|: one stays, the others go around (Brent and
// Luk), which makes 2 * |half| - 1 rounds.
uint player(uint place, uint round, uint half_count) {
  uint ring = 2u * half_count - 1u, from = (place + ring - round % ring) % ring;
  return from + 1u < half_count ? from + 1u : 3u * half_count - 2u - from;
}
uvec2 pair_of(uint t, uint round, uint half_count) {
  return uvec2(t == 0u ? 0u : player(t - 1u, round, half_count), player(2u * half_count - 2u - t, round, half_count));
}

#if defined(JACOBI_SWEEP)
// Of each pair: both rows, the rotation by c and s, what one diagonal element gives the other. c is 0 where nothing is
// turned.
shared uvec2 rows[MOST_PAIRS];
shared PART cosines[MOST_PAIRS];
shared NUM sines[MOST_PAIRS];
shared PART shifts[MOST_PAIRS];
shared uint turned;

void choose(uint t, uint round, uint first) {
  uvec2 pq = pair_of(t, round, (P_SIZE + 1u) / 2u);
  rows[t] = pq;
  cosines[t] = PART(0);
  if (pq.x >= P_SIZE || pq.y >= P_SIZE) return;
  NUM couples = g[first + pq.x * P_SIZE + pq.y];
  PART p = real(g[first + pq.x * P_SIZE + pq.x]), q = real(g[first + pq.y * P_SIZE + pq.y]);
  PART size = modulus(couples);
  // Of products of columns the angle counts, else the size of the matrix, which is about 1.
  PART bound = EPSILON / PART(4);
  if (P_ANGLES != 0u) bound = PART(EPSILON) * root(PART(max(P_LENGTH, 16u))) * root(abs(p)) * root(abs(q));
  if (!(size > bound)) return;
  PART tau = (q - p) / (PART(2) * size);
  PART tangent = PART(1) / (tau + (tau < PART(0) ? -root(PART(1) + tau * tau) : root(PART(1) + tau * tau)));
  PART cosine = PART(1) / root(PART(1) + tangent * tangent);
  cosines[t] = cosine;
  sines[t] = scaled(adjoint(over_part(couples, size)), tangent * cosine);
  shifts[t] = tangent * size;
  atomicOr(turned, 1u);
}

// A pair |ab| of numbers turned as columns are.
void turn(inout NUM a, inout NUM b, PART c, NUM s) {
  if (c == PART(0)) return;
  NUM x = minus(scaled(a, c), times(s, b));
  b = plus(times(adjoint(s), a), scaled(b, c));
  a = x;
}

void set(uint first, uint i, uint j, NUM value) {
  if (i >= P_SIZE || j >= P_SIZE) return;
  g[first + i * P_SIZE + j] = value;
  g[first + j * P_SIZE + i] = adjoint(value);
}
NUM get(uint first, uint i, uint j) {
  return i >= P_SIZE || j >= P_SIZE ? number(PART(0)) : g[first + i * P_SIZE + j];
}

// Where the rows of pair |t| meet the columns of pair |u|.
void turn_block(uint first, uint t, uint u) {
  if (cosines[t] == PART(0) && cosines[u] == PART(0)) return;
  uint p = rows[t].x, q = rows[t].y, r = rows[u].x, s = rows[u].y;
  if (t == u) {
    PART pp = real(get(first, p, p)) - shifts[t], qq = real(get(first, q, q)) + shifts[t];
    set(first, p, p, number(pp));
    set(first, q, q, number(qq));
    set(first, p, q, number(PART(0)));
    return;
  }
  NUM pr = get(first, p, r), ps = get(first, p, s), qr = get(first, q, r), qs = get(first, q, s);
  turn(pr, qr, cosines[t], adjoint(sines[t]));
  turn(ps, qs, cosines[t], adjoint(sines[t]));
  turn(pr, ps, cosines[u], sines[u]);
  turn(qr, qs, cosines[u], sines[u]);
  set(first, p, r, pr);
  set(first, p, s, ps);
  set(first, q, r, qr);
  set(first, q, s, qs);
}

void jacobi_sweep() {
  uint problem = group_index(), lane = gl_LocalInvocationIndex, matrix = problem / P_PAIRS;
  if (problem >= P_COUNT) return;
  if (is_done(matrix)) return;
  uint first = problem * P_SIZE * P_SIZE, half_count = (P_SIZE + 1u) / 2u;
  if (P_BEGINS != 0u)
    for (uint e = lane; e < P_SIZE * P_SIZE; e += INVOCATIONS)
      v[first + e] = number(e / P_SIZE == e % P_SIZE ? PART(1) : PART(0));
  uint ever = 0u, last = 0u;
  for (uint sweep = 0u; sweep < P_SWEEPS; ++sweep) {
    if (lane == 0u) turned = 0u;
    meet();
    for (uint round = 0u; round < 2u * half_count - 1u; ++round) {
      for (uint t = lane; t < half_count; t += INVOCATIONS) choose(t, round, first);
      meet();
      for (uint e = lane; e < half_count * half_count; e += INVOCATIONS)
        if (e / half_count <= e % half_count) turn_block(first, e / half_count, e % half_count);
      for (uint e = lane; e < P_SIZE * half_count; e += INVOCATIONS) {
        uint t = e % half_count, row = first + e / half_count * P_SIZE;
        if (cosines[t] == PART(0)) continue;
        NUM p = v[row + rows[t].x], q = v[row + rows[t].y];
        turn(p, q, cosines[t], sines[t]);
        v[row + rows[t].x] = p;
        v[row + rows[t].y] = q;
      }
      meet();
    }
    last = turned;
    ever |= last;
    meet();
    if (last == 0u) break;
  }
  if (lane != 0u) return;
  if (P_ALONE != 0u) {
    if (last == 0u) state[2u * matrix + 1u] = 1u;
  } else if (ever != 0u) {
    atomicOr(state[2u * matrix], 1u);
  }
}
#elif defined(JACOBI_TURN)
void jacobi_turn() {
  uint matrix = invocation_index();
  if (matrix >= P_COUNT) return;
  if (state[2u * matrix] == 0u) state[2u * matrix + 1u] = 1u;
  state[2u * matrix] = 0u;
}
#elif defined(JACOBI_BEGIN)
// |from| with P_ROWS x P_COLUMNS elements becomes |a|, filled up with zeros: as it is, with P_READS of 1 a Hermitian
// one of which the lower triangle counts, of 2 its conjugate. |v| becomes the identity.
void jacobi_begin() {
  uint index = invocation_index(), tall = max(P_HEIGHT, P_SIDE);
  if (index >= P_COUNT * tall * P_SIDE) return;
  uint c = index % P_SIDE, i = index / P_SIDE % tall, matrix = index / (tall * P_SIDE);
  if (i == 0u && c < 2u) state[2u * matrix + c] = 0u;
  if (P_SIDE == 1u && index == matrix * tall) state[2u * matrix + 1u] = 0u;
  if (i < P_SIDE) v[(matrix * P_SIDE + i) * P_SIDE + c] = number(i == c ? PART(1) : PART(0));
  if (i >= P_HEIGHT) return;
  NUM value = number(PART(0));
  uint of_from = matrix * P_ROWS * P_COLUMNS;
  if (i < P_ROWS && c < P_COLUMNS) {
    bool mirrored = P_READS == 1u && c > i;
    value = from[of_from + (mirrored ? c * P_COLUMNS + i : i * P_COLUMNS + c)];
    if (mirrored || P_READS == 2u) value = adjoint(value);
    if (P_READS == 1u && c == i) value = number(real(value));
  }
  a[(matrix * P_HEIGHT + i) * P_SIDE + c] = value;
}
#elif defined(JACOBI_GRAM) || defined(JACOBI_COLUMNS)
// The blocks of pair |t|, by their first rows, and where in the whole element |x| of them lies.
uvec2 blocks_of(uint t) { return pair_of(t, P_ROUND, P_SIDE / P_BLOCK / 2u) * P_BLOCK; }
uint place_of(uvec2 blocks, uint x) { return x < P_BLOCK ? blocks.x + x : blocks.y + x - P_BLOCK; }

#if defined(JACOBI_GRAM)
void jacobi_gram() {
  uint size = 2u * P_BLOCK, index = invocation_index(), pairs = P_SIDE / size;
  if (index >= P_COUNT * pairs * size * size) return;
  uint y = index % size, x = index / size % size, t = index / (size * size) % pairs, matrix = index / (size * P_SIDE);
  if (is_done(matrix)) return;
  uvec2 blocks = blocks_of(t);
  uint of_a = matrix * P_HEIGHT * P_SIDE, i = place_of(blocks, x), j = place_of(blocks, y);
  NUM sum = number(PART(0));
  for (uint k = 0u; k < P_HEIGHT; ++k)
    sum = plus(sum, times(adjoint(a[of_a + k * P_SIDE + i]), a[of_a + k * P_SIDE + j]));
  g[index] = sum;
}
#else
void jacobi_columns() {
  uint size = 2u * P_BLOCK, index = invocation_index(), pairs = P_SIDE / size;
  if (index >= P_COUNT * P_HEIGHT * P_SIDE) return;
  uint c = index % size, t = index / size % pairs, i = index / P_SIDE % P_HEIGHT, matrix = index / (P_SIDE * P_HEIGHT);
  if (is_done(matrix)) return;
  uint row = (matrix * P_HEIGHT + i) * P_SIDE, of_v = (matrix * pairs + t) * size * size;
  uvec2 blocks = blocks_of(t);
  NUM sum = number(PART(0));
  for (uint x = 0u; x < size; ++x) sum = plus(sum, times(a[row + place_of(blocks, x)], v[of_v + x * size + c]));
  to[row + place_of(blocks, c)] = sum;
}
#endif
#elif defined(JACOBI_COPY)
void jacobi_copy() {
  uint index = invocation_index();
  if (index >= P_COUNT * P_HEIGHT * P_SIDE || is_done(index / (P_HEIGHT * P_SIDE))) return;
  to[index] = a[index];
}
#endif
