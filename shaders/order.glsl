// Puts elements in order: a workgroup sorts a block of BLOCK pairs of key and index by a bitonic network in shared
// memory (Batcher 1968). Keys are unsigned numbers in the order wanted, and of equal keys the lower index comes first,
// so any two pairs differ and the order is stable. A block has one or more segments, each of which is sorted by itself:
// short rows, or parts of a long one. What is missing of a segment comes last.
//
// The emitter defines INVOCATIONS, LOG_BLOCK and the P_* parameters, and writes the functions declared here; KEY is of
// order_key.glsl. ALTERNATES: the segments of a row come out ascending and descending in turn, for a merge. MERGES: what
// order_exchange.glsl has parted into segments is merged within each, in runs of P_RUN pairs, ascending and descending
// in turn.

#define BLOCK (1u << LOG_BLOCK)

void take(uint row, uint position, out KEY key, out uint index);
void put(uint row, uint segment, uint position, KEY key, uint index);

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
  uint all = P_ROWS * P_SEGMENTS, first = group << (LOG_BLOCK - P_LOG_SEGMENT);
  if (first >= all) return;
  uint last = (1u << P_LOG_SEGMENT) - 1u;
  for (uint at = gl_LocalInvocationIndex; at < BLOCK; at += INVOCATIONS) {
    uint segment = first + (at >> P_LOG_SEGMENT);
    uint row = segment / P_SEGMENTS, position = ((segment % P_SEGMENTS) << P_LOG_SEGMENT) + (at & last);
    KEY key = KEY_LAST;
    uint index = 0xffffffffu;
    if (segment < all && position < P_COUNT) take(row, position, key, index);
    shared_key[at] = key;
    shared_index[at] = index;
  }
#ifdef MERGES
  uint log_size = P_LOG_SEGMENT;
#else
  for (uint log_size = 1u; log_size <= P_LOG_SEGMENT; ++log_size)
#endif
  {
    for (uint log_stride = log_size; log_stride-- > 0u;) {
      barrier();
      for (uint pair = gl_LocalInvocationIndex; pair < BLOCK / 2u; pair += INVOCATIONS) {
        uint low = ((pair >> log_stride) << (log_stride + 1u)) | (pair & ((1u << log_stride) - 1u));
#if defined(MERGES)
        uint segment = first + (low >> P_LOG_SEGMENT);
        bool descending = (((segment % P_SEGMENTS) << P_LOG_SEGMENT) & P_RUN) != 0u;
#elif defined(ALTERNATES)
        uint segment = first + (low >> P_LOG_SEGMENT);
        uint position = ((segment % P_SEGMENTS) << P_LOG_SEGMENT) + (low & last);
        bool descending = (position & (1u << log_size)) != 0u;
#else
        bool descending = (low & last & (1u << log_size)) != 0u;
#endif
        order_pair(low, low + (1u << log_stride), descending);
      }
    }
  }
  barrier();
  for (uint at = gl_LocalInvocationIndex; at < BLOCK; at += INVOCATIONS) {
    uint segment = first + (at >> P_LOG_SEGMENT);
    if (segment < all) put(segment / P_SEGMENTS, segment % P_SEGMENTS, at & last, shared_key[at], shared_index[at]);
  }
}
