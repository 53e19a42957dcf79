// The skeleton of scans of long lines on a GPU: what scan.glsl does with a line for each workgroup, by tiles of TILE
// positions for each invocation. Neighbours in a workgroup read and write what lies side by side, and each adds up
// positions that follow each other in shared memory, where one in TILE places is left free for the sake of its banks.
// Every line is added in one order here too: totals by lanes that take turns, the others as scan.glsl has them.
//
// The emitter writes the functions declared here. TOTALS and CARRIES: as in scan.glsl.

VALUE element_at(uint line, uint position);
#if defined(TOTALS)
void put_total(uint line, uint segment, Acc acc);
#else
void put_at(uint line, uint position, VALUE value);
shared VALUE tile[INVOCATIONS * (TILE + 1u)];
uint slot(uint place) { return place + place / TILE; }
#endif
#if defined(CARRIES)
Acc carried(uint line, uint segment);
#endif

shared Acc shared_acc[INVOCATIONS];

void scan_main() {
  uint group = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
  uint line = group / P_SEGMENTS, segment = group % P_SEGMENTS;
  if (line >= P_LINES) return;
  uint i = gl_LocalInvocationIndex;
  uint first = segment * INVOCATIONS * P_STEPS, end = min(first + INVOCATIONS * P_STEPS, P_COUNT);
#if defined(TOTALS)
  Acc acc = acc_identity();
  for (uint position = first + i; position < end; position += INVOCATIONS)
    acc_add(acc, element_at(line, position), position);
  shared_acc[i] = acc;
  for (uint apart = INVOCATIONS / 2u; apart > 0u; apart >>= 1u) {
    barrier();
    if (i < apart) {
      acc = acc_merge(acc, shared_acc[i + apart]);
      shared_acc[i] = acc;
    }
  }
  if (i == 0u) put_total(line, segment, acc);
#else
  Acc before = acc_identity();
#if defined(CARRIES)
  before = carried(line, segment);
#endif
  for (uint base = first; base < end; base += INVOCATIONS * TILE) {
    uint count = min(end - base, INVOCATIONS * TILE);
    for (uint place = i; place < count; place += INVOCATIONS) tile[slot(place)] = element_at(line, base + place);
    barrier();
    uint own = min(i * TILE, count), own_end = min(own + TILE, count);
    Acc acc = acc_identity();
    for (uint place = own; place < own_end; ++place) acc_add(acc, tile[slot(place)], base + place);
    shared_acc[i] = acc;
    for (uint apart = 1u; apart < INVOCATIONS; apart <<= 1u) {
      barrier();
      if (i >= apart) acc = acc_merge(shared_acc[i - apart], acc);
      barrier();
      shared_acc[i] = acc;
    }
    barrier();
    acc = i > 0u ? acc_merge(before, shared_acc[i - 1u]) : before;
    before = acc_merge(before, shared_acc[INVOCATIONS - 1u]);
    for (uint place = own; place < own_end; ++place) {
      acc_add(acc, tile[slot(place)], base + place);
      tile[slot(place)] = acc_result(acc);
    }
    barrier();
    for (uint place = i; place < count; place += INVOCATIONS) put_at(line, base + place, tile[slot(place)]);
    barrier();
  }
#endif
}
