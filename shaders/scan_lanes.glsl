// The Accs of lanes, accumulated in the order of the lanes and in one order of additions. Of one Acc for each
// invocation: what the lanes before it make together is returned, and `acc` becomes what they make with its own; so the
// last lane has all. Between two calls there must be a barrier.
//
// The emitter defines INVOCATIONS and, where the kernel's subgroups are full, SUBGROUP, their size, with acc_shuffled
// (acc_words.glsl).

#if defined(SUBGROUP)
#define LANE (gl_SubgroupID * SUBGROUP + gl_SubgroupInvocationID)
shared Acc shared_acc[INVOCATIONS / SUBGROUP];

// Of all invocations of a workgroup: by shuffles, then of the subgroups before.
Acc lanes_before(inout Acc acc) {
  uint lane = gl_SubgroupInvocationID;
  for (uint apart = 1u; apart < SUBGROUP; apart <<= 1u) {
    Acc other = acc_shuffled(acc, lane >= apart ? lane - apart : lane);
    if (lane >= apart) acc = acc_merge(other, acc);
  }
  Acc within = acc_shuffled(acc, lane > 0u ? lane - 1u : 0u);
  if (lane == 0u) within = acc_identity();
  if (lane == SUBGROUP - 1u) shared_acc[gl_SubgroupID] = acc;
  barrier();
  Acc before = acc_identity();
  for (uint s = 0u; s < gl_SubgroupID; ++s) before = acc_merge(before, shared_acc[s]);
  acc = acc_merge(before, acc);
  return acc_merge(before, within);
}
#else
#define LANE gl_LocalInvocationIndex
shared Acc shared_acc[INVOCATIONS];

// Of the `lanes` lanes of which invocation i is lane number `lane`, and invocation i - neighbour the one before.
Acc lanes_before(inout Acc acc, uint i, uint lane, uint lanes, uint neighbour) {
  shared_acc[i] = acc;
  for (uint apart = 1u; apart < lanes; apart <<= 1u) {
    barrier();
    if (lane >= apart) acc = acc_merge(shared_acc[i - apart * neighbour], acc);
    barrier();
    shared_acc[i] = acc;
  }
  barrier();
  return lane > 0u ? shared_acc[i - neighbour] : acc_identity();
}
// Of all invocations of a workgroup.
Acc lanes_before(inout Acc acc) {
  uint i = gl_LocalInvocationIndex;
  return lanes_before(acc, i, i, INVOCATIONS, 1u);
}
#endif
