// A draw of every chain: its position, in the space where the variables live, goes to the draws of up to four
// variables and into the running moments. One invocation for each number.

// Only what some variable has is there: a software driver computes every branch.
REAL transformed(uint transform, REAL u) {
#ifdef HAS_EXP
  if (transform == 1u) return m_exp(u);
#endif
#ifdef HAS_SOFTPLUS
  if (transform == 2u) return m_softplus(u);
#endif
#ifdef HAS_SIGMOID
  if (transform == 3u) return m_sigmoid(u);
#endif
  return u;
}

// Welford's way: |p_count| numbers with this one, of each its distance from the chain's first, which is small where the
// numbers are large and close together: f32 has a digit after the point of 1e6, and means move by less.
void add_moment(uint at, REAL draw) {
  uint mean_at = 2u * p_half * p_moment_size + at, m2_at = mean_at + p_moment_size;
  uint first_at = FIRST_DRAW_ARRAY * p_moment_size + at;
  if (p_half == 0u && p_count == 1u) moments[first_at] = draw;
  REAL x = op_subtract(draw, moments[first_at]);
  REAL mean = p_count == 1u ? REAL(0) : moments[mean_at];
  REAL m2 = p_count == 1u ? REAL(0) : moments[m2_at];
  REAL apart = op_subtract(x, mean);
  mean = op_add(mean, op_multiply(apart, SHARE));
  moments[mean_at] = mean;
  moments[m2_at] = op_add(m2, op_multiply(apart, op_subtract(x, mean)));
}

void keep_main() {
  uint group = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
  uint id = group * gl_WorkGroupSize.x + gl_LocalInvocationIndex;
  uint size = p_end3 - p_first;
  if (id >= size * p_batch) return;
  // Neighbours in memory are neighbours here.
  uint chain = p_place_stride == 1u ? id / size : id % p_batch;
  uint place = p_first + (p_place_stride == 1u ? id % size : id / p_batch);
  uint from = chain * p_chain_stride + place * p_place_stride;
  REAL u = source[p_source + from];
  if (p_from_first != 0u) u = op_add(source[FIRST_DRAW_ARRAY * p_moment_size + from], u);
  uint v = (place >= p_end0 ? 1u : 0u) + (place >= p_end1 ? 1u : 0u) + (place >= p_end2 ? 1u : 0u);
  REAL x = transformed((p_transforms >> (8u * v)) & 255u, u);
  uint row = chain * p_draws + p_draw;
  if (p_kept != 0u) {
    if (v == 0u) draws0[row * (p_end0 - p_first) + place - p_first] = x;
    else if (v == 1u) draws1[row * (p_end1 - p_end0) + place - p_end0] = x;
    else if (v == 2u) draws2[row * (p_end2 - p_end1) + place - p_end1] = x;
    else draws3[row * (p_end3 - p_end2) + place - p_end2] = x;
    if (p_of_chains != 0u && place == p_first) {
      logp[row] = numbers[p_batch + chain];
      energy[row] = numbers[6u * p_batch + chain];
      diverged[row] = uint8_t(counts[2u * p_batch + chain]);
    }
  }
  if (p_last != 0u && p_of_chains != 0u && place == p_first)
    never_moved[chain] = uint8_t(counts[p_batch + chain] == 0u ? 1 : 0);
  if (p_count != 0u) add_moment(p_place_stride == 1u ? chain * p_coordinates + place : place * p_batch + chain, x);
}
