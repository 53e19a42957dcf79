// The skeleton of every scan: the Acc of all positions of a line up to each.
//
// A line is scanned in segments of P_STEPS positions for each of `lanes` invocations, and a workgroup has as many lines
// side by side as its invocations make. P_MODE is log2 of lanes, plus 32 where lanes run innermost, as in a reduction.
// Each lane first adds up its positions, the lanes of a line are scanned (scan_lanes.glsl), then each goes over its
// positions again. Every line is added in one order, so the same operands always give the same bits.
//
// The emitter defines INVOCATIONS and the P_* parameters and writes the functions declared here. TOTALS: only the Acc
// of each segment is wanted. CARRIES: what lies before a segment is known. EXCLUSIVE: up to each position, without it.

void take(inout Acc acc, uint line, uint position);
#if defined(TOTALS)
void put_total(uint line, uint segment, Acc acc);
#else
void put(uint line, uint position, Acc acc);
#endif
#if defined(CARRIES)
Acc carried(uint line, uint segment);
#endif

void scan_main() {
  uint log_lanes = P_MODE & 31u, lanes = 1u << log_lanes, width = INVOCATIONS >> log_lanes;
  bool rows = P_MODE >= 32u;
  uint group = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
  uint first_line = group / P_SEGMENTS * width, segment = group % P_SEGMENTS;
  if (first_line >= P_LINES) return;
  uint i = gl_LocalInvocationIndex;
  uint lane = rows ? i & (lanes - 1u) : i / width;
  uint line = first_line + (rows ? i >> log_lanes : i % width);
  uint neighbour = rows ? 1u : width;
  uint first = min((segment << log_lanes) * P_STEPS + lane * P_STEPS, P_COUNT);
  uint end = line < P_LINES ? min(first + P_STEPS, P_COUNT) : first;

  Acc acc = acc_identity(), before = acc_identity();
#if !defined(TOTALS)
  if (lanes > 1u)
#endif
  {
    for (uint position = first; position < end; ++position) take(acc, line, position);
    before = lanes_before(acc, i, lane, lanes, neighbour);
  }
#if defined(TOTALS)
  if (lane == lanes - 1u && line < P_LINES) put_total(line, segment, acc);
#else
#if defined(CARRIES)
  if (line < P_LINES) before = acc_merge(carried(line, segment), before);
#endif
  acc = before;
  for (uint position = first; position < end; ++position) {
#if defined(EXCLUSIVE)
    Acc so_far = acc;
    take(acc, line, position);
    put(line, position, so_far);
#else
    take(acc, line, position);
    put(line, position, acc);
#endif
  }
#endif
}
