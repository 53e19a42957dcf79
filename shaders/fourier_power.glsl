// A pass over rows whose length is a power of two, whose main is written out (kernels/fourier/power_text.h): AROUND
// invocations have a row, TOGETHER rows are a workgroup's. Rows are exchanged in TILE numbers of shared memory, none
// where one invocation has a row; with HALVES these are parts of numbers.

#if defined(HALVES)
shared REAL tile[TILE];
#elif defined(TILE)
shared VEC tile[TILE];
#endif

// Which row of the workgroup's the invocation has, and where in it: neighbours of one row or of neighbouring rows.
uvec2 place_of(bool along) {
  uint i = gl_LocalInvocationIndex;
  return along ? uvec2(i / AROUND, i % AROUND) : uvec2(i % TOGETHER, i / TOGETHER);
}

void radix_2(inout VEC a, inout VEC b) {
  VEC difference = a - b;
  a += b;
  b = difference;
}
