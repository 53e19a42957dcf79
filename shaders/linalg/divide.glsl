// Values and vectors of real symmetric tridiagonal matrices by divide and conquer (Cuppen; Gu and Eisenstat). P_PARTS
// pairs of neighbours become one at a time, each of P_HALF rows: beside their own values, sorted in |d|, and vectors,
// |q|, there is what couples them, a matrix of rank one. The values of that sum are the roots of 1/rho + sum
// z_i^2 / (d_i - x), each found as an offset from the nearest d_i, so that every difference to them keeps its digits;
// its vectors are made of the z for which these roots would be exact, so they are orthogonal however close the roots.
//
// What does not take part is dropped first: where z is as good as 0, or where two d are as good as equal, after a
// rotation that makes one z 0. Of what is dropped lists grow from behind. Matrices have no value above 2.

// What may be left out of a matrix of about 1.
const PART NOTHING = PART(4) * EPSILON;

#if defined(DIVIDE_LEAVES)
// The smallest parts, of P_LEAF rows: |t| becomes the matrices without what couples them. Rows behind the last have a
// value above all others, so they stay the last.
PART side(uint matrix, uint i) { return i + 1u < P_N ? sides[matrix * P_N + i] : PART(0); }

void divide_leaves() {
  uint index = invocation_index(), leaf = index / (P_LEAF * P_LEAF);
  if (leaf >= P_COUNT * P_PARTS) return;
  uint c = index % P_LEAF, r = index / P_LEAF % P_LEAF, matrix = leaf / P_PARTS, i = leaf % P_PARTS * P_LEAF + r;
  PART value = PART(0);
  if (r == c && i < P_N) {
    value = diagonal[matrix * P_N + i];
    if (r == 0u && i > 0u) value -= side(matrix, i - 1u);
    if (r + 1u == P_LEAF) value -= side(matrix, i);
  } else if (r + 1u == c || c + 1u == r) {
    value = side(matrix, min(r, c) + i - r);
  }
  t[index] = i < P_N || r != c ? value / sizes[matrix] : PART(3);
}
#elif defined(DIVIDE_SORT)
// Leaves' values and vectors by size.
void divide_sort() {
  uint index = invocation_index(), leaf = index / (P_LEAF * P_LEAF), of_leaf = leaf * P_LEAF * P_LEAF;
  if (leaf >= P_COUNT) return;
  uint c = index % P_LEAF, r = index / P_LEAF % P_LEAF, rank = 0u;
  PART own = a[of_leaf + c * P_LEAF + c];
  for (uint k = 0u; k < P_LEAF; ++k) {
    PART other = a[of_leaf + k * P_LEAF + k];
    if (other < own || (other == own && k < c)) ++rank;
  }
  q[of_leaf + r * P_LEAF + rank] = v[index];
  if (r == 0u) d[leaf * P_LEAF + rank] = own;
}
#else

#if defined(DIVIDE_DROP) || defined(DIVIDE_ROOTS)
// What couples the parts of pair |merge|, doubled: z is divided by its length.
PART coupling(uint merge) {
  uint i = merge % P_PARTS * 2u * P_HALF + P_HALF - 1u, matrix = merge / P_PARTS;
  return i + 1u < P_N ? PART(2) * sides[matrix * P_N + i] / sizes[matrix] : PART(0);
}
#endif

#if defined(DIVIDE_DROP)
// Sorts the values of both parts together, with their z, and drops what can be: |kept| of each pair are left. The
// rotations stand in |turns|, what they turn in |turned|.
void divide_drop() {
  uint merge = group_index(), lane = gl_LocalInvocationIndex, first = merge * 2u * P_HALF;
  if (merge >= P_COUNT) return;
  for (uint i = lane; i < 2u * P_HALF; i += INVOCATIONS) {
    bool low = i < P_HALF;
    PART own = d[first + i];
    uint begin = low ? P_HALF : 0u, less = 0u, more = P_HALF;
    while (less < more) {
      uint middle = (less + more) / 2u;
      PART other = d[first + begin + middle];
      if (other < own || (!low && other == own)) less = middle + 1u;
      else more = middle;
    }
    uint at = first + less + (low ? i : i - P_HALF);
    sorted[at] = own;
    sorted_z[at] = q[first * P_HALF + (low ? (P_HALF - 1u) * P_HALF + i : P_HALF * P_HALF + i - P_HALF)] * root(PART(0.5));
    order[at] = i;
  }
  meet();
  if (lane != 0u) return;
  PART rho = coupling(merge), last_d = PART(0), last_z = PART(0);
  uint count = 0u, rotations = 0u, behind = first + 2u * P_HALF, last = 0u;
  bool has_last = false;
  for (uint j = first; j < first + 2u * P_HALF; ++j) {
    PART own = sorted[j], own_z = sorted_z[j];
    uint place = order[j];
    if (!(rho * abs(own_z) > NOTHING)) {
      --behind;
      poles[behind] = own;
      places[behind] = place;
      continue;
    }
    if (has_last) {
      PART size = root(last_z * last_z + own_z * own_z), c = own_z / size, s = -last_z / size;
      if (abs((own - last_d) * c * s) <= NOTHING) {
        uint at = 2u * (first + rotations);
        turns[at] = c;
        turns[at + 1u] = s;
        turned[at] = last;
        turned[at + 1u] = place;
        ++rotations;
        --behind;
        poles[behind] = last_d * c * c + own * s * s;
        places[behind] = last;
        own = last_d * s * s + own * c * c;
        own_z = size;
      } else {
        poles[first + count] = last_d;
        z[first + count] = last_z;
        places[first + count] = last;
        ++count;
      }
    }
    has_last = true;
    last = place;
    last_d = own;
    last_z = own_z;
  }
  if (has_last) {
    poles[first + count] = last_d;
    z[first + count] = last_z;
    places[first + count] = last;
    ++count;
  }
  kept[2u * merge] = count;
  kept[2u * merge + 1u] = rotations;
}
#elif defined(DIVIDE_ROOTS)
// Root |j| lies between pole j and the next. The function without what its nearest poles give is nearly constant there:
// so a step goes to where a function of two poles with the same value and slopes is 0, and inside the bounds always.
const uint MOST_STEPS = 80u;

void divide_roots() {
  uint index = invocation_index();
  if (index >= P_COUNT * 2u * P_HALF) return;
  uint merge = index / (2u * P_HALF), first = merge * 2u * P_HALF, j = index - first, count = kept[2u * merge];
  bases[index] = poles[index];
  offsets[index] = PART(0);
  if (j >= count) return;
  bool is_last = j + 1u == count;
  PART rho = coupling(merge), constant = PART(1) / rho, width = PART(0);
  if (is_last) {
    for (uint i = 0u; i < count; ++i) width += z[first + i] * z[first + i];
    width *= rho;
  } else {
    width = poles[index + 1u] - poles[index];
  }
  PART own = poles[index], next = is_last ? own : poles[index + 1u], base = own, x = width / PART(2);
  PART least = PART(0), most = is_last ? width + width : width;
  for (uint step = 0u; step < MOST_STEPS; ++step) {
    PART psi = PART(0), phi = PART(0), psi_slope = PART(0), phi_slope = PART(0);
    for (uint i = 0u; i < count; ++i) {
      PART weight = z[first + i], by = weight / ((poles[first + i] - base) - x);
      if (i <= j) {
        psi += weight * by;
        psi_slope += by * by;
      } else {
        phi += weight * by;
        phi_slope += by * by;
      }
    }
    PART value = constant + psi + phi;
    if (step == 0u) {
      // In the middle: now it is known which pole is nearest.
      if (value < PART(0)) {
        least = x;
        if (!is_last) {
          base = next;
          least = -x;
          most = PART(0);
          x = -x;
        }
      } else {
        most = x;
      }
    } else if (value < PART(0)) {
      least = x;
    } else {
      most = x;
    }
    if (abs(value) <= PART(8) * EPSILON * (constant + abs(psi) + phi)) break;
    PART to_own = (own - base) - x, to_next = (next - base) - x, by = PART(0);
    if (is_last) {
      by = to_own * value / (value - to_own * psi_slope);
    } else {
      PART c = value - to_own * psi_slope - to_next * phi_slope, b = to_own * to_next * value;
      PART a = (to_own + to_next) * value - to_own * to_next * (psi_slope + phi_slope);
      PART square_root = root(max(a * a - PART(4) * b * c, PART(0)));
      by = a > PART(0) ? PART(2) * b / (a + square_root) : (a - square_root) / (PART(2) * c);
    }
    PART to = x + by;
    if (!(to > least && to < most)) to = (least + most) / PART(2);
    bool stays = abs(to - x) <= EPSILON * abs(to);
    x = to;
    if (stays) break;
  }
  bases[index] = base;
  offsets[index] = x;
}
#elif defined(DIVIDE_WEIGHTS)
// The z for which the roots are exact, and the place of each value among all of its pair.
void divide_weights() {
  uint index = invocation_index();
  if (index >= P_COUNT * 2u * P_HALF) return;
  uint merge = index / (2u * P_HALF), first = merge * 2u * P_HALF, i = index - first, count = kept[2u * merge], rank = 0u;
  PART own = bases[index] + offsets[index];
  for (uint j = 0u; j < 2u * P_HALF; ++j) {
    PART other = bases[first + j] + offsets[first + j];
    if (other < own || (other == own && j < i)) ++rank;
  }
  ranks[index] = rank;
  d[first + rank] = own;
  if (i >= count) return;
  PART pole = poles[index], square_of = (bases[first + count - 1u] - pole) + offsets[first + count - 1u];
  for (uint j = 0u; j + 1u < count; ++j) {
    PART other = poles[first + (j < i ? j : j + 1u)];
    square_of *= ((bases[first + j] - pole) + offsets[first + j]) / (other - pole);
  }
  PART size = root(abs(square_of));
  weights[index] = z[index] < PART(0) ? -size : size;
}
#else
// An invocation has a column of |u|, by which the vectors of both parts become those of the pair.
void divide_vectors() {
  uint index = invocation_index(), size = 2u * P_HALF;
  if (index >= P_COUNT * size) return;
  uint merge = index / size, first = merge * size, j = index - first, count = kept[2u * merge];
  uint of_u = first * size + ranks[index];
  PART base = bases[index], offset = offsets[index], sum = PART(0);
  if (j < count)
    for (uint i = 0u; i < count; ++i) {
      PART x = weights[first + i] / ((poles[first + i] - base) - offset);
      sum += x * x;
    }
  PART by = PART(1) / root(sum);
  for (uint i = 0u; i < size; ++i) {
    PART x = PART(i == j ? 1 : 0);
    if (j < count) x = i < count ? weights[first + i] / ((poles[first + i] - base) - offset) * by : PART(0);
    u[of_u + places[first + i] * size] = x;
  }
  for (uint rotation = kept[2u * merge + 1u]; rotation > 0u; --rotation) {
    uint at = 2u * (first + rotation - 1u);
    PART c = turns[at], s = turns[at + 1u];
    uint p = of_u + turned[at] * size, r = of_u + turned[at + 1u] * size;
    PART x = u[p], y = u[r];
    u[p] = c * x - s * y;
    u[r] = s * x + c * y;
  }
}
#endif
#endif
