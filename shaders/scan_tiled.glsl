// The skeleton of scans of long lines on a GPU: what scan.glsl does with a line for each workgroup, by tiles of 4 * QUADS
// positions for each invocation. Neighbours in a workgroup read and write quads of positions that lie side by side; in
// between each goes over positions that follow each other, in shared memory, where one in nine places is left free for
// the sake of its banks. Every line is added in one order here too.
//
// The emitter writes the functions declared here; VALUES are four. TOTALS and CARRIES: as in scan.glsl.

// Behind the end of a line are values that change no Acc, and nothing is put.
VALUES quad_at(uint line, uint position);
#if defined(TOTALS)
void put_total(uint line, uint segment, Acc acc);
#else
void put_quad(uint line, uint position, VALUES values);
shared VALUES tile[(QUADS * INVOCATIONS / 8u) * 9u];
shared Acc shared_before;
uint slot(uint quad) { return quad + quad / 8u; }
#endif
#if defined(CARRIES)
Acc carried(uint line, uint segment);
#endif

// Written out, since not every driver unrolls loops over arrays, and several quads are to be on their way at once.
#if QUADS == 4
#define EACH_QUAD(DO) DO(0u) DO(1u) DO(2u) DO(3u)
#elif QUADS == 2
#define EACH_QUAD(DO) DO(0u) DO(1u)
#else
#define EACH_QUAD(DO) DO(0u)
#endif

void take_quad(inout Acc acc, VALUES values) {
  acc_add(acc, values[0], 0u);
  acc_add(acc, values[1], 0u);
  acc_add(acc, values[2], 0u);
  acc_add(acc, values[3], 0u);
}

#if defined(TOTALS)
void scan_segment(uint line, uint segment, uint first, uint end) {
  Acc acc = acc_identity();
  for (uint base = first; base < end; base += INVOCATIONS * QUADS * 4u) {
    VALUES values[QUADS];
#define LOAD(k) values[k] = quad_at(line, base + (k * INVOCATIONS + LANE) * 4u);
    EACH_QUAD(LOAD)
#define TAKE(k) take_quad(acc, values[k]);
    EACH_QUAD(TAKE)
  }
  lanes_before(acc);
  if (LANE == INVOCATIONS - 1u) put_total(line, segment, acc);
}
#else
VALUES results_of(inout Acc acc, VALUES values) {
  acc_add(acc, values[0], 0u);
  values[0] = acc_result(acc);
  acc_add(acc, values[1], 0u);
  values[1] = acc_result(acc);
  acc_add(acc, values[2], 0u);
  values[2] = acc_result(acc);
  acc_add(acc, values[3], 0u);
  values[3] = acc_result(acc);
  return values;
}

void scan_segment(uint line, uint segment, uint first, uint end) {
  uint lane = LANE;
  Acc before = acc_identity();
#if defined(CARRIES)
  before = carried(line, segment);
#endif
  for (uint base = first; base < end; base += INVOCATIONS * QUADS * 4u) {
    VALUES values[QUADS];
#define LOAD(k) values[k] = quad_at(line, base + (k * INVOCATIONS + lane) * 4u);
    EACH_QUAD(LOAD)
#define KEEP(k) tile[slot(k * INVOCATIONS + lane)] = values[k];
    EACH_QUAD(KEEP)
    barrier();
    Acc acc = acc_identity();
#define TAKE(k) take_quad(acc, tile[slot(lane * QUADS + k)]);
    EACH_QUAD(TAKE)
    Acc within = lanes_before(acc);
    if (lane == INVOCATIONS - 1u) shared_before = acc_merge(before, acc);
    acc = acc_merge(before, within);
#define SCAN(k) tile[slot(lane * QUADS + k)] = results_of(acc, tile[slot(lane * QUADS + k)]);
    EACH_QUAD(SCAN)
    barrier();
#define PUT(k) put_quad(line, base + (k * INVOCATIONS + lane) * 4u, tile[slot(k * INVOCATIONS + lane)]);
    EACH_QUAD(PUT)
    before = shared_before;
    barrier();
  }
}
#endif

void scan_main() {
  uint group = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
  uint line = group / P_SEGMENTS, segment = group % P_SEGMENTS;
  if (line >= P_LINES) return;
  uint first = segment * INVOCATIONS * P_STEPS;
  scan_segment(line, segment, first, min(first + INVOCATIONS * P_STEPS, P_COUNT));
}
