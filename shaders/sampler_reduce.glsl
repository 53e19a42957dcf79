// Sums over the chains of a batch, block by block of them, for the host to add up: of each coordinate's distance from
// the centre and its square; of the acceptances, and of their inverses; of what they say of the path's length, and the
// divergences; of the mean acceptances. A workgroup takes one of these pairs of one block.

shared REAL2 lane_sums[LANES];

REAL2 pair_of(uint column, uint chain) {
  if (column < p_coordinates) {
    REAL apart = op_subtract(current[chain * p_chain_stride + column * p_place_stride], centre[column]);
    return REAL2(apart, op_multiply(apart, apart));
  }
  if (column == p_coordinates) {
    REAL chance = numbers[3u * p_batch + chain];
    return REAL2(chance, op_divide(REAL(1), max(chance, LEAST_ACCEPTANCE)));
  }
  if (column == p_coordinates + 1u)
    return REAL2(numbers[4u * p_batch + chain], REAL(divergences[chain]));
  return REAL2(numbers[2u * p_batch + chain], REAL(0));
}

void reduce_main() {
  uint group = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
  uint column = group / p_blocks, block = group % p_blocks;
  if (column >= p_columns) return;
  uint first = block * p_block, end = min(first + p_block, p_batch), lane = gl_LocalInvocationIndex;
  REAL2 own = REAL2(0);
  for (uint chain = first + lane; chain < end; chain += LANES) own += pair_of(p_column_first + column, chain);
  lane_sums[lane] = own;
  memoryBarrierShared();
  barrier();
  if (lane != 0u) return;
  REAL2 sum = REAL2(0);
  for (uint k = 0u; k < LANES; ++k) sum += lane_sums[k];
  uint to = 2u * (column * p_all_blocks + p_block_first + block);
  partials[to] = sum.x;
  partials[to + 1u] = sum.y;
}
