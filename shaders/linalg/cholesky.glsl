#extension GL_EXT_control_flow_attributes : require
// A = L L^H, from left to right in panels of columns, PANEL of them at a time. Until its turn an element has in |sums|
// the products that go off that of |a|, added in the order of columns. Only the lower triangle is read.
//
// A dispatch is a panel and what it takes off everything behind it. Each workgroup has TILE rows and TILE columns of
// that, and makes what it needs of the panel itself, the same numbers wherever they are made: rather than wait for a
// dispatch that did. Where one workgroup has all that is left it goes on to the end.

// The rows of a panel that a workgroup makes: those of its triangle, of its tile's rows and of its tile's columns.
const uint HEIGHT = PANEL + 2u * TILE, ACROSS = INVOCATIONS / PANEL, OWN = HEIGHT / ACROSS, QUARTER = TILE / 4u;

shared NUM strip[PANEL * HEIGHT];  // column by column
// Of the column whose turn it is and of the next one: sums without the products of the column before, elements of |a|.
shared NUM sums_of[2u * HEIGHT];
shared ELEMENT elements_of[2u * HEIGHT];

#if defined(ROUNDS_TO_F32) && !defined(COMPLEX)
// Products of floats are exact in double: contracted or not, the sum is the same.
double added(double sum, double x, double y) { return sum + x * y; }
float left(float of_a, double sum) { return of_a - float(sum); }

// Root and quotient are rounded once: a float's step and what it lacks, in double, where no part of them leaves the range. Not by fma,
// which some drivers round twice.
bool is_middling(float x) { return abs(x) > 8.0e-25 && abs(x) < 1.0e24; }
struct Divisor {
  float value, inverse;
};
Divisor root_of(float square) {
  float y = inversesqrt(square), x = square * y;
  x = float(double(x) + (double(square) - double(x) * double(x)) * double(0.5 * y));
  if (!is_middling(square)) x = square < 0.0 ? float(not_a_number()) : float(sqrt(double(square)));
  return Divisor(x, y + y * (1.0 - x * y));
}
float quotient(float x, Divisor by) {
  float y = x * by.inverse;
  y = float(double(y) + (double(x) - double(y) * double(by.value)) * double(by.inverse));
  return is_middling(x) && is_middling(by.value) ? y : float(double(x) / double(by.value));
}
#else
NUM added(NUM sum, NUM x, NUM y) { return plus(sum, times(x, y)); }
NUM left(ELEMENT of_a, NUM sum) { return rounded(minus(NUM(of_a), rounded(sum))); }
struct Divisor {
  PART value;
};
Divisor root_of(NUM square) {
  return Divisor(real(square) < PART(0) ? not_a_number() : PART(real(rounded(number(root(real(square)))))));
}
NUM quotient(NUM x, Divisor by) { return rounded(over_part(x, by.value)); }
#endif

// Which part of the matrix a workgroup has.
struct Part {
  uint first, from, to, row, column;
};

uint row_of(uint r, Part part) {
  if (r < PANEL) return part.from + r;
  return r < PANEL + TILE ? part.row + r - PANEL : part.column + r - PANEL - TILE;
}
bool has_row(uint r, Part part) {
  if (r < PANEL) return part.from + r < part.to;
  // The rows of a tile on the diagonal are its columns too.
  return row_of(r, part) < P_N && (r < PANEL + TILE || part.row != part.column);
}

// An invocation has every ACROSS-th row of a column in registers, and makes numbers of a row. While a column is made
// the products of the one before are added, so that there is one barrier for each; what is made adds those it needs
// itself.
void make_strip(Part part) {
  uint lane = gl_LocalInvocationIndex, c = lane % PANEL, across = lane / PANEL, width = part.to - part.from;
  NUM own[OWN];
  ELEMENT given[OWN];
  [[unroll]] for (uint k = 0u; k < OWN; ++k) {
    uint r = across + k * ACROSS, at = part.first + row_of(r, part) * P_N + part.from + c;
    bool there = c < width && has_row(r, part);
    own[k] = there && part.from > 0u ? sums[at] : number(PART(0));
    given[k] = there ? a[at] : ELEMENT(number(PART(0)));
  }
  if (c == 0u) {
    [[unroll]] for (uint k = 0u; k < OWN; ++k) {
      sums_of[across + k * ACROSS] = own[k];
      elements_of[across + k * ACROSS] = given[k];
    }
  }
  for (uint j = 0u; j < width; ++j) {
    barrier();
    uint column = part.from + j, now = j % 2u * HEIGHT, before = (j - 1u) * HEIGHT;
    NUM sum = sums_of[now + j], by = number(PART(0));
    if (j > 0u) {
      by = adjoint(strip[before + j]);
      sum = added(sum, strip[before + j], by);
    }
    Divisor diagonal = root_of(left(elements_of[now + j], sum));
    for (uint r = lane; r < HEIGHT; r += INVOCATIONS) {
      NUM x = number(PART(0));
      if (r == j) x = number(PART(diagonal.value));
      if (r > j && has_row(r, part)) {
        sum = sums_of[now + r];
        if (j > 0u) sum = added(sum, strip[before + r], by);
        x = NUM(quotient(left(elements_of[now + r], sum), diagonal));
      }
      strip[j * HEIGHT + r] = x;
      bool last = part.column == part.to && (r < PANEL ? part.row == part.to : r < PANEL + TILE);
      if (r >= j && last && has_row(r, part)) {
        uint row = row_of(r, part);
        l[part.first + row * P_N + column] = ELEMENT(x);
        if (row > column) l[part.first + column * P_N + row] = ELEMENT(number(PART(0)));
      }
    }
    if (j > 0u) {
      by = adjoint(strip[before + c]);
      [[unroll]] for (uint k = 0u; k < OWN; ++k) own[k] = added(own[k], strip[before + across + k * ACROSS], by);
    }
    if (c == j + 1u) {
      uint next = HEIGHT - now;
      [[unroll]] for (uint k = 0u; k < OWN; ++k) {
        sums_of[next + across + k * ACROSS] = own[k];
        elements_of[next + across + k * ACROSS] = given[k];
      }
    }
  }
  barrier();
}

// What the panel takes off the tile.
void take_off(Part part) {
  uint of_columns = part.row == part.column ? PANEL : PANEL + TILE;
  for (uint block = gl_LocalInvocationIndex; block < QUARTER * QUARTER; block += INVOCATIONS) {
    uint row = block / QUARTER, column = block % QUARTER;
    NUM sum[16];
    [[unroll]] for (uint e = 0u; e < 16u; ++e) {
      uint i = part.row + row + e / 4u * QUARTER, c = part.column + column + e % 4u * QUARTER;
      sum[e] = part.from > 0u && i < P_N && c <= i ? sums[part.first + i * P_N + c] : number(PART(0));
    }
    for (uint k = 0u; k < part.to - part.from; ++k) {
      uint of_x = k * HEIGHT + PANEL + row, of_y = k * HEIGHT + of_columns + column;
      NUM x[4], y[4];
      [[unroll]] for (uint e = 0u; e < 4u; ++e) {
        x[e] = strip[of_x + e * QUARTER];
        y[e] = adjoint(strip[of_y + e * QUARTER]);
      }
      [[unroll]] for (uint e = 0u; e < 16u; ++e) sum[e] = added(sum[e], x[e / 4u], y[e % 4u]);
    }
    [[unroll]] for (uint e = 0u; e < 16u; ++e) {
      uint i = part.row + row + e / 4u * QUARTER, c = part.column + column + e % 4u * QUARTER;
      if (i < P_N && c <= i) sums[part.first + i * P_N + c] = sum[e];
    }
  }
}

void cholesky() {
  uint tiles = (P_N - P_TO + TILE - 1u) / TILE, pairs = max(tiles * (tiles + 1u) / 2u, 1u);
  uint matrix = group_index() / pairs, column = group_index() % pairs, row = 0u;
  if (matrix >= P_COUNT) return;
  for (; column > row; ++row) column -= row + 1u;
  for (Part part = Part(matrix * P_N * P_N, P_FROM, P_TO, 0u, 0u); part.from < P_N; part.from = part.to) {
    part.to = min(part.from + PANEL, P_N);
    part.row = part.to + row * TILE;
    part.column = part.to + column * TILE;
    make_strip(part);
    take_off(part);
    if (pairs > 1u) return;
    meet();
  }
}
