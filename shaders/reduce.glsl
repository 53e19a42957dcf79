// The skeleton of every reduction: sum to any, argmax, and dots too thin for tiles.
//
// Invocations are seated as reduce_table.glsl says. gl_WorkGroupID.z is the part of the reduction; with more than one part the result is an Acc per part and output,
// which a second pass reduces.
//
// The emitter defines P_COUNT and P_CHUNK, OFFSETS (a position per input), ELEMENT and
// WALK_RANK (axes reduced, after merging; 0: no elements at all) and ROUND (loads in flight, 2 or 4); it writes the
// functions declared here. An ELEMENT may be four neighbours, which positions then count as one.

#if WALK_RANK > 0
ELEMENT fetch(OFFSETS at);
void take(inout Acc acc, ELEMENT x, uint position);
OFFSETS kept_offsets(uint output_index);
#endif
void put(uint part, uint output_index, Acc acc);
#if WALK_RANK == 1
OFFSETS walk_linear(uint position);
#elif WALK_RANK > 1
// A position as an index per axis, so that a step needs no division.
struct Walk {
  uint at[WALK_RANK];
};
Walk walk_start(uint position);
void walk_step(inout Walk walk);
OFFSETS walk_offsets(Walk walk);
#endif

#if WALK_RANK > 0
Acc reduce_part(OFFSETS base, uint first, uint end, uint lanes) {
  Acc acc = acc_identity();
#if WALK_RANK == 1
  // Several loads are in flight together; those beyond the end repeat the last element and are not taken.
  uint last = end - 1u;
  for (uint r = first; r < end; r += ROUND * lanes) {
    uint r1 = r + lanes;
    ELEMENT x0 = fetch(base + walk_linear(r)), x1 = fetch(base + walk_linear(min(r1, last)));
#if ROUND > 2
    uint r2 = r1 + lanes, r3 = r2 + lanes;
    ELEMENT x2 = fetch(base + walk_linear(min(r2, last))), x3 = fetch(base + walk_linear(min(r3, last)));
#endif
    take(acc, x0, r);
    if (r1 < end) take(acc, x1, r1);
#if ROUND > 2
    if (r2 < end) take(acc, x2, r2);
    if (r3 < end) take(acc, x3, r3);
#endif
  }
  return acc;
#else
  Walk walk = walk_start(first);
  for (uint r = first; r < end; r += lanes) {
    take(acc, fetch(base + walk_offsets(walk)), r);
    walk_step(walk);
  }
  return acc;
#endif
}
#endif

void reduce_main() {
  Seat seat = find_seat();
  Acc acc = acc_identity();
#if WALK_RANK > 0
  if (seat.inside) {
    uint begin = gl_WorkGroupID.z * P_CHUNK;
    acc = reduce_part(kept_offsets(seat.output_index), begin + seat.lane, min(begin + P_CHUNK, P_COUNT), seat.lanes);
  }
#endif
  acc = acc_tree(acc, seat);
  if (seat.inside && seat.lane == 0u) put(gl_WorkGroupID.z, seat.output_index, acc);
}
