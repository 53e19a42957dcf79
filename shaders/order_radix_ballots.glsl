#extension GL_KHR_shader_subgroup_ballot : require
#extension GL_EXT_control_flow_attributes : require
// How a block is moved on a GPU. A subgroup has STEPS times its lanes of elements that follow each other, and takes
// those of a step side by side: ballots of a digit's bits say which lanes have the same one, and the count of those
// below, added to what the subgroup has met of the digit, is an element's rank in the subgroup (multi-split; Ashkiani
// et al. 2016). The counts of the subgroups make it a place in the block. In shared memory elements are put in order,
// so that neighbours write what lies side by side.
// The emitter defines SUBGROUP, of up to 64 lanes, and STEPS, which P_STEPS is too.

#define SUBGROUPS (INVOCATIONS / SUBGROUP)

shared uint met[SUBGROUPS * BINS];
shared uint starts[BINS];   // of a digit in the block
shared uint targets[BINS];  // where the block's first of a digit goes
shared KEY area[INVOCATIONS * STEPS];

#if SUBGROUP > 32
#define LANES uvec2
LANES ballot(bool says) { return subgroupBallot(says).xy; }
uint count_of(LANES lanes) { return uint(bitCount(lanes.x) + bitCount(lanes.y)); }
LANES lanes_below() { return gl_SubgroupLtMask.xy; }
#else
#define LANES uint
LANES ballot(bool says) { return subgroupBallot(says).x; }
uint count_of(LANES lanes) { return uint(bitCount(lanes)); }
LANES lanes_below() { return gl_SubgroupLtMask.x; }
#endif

// The lanes of |all| that have |digit|.
LANES lanes_of(uint digit, LANES all) {
  [[unroll]] for (uint bit = 0u; bit < LOG_BINS; ++bit) {
    bool set = (digit >> bit & 1u) != 0u;
    LANES having = ballot(set);
    all &= having ^ LANES(uint(set) - 1u);
  }
  return all;
}

// |starts| become the sums of the counts before each. One subgroup's work.
void add_starts(uint lane) {
  uint each = BINS / SUBGROUP, sum = 0u;
  for (uint b = lane * each; b < (lane + 1u) * each; ++b) sum += starts[b];
  uint before = sum;
  for (uint apart = 1u; apart < SUBGROUP; apart <<= 1u) {
    uint other = subgroupShuffle(before, lane >= apart ? lane - apart : lane);
    if (lane >= apart) before += other;
  }
  before -= sum;
  for (uint b = lane * each; b < (lane + 1u) * each; ++b) {
    uint here = starts[b];
    starts[b] = before;
    targets[b] -= before;
    before += here;
  }
}

void move_block(uint row, uint block, uint first, uint count) {
  uint lane = gl_SubgroupInvocationID, i = gl_SubgroupID * SUBGROUP + lane, of_subgroup = gl_SubgroupID * BINS;
  for (uint b = i; b < SUBGROUPS * BINS; b += INVOCATIONS) met[b] = 0u;
  for (uint b = i; b < BINS; b += INVOCATIONS) targets[b] = offsets[offset_at(row, b, block)];
  KEY bits[STEPS];
  uint places[STEPS];
  uint own = gl_SubgroupID * SUBGROUP * STEPS + lane;
  // What lies behind the block is read and left alone.
  [[unroll]] for (uint k = 0u; k < STEPS; ++k) bits[k] = bits_at(row, first + own + k * SUBGROUP);
  barrier();
  [[unroll]] for (uint k = 0u; k < STEPS; ++k) {
    bool is_there = own + k * SUBGROUP < count;
    uint digit = digit_of(bits[k]);
    LANES same = lanes_of(digit, ballot(is_there));
    uint below = count_of(same & lanes_below()), before = met[of_subgroup + digit];
    subgroupBarrier();
    if (is_there && below == 0u) met[of_subgroup + digit] = before + count_of(same);
    subgroupBarrier();
    places[k] = before + below;
  }
  barrier();
  for (uint b = i; b < BINS; b += INVOCATIONS) {
    uint sum = 0u;
    for (uint s = 0u; s < SUBGROUPS; ++s) {
      uint here = met[s * BINS + b];
      met[s * BINS + b] = sum;
      sum += here;
    }
    starts[b] = sum;
  }
  barrier();
  if (gl_SubgroupID == 0u) add_starts(lane);
  barrier();
  [[unroll]] for (uint k = 0u; k < STEPS; ++k) {
    uint digit = digit_of(bits[k]);
    places[k] += starts[digit] + met[of_subgroup + digit];
    if (own + k * SUBGROUP < count) area[places[k]] = bits[k];
  }
  barrier();
  uint to[STEPS];
  [[unroll]] for (uint k = 0u; k < STEPS; ++k) {
    uint place = k * INVOCATIONS + i;
    if (place < count) {
      KEY here = area[place];
      to[k] = targets[digit_of(here)] + place;
      put_bits(row, to[k], here);
    }
  }
#if defined(PLACES)
  barrier();
  [[unroll]] for (uint k = 0u; k < STEPS; ++k) {
    uint place = own + k * SUBGROUP;
    if (place < count) area[places[k]] = KEY(index_at(row, first + place));
  }
  barrier();
  [[unroll]] for (uint k = 0u; k < STEPS; ++k) {
    uint place = k * INVOCATIONS + i;
    if (place < count) put_index(row, to[k], uint(area[place]));
  }
#endif
}
