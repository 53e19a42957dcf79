// Between two paths: the end of one is accepted or not, and the next one's momentum is drawn. Works on the state that
// the leapfrog skeleton (chain.glsl) runs on, so that a path begins with the gradient at hand; the position that the
// chain is at, and its gradient, lie in |current|. One invocation or one workgroup for each chain, as there; sums are
// added in the same order in either.
//
// |numbers| holds for each chain, one array after the other: the kinetic energy of the momentum, the log density, the
// mean acceptance, the last acceptance, what that says of the path's length, for how many iterations the chain has
// rested (p_rest_limit of them are as good as for ever; counted from below 0 where it has never moved yet), and the
// energy of the state that the last iteration ended with.
//
// |counts| likewise: divergences and moves of the phase, whether a path diverged since the last draw was kept, and how
// much shorter than the others' a chain's steps are: the exponent of a half, above eight bits for how many iterations
// it has stayed where it is since that changed.
//
// In a warm-up that learns, a chain that stays for PATIENCE iterations goes on with steps of a quarter; with each move
// they double, until they are the others' again. Meanwhile it may gain energy, a part of what it gains in density: far
// out the way back is so steep that no path keeps it to one in a thousand millions, and f32 has no such digits. Where
// more were allowed a path could end beyond everything, in a tail that takes for ever to come back from. Nothing is
// learned of such a chain: to the step that is all chains' it is one that rests.

#define KINETIC numbers[chain]
#define LOGP numbers[p_batch + chain]
#define MEAN_ACCEPTANCE numbers[2u * p_batch + chain]
#define ACCEPTANCE numbers[3u * p_batch + chain]
#define PATH_GRADIENT numbers[4u * p_batch + chain]
#define REST numbers[5u * p_batch + chain]
#define ENERGY numbers[6u * p_batch + chain]
#define DIVERGENCES counts[chain]
#define MOVES counts[p_batch + chain]
#define DIVERGED counts[2u * p_batch + chain]
#define SHORTENED counts[3u * p_batch + chain]

uint chain;          // in the batch
bool moved = false;  // some coordinate of this lane's is another one now

#ifdef CHAIN_PER_THREAD
#define LANE_STEP 1u
uint lane() { return 0u; }
uint at(uint place) { return place * p_batch + chain; }
uint current_at(uint place) { return place * p_batch + chain; }
void settle() {}
bool chain_moved(REAL4 sums) { return moved; }
#else
#define LANE_STEP LANES
uint lane() { return gl_LocalInvocationIndex; }
uint at(uint place) { return chain * p_chain_slots + place; }
uint current_at(uint place) { return chain * 2u * p_coordinates + place; }
void settle() {
  memoryBarrierBuffer();
  barrier();
}
bool chain_moved(REAL4 sums) { return sums.y > REAL(0); }
shared REAL4 lane_sums[LANES];
shared REAL4 branch_sums[LANES / FAN];
#endif

REAL4 add4(REAL4 a, REAL4 b) { precise REAL4 r = a + b; return r; }

// Twice the kinetic energy in coordinate |i|, infinite where a path has left the numbers. At a path's end also the
// squares of how far its end and its beginning are from the centre, in units of the coordinate's scale, and what its
// speed adds to the first.
REAL4 term(uint i, bool ending) {
  REAL p = state[at(p_coordinates + i)];
  REAL4 t = REAL4(op_multiply(op_multiply(inverse_mass[i], p), p), REAL(0), REAL(0), REAL(0));
  if (!ending) return t;
  REAL q = state[at(i)];
  if (is_nan(q) || is_infinity(q)) t.x = op_negate(NEGATIVE_INFINITY);
  if (p_learning == 0u) return t;
  REAL after = op_subtract(q, centre[i]), before = op_subtract(current[current_at(i)], centre[i]);
  REAL after_units = op_multiply(after, mass_root[i]), before_units = op_multiply(before, mass_root[i]);
  t.y = op_multiply(after_units, after_units);
  t.z = op_multiply(before_units, before_units);
  t.w = op_multiply(after, p);
  return t;
}

#ifdef CHAIN_PER_THREAD
REAL4 total(bool ending) {
  REAL4 sum = REAL4(0);
  uint parts = min(p_coordinates, PART_LANES);
  for (uint first = 0u; first < parts; first += FAN) {
    REAL4 branch = REAL4(0);
    for (uint part = first; part < min(first + FAN, parts); ++part) {
      REAL4 own = add4(REAL4(0), term(part, ending));
      for (uint i = part + PART_LANES; i < p_coordinates; i += PART_LANES) own = add4(own, term(i, ending));
      branch = add4(branch, own);
    }
    sum = add4(sum, branch);
  }
  return sum;
}
#else
REAL4 total(bool ending) {
  // Between paths the second sum says whether any lane moved.
  REAL4 own = REAL4(REAL(0), REAL(!ending && moved ? 1 : 0), REAL(0), REAL(0));
  for (uint i = lane(); i < p_coordinates; i += LANES) own = add4(own, term(i, ending));
  lane_sums[lane()] = own;
  memoryBarrierShared();
  barrier();
  if (lane() < LANES / FAN) {
    REAL4 branch = REAL4(0);
    for (uint k = 0u; k < FAN; ++k) branch = add4(branch, lane_sums[lane() * FAN + k]);
    branch_sums[lane()] = branch;
  }
  memoryBarrierShared();
  barrier();
  REAL4 sum = REAL4(0);
  for (uint k = 0u; k < LANES / FAN; ++k) sum = add4(sum, branch_sums[k]);
  return sum;
}
#endif

bool has_own_steps() { return p_shortening != 0u && SHORTENED >> 8u != 0u; }

void shorten_or_lengthen(bool went) {
  uint halvings = SHORTENED >> 8u, stayed = went ? 0u : (SHORTENED & 255u) + 1u;
  if (went) halvings = max(halvings, 1u) - 1u;
  if (stayed == PATIENCE) {
    halvings = min(halvings + 2u, MOST_HALVINGS);
    stayed = 0u;
  }
  SHORTENED = halvings << 8u | stayed;
}

// Whether the path's end is where the chain is now.
bool accepts(uvec2 key, REAL new_logp) {
  REAL old_kinetic = KINETIC, old_logp = LOGP;
  REAL4 sums = total(true);
  REAL new_kinetic = op_multiply(REAL(0.5), sums.x);
  REAL energy = op_subtract(op_subtract(new_kinetic, old_kinetic), op_subtract(new_logp, old_logp));
  bool diverged = is_nan(energy) || energy > REAL(1000) || is_infinity(new_logp);
  REAL chance = diverged ? REAL(0) : energy <= REAL(0) ? REAL(1) : m_exp(op_negate(energy));
  bool taken = uniform_number(threefry(key, uvec2(p_iteration, kAcceptPair)).x) < chance;
  bool own_steps = has_own_steps();
  if (own_steps) taken = taken || energy < op_multiply(MOST_LOST, op_subtract(new_logp, old_logp));
  if (lane() != 0u) return taken;
  REAL path = op_multiply(op_subtract(sums.y, sums.z), sums.w);
  bool known = p_learning != 0u && !own_steps && !diverged && !is_nan(path) && !is_infinity(path);
  PATH_GRADIENT = known ? op_multiply(chance, path) : REAL(0);
  ACCEPTANCE = own_steps ? REAL(0) : chance;
  bool fresh = p_counted == 1u;  // the counts begin anew
  REAL mean = fresh ? REAL(0) : MEAN_ACCEPTANCE;
  MEAN_ACCEPTANCE = op_add(mean, op_divide(op_subtract(chance, mean), REAL(p_counted)));
  DIVERGENCES = (fresh ? 0u : DIVERGENCES) + (diverged ? 1u : 0u);
  DIVERGED = p_draw_begins == 0u && DIVERGED != 0u || diverged ? 1u : 0u;
  ENERGY = taken ? op_subtract(new_kinetic, new_logp) : op_subtract(old_kinetic, old_logp);
  if (taken) LOGP = new_logp;
  else state[at(p_logp_slot)] = old_logp;
  return taken;
}

void settle_position(bool taken) {
  for (uint i = lane(); i < p_coordinates; i += LANE_STEP) {
    uint q = at(i), g = at(2u * p_coordinates + i);
    uint current_q = current_at(i), current_g = current_at(p_coordinates + i);
    if (taken) {
      moved = moved || current[current_q] != state[q];
      current[current_q] = state[q];
      current[current_g] = state[g];
    } else {
      state[q] = current[current_q];
      state[g] = current[current_g];
    }
  }
}

void draw_momentum(uvec2 key) {
  uint pairs = (p_coordinates + 1u) / 2u;
  for (uint pair = lane(); pair < pairs; pair += LANE_STEP) {
    vec2 z = normals(threefry(key, uvec2(p_iteration + 1u, pair)));
    uint i = 2u * pair;
    state[at(p_coordinates + i)] = op_multiply(REAL(z.x), mass_root[i]);
    if (i + 1u < p_coordinates) state[at(p_coordinates + i + 1u)] = op_multiply(REAL(z.y), mass_root[i + 1u]);
  }
}

void turn_main() {
  uint group = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
#ifdef CHAIN_PER_THREAD
  chain = group * gl_WorkGroupSize.x + gl_LocalInvocationIndex;
#else
  chain = group;
#endif
  if (chain >= p_batch) return;
  uvec2 key = chain_key(uvec2(p_seed_low, p_seed_high), p_batch_first + chain);
  REAL new_logp = state[at(p_logp_slot)];
  bool taken = true;
  if (p_beginning != 0u) {
    // Nowhere is better than where nothing is known.
    if (lane() == 0u) LOGP = is_nan(new_logp) ? NEGATIVE_INFINITY : new_logp;
    if (lane() == 0u && p_counted == 0u) {
      REST = -REAL(p_rest_limit);
      SHORTENED = 0u;
    }
  } else {
    taken = accepts(key, new_logp);
  }
  moved = false;
  settle_position(taken);
  if (p_beginning != 0u) moved = false;
  draw_momentum(key);
  settle();
  REAL4 sums = total(false);
  if (lane() != 0u) return;
  KINETIC = op_multiply(REAL(0.5), sums.x);
  if (p_beginning != 0u) return;
  bool went = chain_moved(sums);
  REAL limit = REAL(p_rest_limit), rested = REST + REAL(1);
  REST = went && !has_own_steps() ? REAL(0) : rested == REAL(0) ? limit : min(rested, limit);
  if (p_shortening != 0u) shorten_or_lengthen(went);
  MOVES = (p_counted == 1u ? 0u : MOVES) + (went ? 1u : 0u);
}
