// Sums over the chains of a batch, each |p_blocks|-th of them, for the host to add up: of each coordinate's distance from
// the centre and its square; of the acceptances, and of their inverses; of what they say of the path's length, and the
// divergences; of the mean acceptances. One invocation for each such pair of sums.

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
  uint id = group * LANES + gl_LocalInvocationIndex;
  if (id >= p_columns * p_blocks) return;
  // Neighbours in memory are neighbours here.
  uint column = p_place_stride == 1u ? id % p_columns : id / p_blocks;
  uint block = p_place_stride == 1u ? id / p_columns : id % p_blocks;
  REAL2 sum = REAL2(0);
  for (uint chain = block; chain < p_batch; chain += p_blocks) sum += pair_of(p_column_first + column, chain);
  uint to = 2u * (column * p_all_blocks + p_block_first + block);
  partials[to] = sum.x;
  partials[to + 1u] = sum.y;
}
