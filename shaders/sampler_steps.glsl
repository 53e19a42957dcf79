// The step of each chain where some have their own: see sampler_turn.glsl.

void steps_main() {
  uint chain = (gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x) * LANES + gl_LocalInvocationIndex;
  if (chain >= p_batch) return;
  uint halvings = counts[3u * p_batch + chain] >> 8u;
  steps[chain] = ldexp(step_size[0], -int(halvings));
}
