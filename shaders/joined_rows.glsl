// Rows that are made of pieces, a UNIT after the other; neighbouring invocations move neighbours, each UNITS of them, so
// that several are on their way at once.
//
// The emitter defines UNIT, UNITS, INVOCATIONS and the P_* parameters and writes the functions declared here.

UNIT unit_at(uint row, uint at);
void put_unit(uint place, UNIT unit);

void join_main() {
  uint group = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
  uint first = group * INVOCATIONS * UNITS + gl_LocalInvocationIndex;
  UNIT units[UNITS];
  uint places[UNITS];
  for (uint k = 0u; k < UNITS; ++k) {
    uint i = min(first + k * INVOCATIONS, P_COUNT - 1u), row = i / P_ROW, at = i - row * P_ROW;
    units[k] = unit_at(row, at);
    places[k] = P_START + row * P_STEP + at;
  }
  for (uint k = 0u; k < UNITS; ++k)
    if (first + k * INVOCATIONS < P_COUNT) put_unit(places[k], units[k]);
}
