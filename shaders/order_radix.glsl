// A pass of a radix sort from the least digit on: a workgroup counts the digits of a block of keys (COUNTS), or moves
// the block's elements to where the offsets of their digits say, in order. An element is moved as it is; its key is made
// of it where its digit is wanted.
//
// The emitter defines INVOCATIONS, LOG_BINS and the P_* parameters, and writes the functions declared here; KEY and
// order_key() are of order_key.glsl. Offsets lie by row, digit and block. How elements are moved is said in
// order_radix_columns.glsl and order_radix_ballots.glsl: |block| begins at |first| of |row|, and has |count| elements.
// PLACES: the numbers of the places where elements lay, as index_at() says, go along.

#define BINS (1u << LOG_BINS)

KEY bits_at(uint row, uint place);
#if defined(COUNTS)
shared uint counts[BINS];
#else
void move_block(uint row, uint block, uint first, uint count);
void put_bits(uint row, uint to, KEY bits);
#if defined(PLACES)
uint index_at(uint row, uint place);
void put_index(uint row, uint to, uint index);
#endif
#endif

uint digit_of(KEY bits) {
  KEY key = order_key(bits);
#if KEY_BITS == 64
  return ((P_SHIFT < 32u ? key.x >> P_SHIFT : key.y >> (P_SHIFT - 32u))) & (BINS - 1u);
#else
  return (key >> P_SHIFT) & (BINS - 1u);
#endif
}

uint offset_at(uint row, uint digit, uint block) { return (row * BINS + digit) * P_BLOCKS + block; }

void radix_main() {
  uint group = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
  uint row = group / P_BLOCKS, block = group % P_BLOCKS;
  if (row >= P_ROWS) return;
  uint first = block * INVOCATIONS * P_STEPS, count = min(INVOCATIONS * P_STEPS, P_COUNT - first);
#if defined(COUNTS)
  uint i = gl_LocalInvocationIndex;
  for (uint b = i; b < BINS; b += INVOCATIONS) counts[b] = 0u;
  barrier();
  uint whole = count / (4u * INVOCATIONS) * (4u * INVOCATIONS);
  for (uint at = i; at < whole; at += 4u * INVOCATIONS) {
    KEY a = bits_at(row, first + at), b = bits_at(row, first + at + INVOCATIONS),
        c = bits_at(row, first + at + 2u * INVOCATIONS), d = bits_at(row, first + at + 3u * INVOCATIONS);
    atomicAdd(counts[digit_of(a)], 1u);
    atomicAdd(counts[digit_of(b)], 1u);
    atomicAdd(counts[digit_of(c)], 1u);
    atomicAdd(counts[digit_of(d)], 1u);
  }
  for (uint at = whole + i; at < count; at += INVOCATIONS) atomicAdd(counts[digit_of(bits_at(row, first + at))], 1u);
  barrier();
  for (uint b = i; b < BINS; b += INVOCATIONS) offsets[offset_at(row, b, block)] = counts[b];
#else
  move_block(row, block, first, count);
#endif
}
