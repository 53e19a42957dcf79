// One pass of Fourier transforms: a workgroup transforms a few rows of numbers in shared memory, in place, by the
// radices that P_RADICES has four bits each of (decimation in frequency). A longer transform is two or three passes
// over parts of its length, with a turn between them.
//
// The emitter defines TILE and INVOCATIONS, P_SIZES and P_RADICES and the numbers ROOT_HALF, SIN_3, COS_5_*, SIN_5_*,
// ROOTS; turn() is that of fourier_turn.glsl, the rest that of fourier_ends.glsl.

const VEC roots[31] = VEC[31](ROOTS);  // of radices 7, 11 and 13

shared VEC tile[TILE];

// Where number |i| lies in the tile. SKEWED: so that those of a butterfly, or of a frequency, lie in different banks.
uint slot(uint i) {
#if defined(SKEWED)
  return i + (i >> 3) + (i >> 6) + (i >> 9);
#else
  return i;
#endif
}

// The sums that a butterfly of an odd radix is: of pairs, of what they differ in.
void radix_3(inout VEC a, inout VEC b, inout VEC c) {
  VEC sum = b + c, difference = turned_back(b - c) * SIN_3;
  VEC middle = a - sum * REAL(0.5);
  a += sum;
  b = middle + difference;
  c = middle - difference;
}

void radix_5(inout VEC a, inout VEC b, inout VEC c, inout VEC d, inout VEC e) {
  VEC p = b + e, q = c + d, r = turned_back(b - e), s = turned_back(c - d);
  VEC first = a + p * COS_5_1 + q * COS_5_2, second = a + p * COS_5_2 + q * COS_5_1;
  VEC third = r * SIN_5_1 + s * SIN_5_2, fourth = r * SIN_5_2 - s * SIN_5_1;
  a += p + q;
  b = first + third;
  c = second + fourth;
  d = second - fourth;
  e = first - third;
}

// Where numbers |apart| places from each other lie: those of one butterfly.
void pass_2(uint at, uint apart, uint j, uint block) {
  VEC a = tile[slot(at)], b = tile[slot(at + apart)];
  tile[slot(at)] = a + b;
  tile[slot(at + apart)] = apart > 1u ? product(a - b, turn(j, block)) : a - b;
}

void pass_3(uint at, uint apart, uint j, uint block) {
  VEC a = tile[slot(at)], b = tile[slot(at + apart)], c = tile[slot(at + 2u * apart)];
  radix_3(a, b, c);
  if (apart > 1u) {
    b = product(b, turn(j, block));
    c = product(c, turn(2u * j, block));
  }
  tile[slot(at)] = a;
  tile[slot(at + apart)] = b;
  tile[slot(at + 2u * apart)] = c;
}

void pass_4(uint at, uint apart, uint j, uint block) {
  VEC a = tile[slot(at)], b = tile[slot(at + apart)], c = tile[slot(at + 2u * apart)], d = tile[slot(at + 3u * apart)];
  radix_4(a, b, c, d);
  if (apart > 1u) {
    b = product(b, turn(j, block));
    c = product(c, turn(2u * j, block));
    d = product(d, turn(3u * j, block));
  }
  tile[slot(at)] = a;
  tile[slot(at + apart)] = b;
  tile[slot(at + 2u * apart)] = c;
  tile[slot(at + 3u * apart)] = d;
}

void pass_5(uint at, uint apart, uint j, uint block) {
  VEC a = tile[slot(at)], b = tile[slot(at + apart)], c = tile[slot(at + 2u * apart)], d = tile[slot(at + 3u * apart)],
      e = tile[slot(at + 4u * apart)];
  radix_5(a, b, c, d, e);
  if (apart > 1u) {
    b = product(b, turn(j, block));
    c = product(c, turn(2u * j, block));
    d = product(d, turn(3u * j, block));
    e = product(e, turn(4u * j, block));
  }
  tile[slot(at)] = a;
  tile[slot(at + apart)] = b;
  tile[slot(at + 2u * apart)] = c;
  tile[slot(at + 3u * apart)] = d;
  tile[slot(at + 4u * apart)] = e;
}

void pass_8(uint at, uint apart, uint j, uint block) {
  VEC a = tile[slot(at)], b = tile[slot(at + apart)], c = tile[slot(at + 2u * apart)], d = tile[slot(at + 3u * apart)];
  VEC e = tile[slot(at + 4u * apart)], f = tile[slot(at + 5u * apart)], g = tile[slot(at + 6u * apart)],
      h = tile[slot(at + 7u * apart)];
  VEC p = a + e, q = b + f, r = c + g, s = d + h;
  VEC t = a - e, u = b - f, v = turned_back(c - g), w = d - h;
  u = (u + turned_back(u)) * ROOT_HALF;
  w = (turned_back(w) - w) * ROOT_HALF;
  radix_4(p, q, r, s);
  radix_4(t, u, v, w);
  if (apart > 1u) {
    VEC w1 = turn(j, block), w2 = turn(2u * j, block), w4 = turn(4u * j, block), w3 = product(w1, w2);
    t = product(t, w1);
    q = product(q, w2);
    u = product(u, w3);
    r = product(r, w4);
    v = product(v, product(w1, w4));
    s = product(s, product(w2, w4));
    w = product(w, product(w3, w4));
  }
  tile[slot(at)] = p;
  tile[slot(at + apart)] = t;
  tile[slot(at + 2u * apart)] = q;
  tile[slot(at + 3u * apart)] = u;
  tile[slot(at + 4u * apart)] = r;
  tile[slot(at + 5u * apart)] = v;
  tile[slot(at + 6u * apart)] = s;
  tile[slot(at + 7u * apart)] = w;
}

// Radices 7, 11 and 13, whose roots of unity begin at |first|.
void pass_odd(uint at, uint apart, uint j, uint block, uint radix, uint first) {
  VEC sums[6], differences[6];
  VEC zero = tile[slot(at)], total = zero;
  uint half_radix = radix / 2u;
  for (uint r = 0u; r < half_radix; ++r) {
    VEC a = tile[slot(at + (r + 1u) * apart)], b = tile[slot(at + (radix - 1u - r) * apart)];
    sums[r] = a + b;
    differences[r] = turned_back(a - b);
    total += sums[r];
  }
  tile[slot(at)] = total;
  for (uint q = 1u; q <= half_radix; ++q) {
    VEC even = zero, odd = VEC(0, 0);
    uint turns = 0u;
    for (uint r = 0u; r < half_radix; ++r) {
      turns += q;
      if (turns >= radix) turns -= radix;
      even += sums[r] * roots[first + turns].x;
      odd += differences[r] * roots[first + turns].y;
    }
    VEC a = even + odd, b = even - odd;
    if (apart > 1u) {
      a = product(a, turn(q * j, block));
      b = product(b, turn((radix - q) * j, block));
    }
    tile[slot(at + q * apart)] = a;
    tile[slot(at + (radix - q) * apart)] = b;
  }
}

// Where the number of frequency k lies: its digits, the first radix's least, from the other end.
uint place_of(uint k, uint length) {
  uint place = 0u, apart = length;
  for (uint radices = P_RADICES; radices != 0u; radices >>= 4) {
    uint radix = radices & 15u;
    apart /= radix;
    place += k % radix * apart;
    k /= radix;
  }
  return place;
}

void fourier_main() {
  uint i = gl_LocalInvocationIndex, length = P_SIZES & 0xffffu, rows = P_SIZES >> 16;
  uint first = (gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x) * rows;
  if (first >= P_ROWS) return;
  rows = min(rows, P_ROWS - first);
  uint count = rows * length;

  for (uint e = i; e < count; e += INVOCATIONS) {
    uint at = has(kAlongIn) ? e / length : e % rows, k = has(kAlongIn) ? e % length : e / rows;
    uvec4 row = row_of(first + at);
    tile[slot(at * length + k)] = taken(start_in(row), whole_in(row) + k * P_IN_BY);
  }

  uint block = length;
  for (uint radices = P_RADICES; radices != 0u; radices >>= 4) {
    barrier();
    uint radix = radices & 15u, apart = block / radix;
    for (uint b = i; b < count / radix; b += INVOCATIONS) {
      uint j = b % apart, at = b / apart * block + j;
      switch (radix) {
        case 2u: pass_2(at, apart, j, block); break;
        case 3u: pass_3(at, apart, j, block); break;
        case 4u: pass_4(at, apart, j, block); break;
        case 5u: pass_5(at, apart, j, block); break;
        case 8u: pass_8(at, apart, j, block); break;
        default: pass_odd(at, apart, j, block, radix, radix == 7u ? 0u : radix == 11u ? 7u : 18u);
      }
    }
    block = apart;
  }
  barrier();

  for (uint e = i; e < count; e += INVOCATIONS) {
    uint at = has(kAlongOut) ? e / length : e % rows, k = has(kAlongOut) ? e % length : e / rows;
    uvec4 row = row_of(first + at);
    VEC z = tile[slot(at * length + place_of(k, length))];
    if (P_TURN != 0u) z = product(z, turn(k * row.w, P_TURN));
    put(z, start_out(row), whole_out(row) + k * P_OUT_BY);
  }
}
