// A step of a merge whose pairs lie a block or more apart: one invocation puts two of them in order, in runs of P_RUN
// pairs, ascending and descending in turn. The emitter defines the P_* parameters and the buffers run_key and
// run_index; KEY is of order_key.glsl.

void exchange_main() {
  uint group = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
  uint pair = group * gl_WorkGroupSize.x + gl_LocalInvocationIndex;
  if (pair >= P_PAIRS) return;
  uint row = pair / (P_COUNT / 2u), at = pair % (P_COUNT / 2u);
  uint low = ((at >> P_LOG_STRIDE) << (P_LOG_STRIDE + 1u)) | (at & ((1u << P_LOG_STRIDE) - 1u));
  bool descending = (low & P_RUN) != 0u;
  low += row * P_COUNT;
  uint high = low + (1u << P_LOG_STRIDE);
  KEY a = run_key[low], b = run_key[high];
  uint i = run_index[low], j = run_index[high];
  if (key_before(b, j, a, i) == descending) return;
  run_key[low] = b;
  run_key[high] = a;
  run_index[low] = j;
  run_index[high] = i;
}
