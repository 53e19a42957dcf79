// Puts elements in order: a workgroup sorts a block of BLOCK pairs of key and index by a bitonic network in shared
// memory (Batcher 1968). Keys are unsigned numbers in the order wanted, and of equal keys the lower index comes first,
// so any two pairs differ and the order is stable. What is missing of a block comes last.
//
// The emitter defines INVOCATIONS, LOG_BLOCK and the P_* parameters, and writes the functions declared here; KEY is of
// order_key.glsl. ALTERNATES: the blocks come out ascending and descending in turn, for a merge. MERGES: what
// order_exchange.glsl has parted into blocks is merged within each, in runs of P_RUN pairs, ascending and descending in
// turn.

#define BLOCK (1u << LOG_BLOCK)

void take(uint row, uint position, out KEY key, out uint index);
void put(uint row, uint block, uint position, KEY key, uint index);

shared KEY shared_key[BLOCK];
shared uint shared_index[BLOCK];

// Puts the pairs at |low| and |high| in order, in the opposite one where |descending|.
void order_pair(uint low, uint high, bool descending) {
  KEY a = shared_key[low], b = shared_key[high];
  uint i = shared_index[low], j = shared_index[high];
  if (key_before(b, j, a, i) == descending) return;
  shared_key[low] = b;
  shared_key[high] = a;
  shared_index[low] = j;
  shared_index[high] = i;
}

void order_main() {
  uint group = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
  if (group >= P_ROWS * P_BLOCKS) return;
  uint row = group / P_BLOCKS, block = group % P_BLOCKS;
  uint first = block << LOG_BLOCK;
  for (uint at = gl_LocalInvocationIndex; at < BLOCK; at += INVOCATIONS) {
    KEY key = KEY_LAST;
    uint index = 0xffffffffu;
    if (first + at < P_COUNT) take(row, first + at, key, index);
    shared_key[at] = key;
    shared_index[at] = index;
  }
#ifdef MERGES
  uint log_size = LOG_BLOCK;
#else
  for (uint log_size = 1u; log_size <= LOG_BLOCK; ++log_size)
#endif
  {
    for (uint log_stride = log_size; log_stride-- > 0u;) {
      barrier();
      for (uint pair = gl_LocalInvocationIndex; pair < BLOCK / 2u; pair += INVOCATIONS) {
        uint low = ((pair >> log_stride) << (log_stride + 1u)) | (pair & ((1u << log_stride) - 1u));
#ifdef MERGES
        bool descending = (first & P_RUN) != 0u;
#elif defined(ALTERNATES)
        bool descending = ((first + low) & (1u << log_size)) != 0u;
#else
        bool descending = (low & (1u << log_size)) != 0u;
#endif
        order_pair(low, low + (1u << log_stride), descending);
      }
    }
  }
  barrier();
  for (uint at = gl_LocalInvocationIndex; at < BLOCK; at += INVOCATIONS)
    put(row, block, at, shared_key[at], shared_index[at]);
}
