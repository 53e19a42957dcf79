// Whether chains have a finite density, with a finite gradient, where they start: how many have not, and the first of
// them. |counts| marks those with the number of the attempt, counted from 1. One invocation for each number of the
// positions.

bool finite(REAL x) { return !is_nan(x) && !is_infinity(x); }

void check_main() {
  uint group = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
  uint id = group * gl_WorkGroupSize.x + gl_LocalInvocationIndex;
  if (id >= p_coordinates * p_batch) return;
  // Neighbours in memory are neighbours here.
  uint chain = p_place_stride == 1u ? id / p_coordinates : id % p_batch;
  uint i = p_place_stride == 1u ? id % p_coordinates : id / p_batch;
  uint first = chain * p_chain_stride;
  bool sound = finite(state[first + i * p_place_stride]) &&
               finite(state[first + (2u * p_coordinates + i) * p_place_stride]) &&
               (i != 0u || finite(state[first + p_logp_slot * p_place_stride]));
  if (sound || atomicExchange(counts[chain], p_attempt + 1u) == p_attempt + 1u) return;
  atomicAdd(found[0], 1u);
  // Of the complement, so that both begin as zeros.
  atomicMax(found[1], ~(p_batch_first + chain));
}
