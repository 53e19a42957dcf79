// The leapfrog skeleton: K steps of Hamiltonian dynamics for many chains. The emitter writes evaluate(): the log
// density and its gradient at the coordinates of the state, stage by stage.
//
// The state holds for each chain its coordinates, momenta, gradient, and what stages keep. One invocation runs a chain
// (CHAIN_PER_THREAD), neighbours in the state side by side; or a subgroup does (CHAIN_PER_SUBGROUP), several in a
// workgroup; or a workgroup does, LANES places at a time. A dispatch runs rounds p_round_first to p_round_end: round 0
// loads the state and evaluates, round k > 0 is step k - 1. It may be less than a round: some of its stages, of those
// some of their places.
//
// With AT_HOME a chain's numbers are in registers (IN_REGISTERS) or in shared memory while a dispatch runs whole rounds,
// and only what the next dispatch needs is in the state between them.
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
  uint end = min(SUBGROUP, parts + SUBGROUP - next);
  for (uint k = 0u; k < end; k += FAN) total = op_add(total, subgroupShuffle(branch, k));
#endif
}

#else
#define LANE_STEP LANES
uint lane() { return gl_LocalInvocationIndex; }
uint at(uint place) { return chain * p_chain_slots + place; }
// What a lane has stored, the others see.
void settle() {
#ifdef AT_HOME
  memoryBarrierShared();
#else
  memoryBarrierBuffer();
#endif
  barrier();
}

shared REAL lane_sums[SUMS * LANES];
shared REAL branch_sums[SUMS * LANES / FAN];

// Adds lane_sums up to branch_sums; total_of() is theirs.
void add_lanes(uint sums, uint branches) {
  memoryBarrierShared();
  barrier();
  for (uint i = lane(); i < sums * branches; i += LANES) {
    uint which = i / branches, branch = i % branches;
    REAL sum = REAL(0);
    for (uint k = 0u; k < FAN; ++k) sum = op_add(sum, lane_sums[which * LANES + branch * FAN + k]);
    branch_sums[which * (LANES / FAN) + branch] = sum;
  }
  memoryBarrierShared();
  barrier();
}

REAL total_of(uint index, uint branches) {
  REAL sum = REAL(0);
  for (uint k = 0u; k < branches; ++k) sum = op_add(sum, branch_sums[index * (LANES / FAN) + k]);
  return sum;
}
#endif

REAL step_length, half_step;

// |f| for every coordinate, whatever each lane's part is. What lies in registers has every place written out.
#ifndef EACH_COORDINATE
#define EACH_COORDINATE(f) for (uint i = BEGIN + lane(); i < min(COORDINATES, END); i += LANE_STEP) f(i)
#endif

#ifdef AT_HOME
#define BEGIN 0u
#define END ~0u
#define INNER_BEGIN 0u
#define INNER_END ~0u
#define runs(stage) true
#if defined(IN_REGISTERS)
REAL own[OWN];
#define STATE(place) own[place]
#elif defined(CHAIN_PER_SUBGROUP)
shared REAL own[OWN * CHAINS];
#define STATE(place) own[gl_SubgroupID * OWN + (place)]
#else
shared REAL own[OWN];
#define STATE(place) own[place]
#endif
#define STEPPED_MASS(i) STATE(MASSES + i)

// What goes to and comes from buffers lies in an array of its own where the others are registers: those need places that
// the compiler knows, loops over buffers do not have them.
#ifdef IN_REGISTERS
REAL moved[4u * COORDINATES];
#define MOVED(place) moved[place]
#define MOVED_MASS(i) moved[3u * COORDINATES + i]
void fetch_at(uint i) {
  STATE(i) = moved[i];
  STATE(COORDINATES + i) = moved[COORDINATES + i];
  STATE(2u * COORDINATES + i) = moved[2u * COORDINATES + i];
  STATE(MASSES + i) = moved[3u * COORDINATES + i];
}
void bring_at(uint i) {
  moved[i] = STATE(i);
  moved[COORDINATES + i] = STATE(COORDINATES + i);
  moved[2u * COORDINATES + i] = STATE(2u * COORDINATES + i);
}
#else
#define MOVED(place) STATE(place)
#define MOVED_MASS(i) STATE(MASSES + i)
void fetch_at(uint i) {}
void bring_at(uint i) {}
#endif

// What the chain had when the last dispatch ended, or begins with.
void take() {
  uint number = p_batch_first + chain;
  for (uint i = lane(); i < COORDINATES; i += LANE_STEP) {
    MOVED_MASS(i) = op_multiply(step_length, inverse_mass[number * p_mass_stride + i]);
    bool beginning = p_round_first == 0u;
    MOVED(i) = beginning ? position[number * COORDINATES + i] : state[at(i)];
    MOVED(COORDINATES + i) = beginning ? momentum[number * COORDINATES + i] : state[at(COORDINATES + i)];
    MOVED(2u * COORDINATES + i) = beginning ? REAL(0) : state[at(2u * COORDINATES + i)];
  }
  EACH_COORDINATE(fetch_at);
  settle();
}

void leave() {
  EACH_COORDINATE(bring_at);
  for (uint i = lane(); i < COORDINATES; i += LANE_STEP) {
    state[at(i)] = MOVED(i);
    state[at(COORDINATES + i)] = MOVED(COORDINATES + i);
    state[at(2u * COORDINATES + i)] = MOVED(2u * COORDINATES + i);
  }
  if (lane() == 0u) state[at(LOGP_SLOT)] = STATE(LOGP_SLOT);
}
void load_at(uint i) {}
#else
#define BEGIN p_begin
#define END p_end
#define INNER_BEGIN p_inner_begin
#define INNER_END p_inner_end
#define COORDINATES p_coordinates
#define STATE(place) state[at(place)]
#define STEPPED_MASS(i) op_multiply(step_length, inverse_mass[(p_batch_first + chain) * p_mass_stride + i])
bool runs(uint stage) { return p_stage_first <= stage && stage < p_stage_end; }
#define MOVED(place) STATE(place)
void bring_at(uint i) {}
void take() {}
void leave() {}
void load_at(uint i) {
  uint from = (p_batch_first + chain) * COORDINATES + i;
  STATE(i) = position[from];
  STATE(COORDINATES + i) = momentum[from];
}
#endif

// Half a step of the momentum, a step of the coordinate.
void advance_at(uint i) {
  REAL p = op_add(STATE(COORDINATES + i), op_multiply(half_step, STATE(2u * COORDINATES + i)));
  STATE(COORDINATES + i) = p;
  STATE(i) = op_add(STATE(i), op_multiply(STEPPED_MASS(i), p));
}

// The other half of the momentum's step.
void finish_at(uint i) {
  STATE(COORDINATES + i) = op_add(STATE(COORDINATES + i), op_multiply(half_step, STATE(2u * COORDINATES + i)));
}

// What a round is wanted for, in row |row| of the outputs.
void tell(uint row) {
  EACH_COORDINATE(bring_at);
  uint end = min(COORDINATES, END);
  for (uint i = BEGIN + lane(); i < end; i += LANE_STEP) {
    positions[row * COORDINATES + i] = MOVED(i);
    momenta[row * COORDINATES + i] = MOVED(COORDINATES + i);
    gradients[row * COORDINATES + i] = MOVED(2u * COORDINATES + i);
  }
  if (BEGIN == 0u && lane() == 0u) logp[row] = STATE(LOGP_SLOT);
}

void finish(uint round_index) {
  EACH_COORDINATE(finish_at);
  bool all = p_rows > 1u;
  if (all || round_index == p_last) tell((p_batch_first + chain) * p_rows + (all ? round_index - 1u : 0u));
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
  step_length = step_size[(p_batch_first + chain) * p_step_stride];
  half_step = op_multiply(REAL(0.5), step_length);
  take();
  for (uint round_index = p_round_first; round_index < p_round_end; ++round_index) {
    if (runs(0u)) {
      if (round_index == 0u) {
        EACH_COORDINATE(load_at);
      } else {
        EACH_COORDINATE(advance_at);
      }
      settle();
    }
    evaluate();
    if (runs(LAST_STAGE)) {
      if (round_index > 0u) finish(round_index);
      settle();
    }
  }
  leave();
}
