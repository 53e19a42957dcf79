// Sums over the chains of a batch, each |p_blocks|-th of them, for the host to add up. One invocation for each pair of
// sums. Scales and the path's length are learned of chains that have moved of late: one that cannot move says nothing
// of where the others are.

REAL rest(uint chain) { return numbers[5u * p_batch + chain]; }
bool has_own_steps(uint chain) { return counts[3u * p_batch + chain] >> 8u != 0u; }
// It has not moved of late, or since the start that was not of late.
bool rests(uint chain) { return rest(chain) >= REAL(p_rest_limit); }
bool counts_here(uint chain) { return rest(chain) >= REAL(0) && !rests(chain) && !has_own_steps(chain); }

// Of each coordinate: its distance from the centre, and that squared. Then: the acceptance, and its inverse; what it
// says of the path's length, and its weight in that; the mean acceptance of the phase, and whether the last is above
// the target; whether the chain counts, and whether it has not moved in the phase; the inverse where it does not rest,
// and whether that is so; of those, whether its steps are its own, and the inverse where they are.
REAL2 pair_of(uint column, uint chain) {
  REAL chance = numbers[3u * p_batch + chain];
  if (column < p_coordinates) {
    if (!counts_here(chain)) return REAL2(0);
    REAL apart = op_subtract(current[chain * p_chain_stride + column * p_place_stride], centre[column]);
    return REAL2(apart, op_multiply(apart, apart));
  }
  uint which = column - p_coordinates;
  REAL inverse = op_divide(REAL(1), max(chance, LEAST_ACCEPTANCE));
  if (which == 0u) return REAL2(chance, inverse);
  if (which == 1u) return counts_here(chain) ? REAL2(numbers[4u * p_batch + chain], chance) : REAL2(0);
  if (which == 2u) return REAL2(numbers[2u * p_batch + chain], chance > REAL(uintBitsToFloat(p_target)) ? 1 : 0);
  if (which == 3u) return REAL2(counts_here(chain) ? 1 : 0, counts[p_batch + chain] == 0u ? 1 : 0);
  if (which == 4u) return rests(chain) ? REAL2(0) : REAL2(inverse, REAL(1));
  return has_own_steps(chain) && !rests(chain) ? REAL2(REAL(1), inverse) : REAL2(0);
}

// Divergences, in two halves of 16 bits, so that floats hold them.
REAL2 divergences(uint block) {
  uint sum = 0u;
  for (uint chain = block; chain < p_batch; chain += p_blocks) sum += counts[chain];
  return REAL2(sum & 0xffffu, sum >> 16);
}

void reduce_main() {
  uint group = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
  uint id = group * LANES + gl_LocalInvocationIndex;
  if (id >= p_columns * p_blocks) return;
  // Neighbours in memory are neighbours here.
  uint column = p_place_stride == 1u ? id % p_columns : id / p_blocks;
  uint block = p_place_stride == 1u ? id / p_columns : id % p_blocks;
  REAL2 sum = REAL2(0);
  if (p_column_first + column == p_coordinates + DIVERGENCE_COLUMN) sum = divergences(block);
  else
    for (uint chain = block; chain < p_batch; chain += p_blocks) sum += pair_of(p_column_first + column, chain);
  uint to = 2u * (column * p_all_blocks + p_block_first + block);
  partials[to] = sum.x;
  partials[to + 1u] = sum.y;
}
