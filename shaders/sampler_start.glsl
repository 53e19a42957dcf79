// Where chains start when nobody says: each coordinate uniform in [-2, 2), and drawn again where the chain was found to
// have no finite density there. One invocation for each number of the positions, chain after chain.

void start_main() {
  uint group = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
  uint id = group * gl_WorkGroupSize.x + gl_LocalInvocationIndex;
  if (id >= p_coordinates * p_batch) return;
  uint chain = id / p_coordinates, i = id % p_coordinates;
  if (p_attempt != 0u && counts[chain] != p_attempt) return;
  uvec2 key = chain_key(uvec2(p_seed_low, p_seed_high), p_batch_first + chain);
  uvec2 bits = threefry(key, uvec2(kStartIteration - p_attempt, i / 2u));
  position[id] = op_subtract(op_multiply(REAL(4), uniform_number((i & 1u) == 0u ? bits.x : bits.y)), REAL(2));
}
