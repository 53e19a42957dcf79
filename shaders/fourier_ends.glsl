// How numbers come to a pass of Fourier transforms, and how they go. The emitter defines REAL and VEC (two REALs), the
// P_* parameters, LOAD(i), which is element i of the source, STORE(i, z), EPS, divided(z) and scaled(z). IN_TABLE,
// OUT_TABLE: numbers are multiplied by a table as they come or go. MIRRORED: the source has the first half of the
// numbers that the rest mirrors. MAY_DIVIDE: what they are divided by need not be a power of two.
//
// Rows are counted in four dimensions, the last fastest. Positions are modulo 2^32, so strides may be negative.

const uint kConjugateIn = 1u, kConjugateOut = 2u, kConjugateLast = 4u, kAlongIn = 8u, kAlongOut = 16u, kDivided = 32u,
           kScaled = 64u;

bool has(uint flag) { return (P_FLAGS & flag) != 0u; }

VEC conjugated(VEC z) { return VEC(z.x, -z.y); }
VEC turned_back(VEC z) { return VEC(z.y, -z.x); }  // by a quarter: -i z

void radix_4(inout VEC a, inout VEC b, inout VEC c, inout VEC d) {
  VEC p = a + c, q = a - c, r = b + d, s = turned_back(b - d);
  a = p + r;
  b = q + s;
  c = p - r;
  d = q - s;
}

uint digit(inout uint at, uint size) {
  if (size == 1u) return 0u;
  uint rest = at;
  if (at < size) {
    at = 0u;
  } else {
    at /= size;
    rest -= at * size;
  }
  return rest;
}

uvec4 row_of(uint at) {
  uint at3 = digit(at, P_SIZE3), at2 = digit(at, P_SIZE2), at1 = digit(at, P_SIZE1);
  return uvec4(at, at1, at2, at3);
}

// Where number 0 of a row's transform lies, and which of its numbers the row's number 0 is.
uint start_in(uvec4 row) { return P_IN_FIRST + row.x * P_IN0 + row.y * P_IN1 + row.z * P_IN2 + row.w * P_IN3; }
uint start_out(uvec4 row) { return P_OUT_FIRST + row.x * P_OUT0 + row.y * P_OUT1 + row.z * P_OUT2 + row.w * P_OUT3; }
uint whole_in(uvec4 row) { return row.w * P_IN_BY3; }
uint whole_out(uvec4 row) { return row.z * P_OUT_BY2 + row.w * P_OUT_BY3; }

VEC loaded(uint place) { return LOAD(place); }
void stored(VEC z, uint place) { STORE(place, z); }

// Number |whole| of a transform. What is not there is read elsewhere and cleared: so loads wait for no branch, nor for
// each other.
VEC taken(uint start, uint whole) {
  uint from = whole;
  bool conjugate = has(kConjugateIn);
#if defined(MIRRORED)
  if (2u * whole > P_LENGTH) {
    from = whole < P_LENGTH ? P_LENGTH - whole : P_IN_COUNT;
    conjugate = !conjugate;
  }
#endif
  bool there = from < P_IN_COUNT;
  uint place = start + mix(0u, from, there) * P_IN_STEP;
  VEC z = loaded(place);
  z.y = mix(z.y, -z.y, conjugate);
#if defined(IN_TABLE)
  z = product(z, in_table[whole]);
#endif
  return mix(VEC(0, 0), z, bvec2(there));
}

VEC cleared(VEC z) { return mix(z, VEC(0, 0), lessThanEqual(abs(z), VEC(EPS, EPS))); }

void put(VEC z, uint start, uint whole) {
  if (whole >= P_OUT_COUNT) return;
  z.y = mix(z.y, -z.y, has(kConjugateOut));
#if defined(OUT_TABLE)
  z = product(z, out_table[whole]);
  z.y = mix(z.y, -z.y, has(kConjugateLast));
#endif
#if defined(MAY_DIVIDE)
  if (has(kDivided))
    z = divided(z);
  else
#endif
    z = scaled(z);
  stored(cleared(z), start + whole * P_OUT_STEP);
}
