// A pass of a radix sort from the least digit on: a workgroup counts the digits of a block of P_STEPS keys for each of
// its invocations (COUNTS), or moves the block's pairs to where the offsets of their digits say, in order. An
// invocation has neighbouring keys, so what it meets is in order, and its place among the others of a digit is the sum
// of the counts of those before it.
//
// The emitter defines INVOCATIONS, LOG_BINS and the P_* parameters, KEY and KEY_WIDE where that is two words. FIRST:
// pairs are numbered as they lie. Offsets lie by row, digit and block. TILE: the P_STEPS of a block whose keys are read
// and written by neighbours side by side, and put in order in shared memory between, where one in TILE places is left
// free for the sake of its banks.

#define BINS (1u << LOG_BINS)

uint digit_of(KEY key) {
#if defined(KEY_WIDE)
  return ((P_SHIFT < 32u ? key.x >> P_SHIFT : key.y >> (P_SHIFT - 32u))) & (BINS - 1u);
#else
  return (key >> P_SHIFT) & (BINS - 1u);
#endif
}

#if defined(COUNTS)
shared uint counts[BINS];
#else
shared uint ranks[BINS * INVOCATIONS];
shared uint totals[INVOCATIONS];
shared uint starts[BINS];
#if defined(TILE)
shared KEY keys[INVOCATIONS * (TILE + 1u)];
shared uint sources[INVOCATIONS * TILE];
uint slot(uint place) { return place + place / TILE; }
#define KEY_AT(place) keys[slot((place) - block_first)]
#else
#define KEY_AT(place) in_key[base + (place)]
#endif
#endif

void radix_main() {
  uint group = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
  uint row = group / P_BLOCKS, block = group % P_BLOCKS, i = gl_LocalInvocationIndex;
  if (row >= P_ROWS) return;
  uint base = row * P_COUNT, first_offset = row * BINS * P_BLOCKS + block;
#if defined(COUNTS)
  for (uint b = i; b < BINS; b += INVOCATIONS) counts[b] = 0u;
  barrier();
  uint first = block * INVOCATIONS * P_STEPS, end = min(first + INVOCATIONS * P_STEPS, P_COUNT);
  for (uint at = first + i; at < end; at += INVOCATIONS) atomicAdd(counts[digit_of(in_key[base + at])], 1u);
  barrier();
  for (uint b = i; b < BINS; b += INVOCATIONS) offsets[first_offset + b * P_BLOCKS] = counts[b];
#else
  uint first = min((block * INVOCATIONS + i) * P_STEPS, P_COUNT), end = min(first + P_STEPS, P_COUNT);
#if defined(TILE)
  uint block_first = block * INVOCATIONS * TILE, block_count = min(INVOCATIONS * TILE, P_COUNT - block_first);
  for (uint place = i; place < block_count; place += INVOCATIONS) keys[slot(place)] = in_key[base + block_first + place];
  barrier();
#endif
  for (uint b = 0u; b < BINS; ++b) ranks[b * INVOCATIONS + i] = 0u;
  for (uint at = first; at < end; ++at) ranks[digit_of(KEY_AT(at)) * INVOCATIONS + i] += 1u;
  barrier();
  // The counts before each, digit by digit and invocation by invocation.
  uint sum = 0u;
  for (uint e = i * BINS; e < (i + 1u) * BINS; ++e) sum += ranks[e];
  uint before = sum;
  totals[i] = sum;
  for (uint apart = 1u; apart < INVOCATIONS; apart <<= 1u) {
    barrier();
    if (i >= apart) before += totals[i - apart];
    barrier();
    totals[i] = before;
  }
  before -= sum;
  for (uint e = i * BINS; e < (i + 1u) * BINS; ++e) {
    uint count = ranks[e];
    ranks[e] = before;
    before += count;
  }
  barrier();
  for (uint b = i; b < BINS; b += INVOCATIONS)
    starts[b] = base + offsets[first_offset + b * P_BLOCKS] - ranks[b * INVOCATIONS];
  barrier();
  for (uint at = first; at < end; ++at) {
    KEY key = KEY_AT(at);
    uint digit = digit_of(key), rank = digit * INVOCATIONS + i, place = ranks[rank];
    ranks[rank] += 1u;
#if defined(TILE)
    sources[place] = at;
  }
  barrier();
  for (uint place = i; place < block_count; place += INVOCATIONS) {
    uint at = sources[place];
    KEY key = KEY_AT(at);
    uint digit = digit_of(key);
#endif
    uint to = starts[digit] + place;
    out_key[to] = key;
#if defined(FIRST)
    out_index[to] = at;
#else
    out_index[to] = in_index[base + at];
#endif
  }
#endif
}
