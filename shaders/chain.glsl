// The leapfrog skeleton: K steps of Hamiltonian dynamics for many chains. The emitter writes evaluate(): the log
// density and its gradient at the coordinates of the state, stage by stage.
//
// The state holds for each chain its coordinates, momenta, gradient, and what stages keep. One invocation runs a chain
// (CHAIN_PER_THREAD), neighbours in the state side by side; or a subgroup does (CHAIN_PER_SUBGROUP), several in a
// workgroup; or a workgroup does, LANES places at a time. A dispatch runs rounds p_round_first to p_round_end: round 0
// loads the state and evaluates, round k > 0 is step k - 1. It may be less than a round: some of its stages, of those
// some of their places.
//
// A sum is that of LANES strided parts, which are added FAN at a time, in any mapping.

void evaluate();

uint chain;  // in the batch

#ifdef CHAIN_PER_THREAD
#define LANE_STEP 1u
uint lane() { return 0u; }
uint at(uint place) { return place * p_batch + chain; }
void settle() {}

#elif defined(CHAIN_PER_SUBGROUP)
#define LANE_STEP SUBGROUP
uint lane() { return gl_SubgroupInvocationID; }
uint at(uint place) { return chain * p_chain_slots + place; }
// What an invocation has stored in a coherent buffer, the others see.
void settle() { subgroupBarrier(); }

// Adds the parts of all invocations, in their order, to a branch of FAN, and finished branches to the total. |next| is
// the first part that is still to come, |parts| how many there are.
void add_parts(inout REAL total, inout REAL branch, REAL part, uint next, uint parts) {
#ifdef BRANCH_OF_SUBGROUPS
  for (uint k = 0u; k < SUBGROUP; ++k) branch = op_add(branch, subgroupShuffle(part, k));
  if (next % FAN != 0u && next < parts) return;
  total = op_add(total, branch);
  branch = REAL(0);
#else
  uint first = lane() / FAN * FAN;
  branch = REAL(0);
  for (uint k = 0u; k < FAN; ++k) branch = op_add(branch, subgroupShuffle(part, first + k));
  for (uint k = 0u; k < SUBGROUP; k += FAN) total = op_add(total, subgroupShuffle(branch, k));
#endif
}

#else
#define LANE_STEP LANES
uint lane() { return gl_LocalInvocationIndex; }
uint at(uint place) { return chain * p_chain_slots + place; }
// What a lane has stored, the others see.
void settle() {
  memoryBarrierBuffer();
  barrier();
}

shared REAL lane_sums[SUMS * LANES];
shared REAL branch_sums[SUMS * LANES / FAN];

// Adds lane_sums up to branch_sums; total_of() is theirs.
void add_lanes(uint sums) {
  memoryBarrierShared();
  barrier();
  const uint branches = LANES / FAN;
  for (uint i = lane(); i < sums * branches; i += LANES) {
    REAL sum = REAL(0);
    for (uint k = 0u; k < FAN; ++k) sum = op_add(sum, lane_sums[i * FAN + k]);
    branch_sums[i] = sum;
  }
  memoryBarrierShared();
  barrier();
}

REAL total_of(uint index) {
  REAL sum = REAL(0);
  for (uint k = 0u; k < LANES / FAN; ++k) sum = op_add(sum, branch_sums[index * (LANES / FAN) + k]);
  return sum;
}
#endif

#define STATE(place) state[at(place)]

bool runs(uint stage) { return p_stage_first <= stage && stage < p_stage_end; }

void load() {
  uint from = (p_batch_first + chain) * p_coordinates;
  uint end = min(p_coordinates, p_end);
  for (uint i = p_begin + lane(); i < end; i += LANE_STEP) {
    STATE(i) = position[from + i];
    STATE(p_coordinates + i) = momentum[from + i];
  }
}

// Half a step of the momentum, a step of the coordinates.
void advance() {
  uint number = p_batch_first + chain;
  REAL size = step_size[number * p_step_stride], half_size = op_multiply(REAL(0.5), size);
  uint end = min(p_coordinates, p_end);
  for (uint i = p_begin + lane(); i < end; i += LANE_STEP) {
    REAL p = op_add(STATE(p_coordinates + i), op_multiply(half_size, STATE(2u * p_coordinates + i)));
    STATE(p_coordinates + i) = p;
    REAL velocity = op_multiply(op_multiply(size, inverse_mass[number * p_mass_stride + i]), p);
    STATE(i) = op_add(STATE(i), velocity);
  }
}

// The other half of the momentum's step; what the round is wanted for.
void finish(uint round_index) {
  uint number = p_batch_first + chain;
  REAL half_size = op_multiply(REAL(0.5), step_size[number * p_step_stride]);
  bool wanted = p_rows > 1u || round_index == p_last;
  uint row = number * p_rows + (p_rows > 1u ? round_index - 1u : 0u);
  uint end = min(p_coordinates, p_end);
  for (uint i = p_begin + lane(); i < end; i += LANE_STEP) {
    REAL g = STATE(2u * p_coordinates + i);
    REAL p = op_add(STATE(p_coordinates + i), op_multiply(half_size, g));
    STATE(p_coordinates + i) = p;
    if (wanted) {
      positions[row * p_coordinates + i] = STATE(i);
      momenta[row * p_coordinates + i] = p;
      gradients[row * p_coordinates + i] = g;
    }
  }
  if (wanted && p_begin == 0u && lane() == 0u) logp[row] = STATE(LOGP_SLOT);
}

void chain_main() {
  uint group = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
#ifdef CHAIN_PER_THREAD
  chain = p_chain_first + group * gl_WorkGroupSize.x + gl_LocalInvocationIndex;
#elif defined(CHAIN_PER_SUBGROUP)
  chain = p_chain_first + group * CHAINS + gl_SubgroupID;
#else
  chain = p_chain_first + group;
#endif
  if (chain >= p_chain_end) return;
  for (uint round_index = p_round_first; round_index < p_round_end; ++round_index) {
    if (runs(0u)) {
      if (round_index == 0u) load();
      else advance();
      settle();
    }
    evaluate();
    if (runs(LAST_STAGE)) {
      if (round_index > 0u) finish(round_index);
      settle();
    }
  }
}
