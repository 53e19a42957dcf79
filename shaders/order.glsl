#extension GL_EXT_control_flow_attributes : require
// Puts elements in order: a workgroup sorts a block of words by a bitonic network (Batcher 1968). A word is what the
// elements of a place are compared by: their key, or where positions are wanted the key with its position below, so
// that any two words differ and the order is stable. A block has one or more segments, each of which is sorted by
// itself: short rows, or parts of a long one. What is missing of a segment comes last.
//
// An invocation has REGISTERS words that follow each other in the order, and LANES of them a segment: words less than
// REGISTERS apart are compared where they are, others are had from other lanes, of the same subgroup by a shuffle, of
// another one, or where there are no shuffles (SUBGROUP is 1), through shared memory. Every step of the network
// compares places whose numbers differ by a mask, and leaves the lower word at the lower place.
//
// The emitter defines INVOCATIONS, LOG_REGISTERS, SUBGROUP and the P_* parameters, WORD_PARTS, and where a word has a
// position its INDEX_BITS, and writes the functions declared here: sort_registers() and merge_registers() are the STEPs
// of the network inside an invocation.
// RESTORES: words have no position, and elements of one key may have other bits (order_key.glsl); rows that have such
// are put in order by their keys, then each of these elements is counted among its like.

#define REGISTERS (1u << LOG_REGISTERS)

#if WORD_PARTS == 1
#define WORD uint
#define CHOICE bool
#define WORD_LAST 0xffffffffu
bool word_less(WORD a, WORD b) { return a < b; }
#elif WORD_PARTS == 2
#define WORD uvec2
#define CHOICE bvec2
#define WORD_LAST uvec2(0xffffffffu)
uint less_bit(uvec2 a, uvec2 b) { return uint(a.y < b.y) | (uint(a.y == b.y) & uint(a.x < b.x)); }
bool word_less(WORD a, WORD b) { return less_bit(a, b) != 0u; }
#else
#define WORD uvec3
#define CHOICE bvec3
#define WORD_LAST uvec3(0xffffffffu)
uint less_bit(uvec2 a, uvec2 b) { return uint(a.y < b.y) | (uint(a.y == b.y) & uint(a.x < b.x)); }
bool word_less(WORD a, WORD b) { return (uint(a.z < b.z) | (uint(a.z == b.z) & less_bit(a.xy, b.xy))) != 0u; }
#endif

#if !defined(INDEX_BITS)
WORD word_of(KEY key, uint index) { return key; }
#elif INDEX_BITS == 16
WORD word_of(KEY key, uint index) { return key << 16 | index; }
uint index_of(WORD word) { return word & 0xffffu; }
#else
WORD word_of(KEY key, uint index) { return WORD(index, key); }
uint index_of(WORD word) { return word.x; }
#endif

WORD word_at(uint row, uint position);
void put(uint row, uint segment, uint position, WORD word);

WORD words[REGISTERS];
shared WORD area[INVOCATIONS * REGISTERS];
// Where words of an invocation, side by side, neither meet in a bank nor do those of neighbours.
uint slot(uint place) { return place ^ ((place >> LOG_REGISTERS) & 31u); }

#if defined(RESTORES)
KEY bits_at(uint row, uint position);
void restore(uint row, uint position, KEY bits);
bool others = false;  // whether word_at() has met elements whose like may have other bits
shared bool has_others;
shared uint counts[INVOCATIONS];
#endif

#if WORD_PARTS == 1
#define STEP(low, high)                   \
  {                                       \
    uint a = words[low], b = words[high]; \
    words[low] = min(a, b);               \
    words[high] = max(a, b);              \
  }
WORD of_two(WORD own, WORD other, bool upper) { return mix(min(own, other), max(own, other), upper); }
#else
#define STEP(low, high)                      \
  {                                          \
    WORD a = words[low], b = words[high];    \
    CHOICE turns = CHOICE(word_less(b, a));  \
    words[low] = mix(a, b, turns);           \
    words[high] = mix(b, a, turns);          \
  }
WORD of_two(WORD own, WORD other, bool upper) { return mix(own, other, CHOICE(word_less(other, own) != upper)); }
#endif

void sort_registers();
void merge_registers();

// Compares words of lanes whose numbers differ by |mask|; where |mirrored| what lies there in the opposite order.
void exchange(uint i, uint mask, bool mirrored) {
  bool upper = (i & (mask & ~(mask >> 1))) != 0u;
#if SUBGROUP > 1
  if (mask < SUBGROUP) {
    if (!mirrored) {
      [[unroll]] for (uint r = 0u; r < REGISTERS; ++r)
        words[r] = of_two(words[r], subgroupShuffleXor(words[r], mask), upper);
      return;
    }
    [[unroll]] for (uint r = 0u; r < (REGISTERS + 1u) / 2u; ++r) {
      uint back = REGISTERS - 1u - r;
      WORD a = subgroupShuffleXor(words[back], mask), b = subgroupShuffleXor(words[r], mask);
      words[r] = of_two(words[r], a, upper);
      if (back != r) words[back] = of_two(words[back], b, upper);
    }
    return;
  }
#endif
  uint flip = mirrored ? REGISTERS - 1u : 0u;
  barrier();
  [[unroll]] for (uint r = 0u; r < REGISTERS; ++r) area[r * INVOCATIONS + i] = words[r];
  barrier();
  [[unroll]] for (uint r = 0u; r < REGISTERS; ++r)
    words[r] = of_two(words[r], area[(r ^ flip) * INVOCATIONS + (i ^ mask)], upper);
}

#if defined(RESTORES)
// How many words of a sorted segment, from |base| on, are below |word|.
uint count_below(uint base, WORD word) {
  uint low = 0u, high = P_COUNT;
  while (low < high) {
    uint middle = (low + high) / 2u;
    if (word_less(area[slot(base + middle)], word))
      low = middle + 1u;
    else
      high = middle;
  }
  return low;
}

// Puts the zeros and NaNs of a row, which is one segment, among their like as they lay. Zeros are counted in the low
// half of a number, NaNs in the high one.
void restore_others(uint row, uint i, uint lane, uint lanes, bool within) {
  KEY zero = order_key(KEY(0u)), nan = order_key(KEY_MASK);
  uint first = lane << LOG_REGISTERS, end = within ? min(first + REGISTERS, P_COUNT) : 0u, own = 0u;
  for (uint position = first; position < end; ++position) {
    KEY key = order_key(bits_at(row, position));
    own += key == zero ? 1u : key == nan ? 0x10000u : 0u;
  }
  counts[i] = own;
  uint before = own;
  for (uint apart = 1u; apart < lanes; apart <<= 1u) {
    barrier();
    if (lane >= apart) before += counts[i - apart];
    barrier();
    counts[i] = before;
  }
  if (own == 0u) return;
  before -= own;
  uint base = (i - lane) << LOG_REGISTERS;
  uint zeros = count_below(base, zero) + (before & 0xffffu), nans = count_below(base, nan) + (before >> 16);
  for (uint position = first; position < end; ++position) {
    KEY bits = bits_at(row, position), key = order_key(bits);
    if (key == zero) restore(row, zeros++, bits);
    if (key == nan) restore(row, nans++, bits);
  }
}
#endif

void order_main() {
  uint group = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
#if SUBGROUP > 1
  uint i = gl_SubgroupID * SUBGROUP + gl_SubgroupInvocationID;
#else
  uint i = gl_LocalInvocationIndex;
#endif
  uint log_lanes = P_LOG_SEGMENT - LOG_REGISTERS, lanes = 1u << log_lanes, lane = i & (lanes - 1u);
  uint all = P_ROWS * P_SEGMENTS, first = group * (INVOCATIONS >> log_lanes);
  if (first >= all) return;
  uint segment = first + (i >> log_lanes), row = segment, begin = 0u;
  if (P_SEGMENTS > 1u) {
    row = segment / P_SEGMENTS;
    begin = (segment % P_SEGMENTS) << P_LOG_SEGMENT;
  }
#if defined(RESTORES)
  if (i == 0u) has_others = false;
  barrier();
#endif
  [[unroll]] for (uint r = 0u; r < REGISTERS; ++r) {
    uint position = begin + (r << log_lanes) + lane;
    words[r] = WORD_LAST;
    if (segment < all && position < P_COUNT) words[r] = word_at(row, position);
  }
#if defined(RESTORES)
  if (others) has_others = true;
#endif
#if SUBGROUP > 1
  subgroupBarrier();  // after loads that not all have made
#endif
  sort_registers();
  for (uint size = 1u; size <= log_lanes; ++size) {
    exchange(i, (1u << size) - 1u, true);
    for (uint stride = size - 1u; stride-- > 0u;) exchange(i, 1u << stride, false);
    merge_registers();
  }
  barrier();
  [[unroll]] for (uint r = 0u; r < REGISTERS; ++r) area[slot((i << LOG_REGISTERS) + r)] = words[r];
  barrier();
  [[unroll]] for (uint r = 0u; r < REGISTERS; ++r) {
    uint place = r * INVOCATIONS + i, part = first + (place >> P_LOG_SEGMENT), of_row = part, in_row = 0u;
    if (P_SEGMENTS > 1u) {
      of_row = part / P_SEGMENTS;
      in_row = part % P_SEGMENTS;
    }
    WORD word = area[slot(place)];
    bool puts = part < all;
#if defined(RESTORES)
    puts = puts && !(has_others && (word == order_key(KEY(0u)) || word == order_key(KEY_MASK)));
#endif
    if (puts) put(of_row, in_row, place & ((1u << P_LOG_SEGMENT) - 1u), word);
  }
#if defined(RESTORES)
  if (has_others) restore_others(row, i, lane, lanes, segment < all);
#endif
}
