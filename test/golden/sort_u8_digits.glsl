// radix u8 a c b8 n256
#version 460
#extension GL_EXT_shader_8bit_storage : require
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
#define P_ROWS p0
#define P_COUNT p1
#define P_BLOCKS p2
#define P_STEPS p3
#define P_SHIFT p4
#define P_KEEP p5
#define P_SOURCE p6
#define INVOCATIONS 256u
#define LOG_BINS 8u
#define COUNTS 
#define KEY_BITS 8
#define KEY_SIGN 128u
#define KEY_UNSIGNED 
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { uint8_t in_bits[]; };
layout(set = 0, binding = 1, std430) writeonly buffer Buffer1 { uint offsets[]; };
layout(push_constant, std430) uniform Push {
  layout(offset = 0) uint p0;
  layout(offset = 4) uint p1;
  layout(offset = 8) uint p2;
  layout(offset = 12) uint p3;
  layout(offset = 16) uint p4;
  layout(offset = 20) uint p5;
  layout(offset = 24) uint p6;
};
KEY bits_at(uint row, uint place) { return uint(in_bits[P_SOURCE + row * P_COUNT + place]); }
void main() {
  radix_main();
}
// scan sum u32 aw n256
#version 460
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
#define P_LINES p0
#define P_INNER p1
#define P_COUNT p2
#define P_SEGMENTS p3
#define P_STEPS p4
#define P_MODE p5
#define P_IN_START p6
#define P_IN_OUTER p7
#define P_IN_INNER p8
#define P_IN_STEP p9
#define P_OUT_START p10
#define P_OUT_OUTER p11
#define P_OUT_INNER p12
#define P_OUT_STEP p13
#define INVOCATIONS 256u
#define EXCLUSIVE 
#define VALUE uint
#define ACC_SUM 
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) buffer Buffer0 { uint accs_value[]; };
layout(push_constant, std430) uniform Push {
  layout(offset = 0) uint p0;
  layout(offset = 4) uint p1;
  layout(offset = 8) uint p2;
  layout(offset = 12) uint p3;
  layout(offset = 16) uint p4;
  layout(offset = 20) uint p5;
  layout(offset = 24) uint p6;
  layout(offset = 28) uint p7;
  layout(offset = 32) uint p8;
  layout(offset = 36) uint p9;
  layout(offset = 40) uint p10;
  layout(offset = 44) uint p11;
  layout(offset = 48) uint p12;
  layout(offset = 52) uint p13;
};
Acc acc_identity() { return Acc(VALUE(0), VALUE(0)); }
// Knuth's exact addition. `precise` forbids the algebra that would find the lost part to be zero.
void acc_put(inout Acc acc, VALUE x, VALUE x_lost) {
  precise VALUE sum = acc.value + x;
  precise VALUE part = sum - acc.value;
  precise VALUE rest = sum - part;
  precise VALUE lost = (acc.value - rest) + (x - part);
  precise VALUE all_lost = acc.extra + (lost + x_lost);
  acc.value = sum;
  acc.extra = all_lost;
}
void acc_add(inout Acc acc, VALUE x, uint position) { acc_put(acc, x, VALUE(0)); }
#if defined(VALUE_C64)
#define WIDE dvec2
#else
#define WIDE double
#endif
// A product with what its rounding loses, so that a dot is as exact as a sum. Not by fma: a driver may make it two roundings.
void acc_one_product(inout Acc acc, VALUE a, VALUE b) {
#if defined(PRODUCT_IN_DOUBLE)
  precise WIDE exact = WIDE(a) * WIDE(b);
  precise VALUE product = VALUE(exact);
  precise VALUE lost = VALUE(exact - WIDE(product));
#else
  // Dekker's product of halves.
  precise VALUE product = a * b;
  precise VALUE a_scaled = a * VALUE_SPLIT, b_scaled = b * VALUE_SPLIT;
  precise VALUE a_high = a_scaled - (a_scaled - a), b_high = b_scaled - (b_scaled - b);
  precise VALUE a_low = a - a_high, b_low = b - b_high;
  precise VALUE lost = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low;
#endif
  acc_put(acc, product, lost);
}
#if defined(VALUE_C64) || defined(VALUE_C128)
// Each part is a sum of two products.
void acc_product(inout Acc acc, VALUE a, VALUE b) {
  acc_one_product(acc, a, VALUE(b.x));
  acc_one_product(acc, VALUE(-a.y, a.x), VALUE(b.y));
}
#else
void acc_product(inout Acc acc, VALUE a, VALUE b) { acc_one_product(acc, a, b); }
#endif
Acc acc_merge(Acc a, Acc b) {
  acc_put(a, b.value, b.extra);
  return a;
}
// An infinite or NaN sum makes the lost part NaN, and is the result.
#if defined(VALUE_C64) || defined(VALUE_C128)
VALUE acc_result(Acc acc) {
  bvec2 finite = are_finite(acc.extra);
  return VALUE(finite.x ? acc.value.x + acc.extra.x : acc.value.x, finite.y ? acc.value.y + acc.extra.y : acc.value.y);
}
#else
VALUE acc_result(Acc acc) { return is_finite_value(acc.extra) ? acc.value + acc.extra : acc.value; }
#endif

#elif defined(ACC_SUM) || defined(ACC_PRODUCT)
#if defined(ACC_SUM)
#define ACC_START VALUE(0)
#define ACC_JOIN(a, b) ((a) + (b))
#elif defined(ACC_ONE)
#define ACC_START ACC_ONE
#define ACC_JOIN(a, b) op_multiply(a, b)
#else
#define ACC_START VALUE(1)
#define ACC_JOIN(a, b) ((a) * (b))
#endif
struct Acc {
  VALUE value;
};
Acc acc_identity() { return Acc(ACC_START); }
void acc_add(inout Acc acc, VALUE x, uint position) { acc.value = ACC_JOIN(acc.value, x); }
Acc acc_merge(Acc a, Acc b) { return Acc(ACC_JOIN(a.value, b.value)); }
VALUE acc_result(Acc acc) { return acc.value; }

#elif defined(ACC_MAX) || defined(ACC_MIN)
#if defined(ACC_MAX)
#define ACC_BEATS(a, b) ((a) > (b))
#else
#define ACC_BEATS(a, b) ((a) < (b))
#endif
struct Acc {
  VALUE value;
};
Acc acc_identity() { return Acc(ACC_START); }
void acc_add(inout Acc acc, VALUE x, uint position) {
  if (ACC_BEATS(x, acc.value) || is_nan_value(x)) {
    if (!is_nan_value(acc.value)) acc.value = x;
  }
}
Acc acc_merge(Acc a, Acc b) {
  acc_add(a, b.value, 0u);
  return a;
}
VALUE acc_result(Acc acc) { return acc.value; }

#elif defined(ACC_ALL) || defined(ACC_ANY)
// Elements arrive as 0 or 1.
#if defined(ACC_ALL)
#define ACC_START 1u
#define ACC_JOIN(a, b) ((a) & (b))
#else
#define ACC_START 0u
#define ACC_JOIN(a, b) ((a) | (b))
#endif
struct Acc {
  VALUE value;
};
Acc acc_identity() { return Acc(ACC_START); }
void acc_add(inout Acc acc, VALUE x, uint position) { acc.value = ACC_JOIN(acc.value, x); }
Acc acc_merge(Acc a, Acc b) { return Acc(ACC_JOIN(a.value, b.value)); }
VALUE acc_result(Acc acc) { return acc.value; }

#elif defined(ACC_ARGMAX) || defined(ACC_ARGMIN)
// The best element so far and, in extra, its position. A position of ACC_NONE stands for no element at all, so that a row of
// infinities needs no value below it.
#if defined(ACC_ARGMAX)
#define ACC_BEATS(a, b) ((a) > (b))
#else
#define ACC_BEATS(a, b) ((a) < (b))
#endif
#define ACC_NONE 0xffffffffu
#define ACC_EXTRA uint
struct Acc {
  VALUE value;
  uint extra;
};
Acc acc_identity() { return Acc(VALUE(0), ACC_NONE); }
// Any element before none, a NaN before any number, the last NaN, the better value, and among equals the lower
// position (TIE_HIGH: the higher one). Without branches, which cost more than what they would skip.
Acc acc_merge(Acc a, Acc b) {
#if defined(TIE_HIGH)
  bool wins_tie = b.extra > a.extra;
#else
  bool wins_tie = b.extra < a.extra;
#endif
  bool a_nan = is_nan_value(a.value), b_nan = is_nan_value(b.value);
  bool wins_number = ACC_BEATS(b.value, a.value) || (b.value == a.value && wins_tie);
  bool wins_nan = b_nan && (!a_nan || b.extra > a.extra);
  bool wins = a_nan || b_nan ? wins_nan : wins_number;
  wins = b.extra != ACC_NONE && (a.extra == ACC_NONE || wins);
  return Acc(wins ? b.value : a.value, wins ? b.extra : a.extra);
}
// An invocation meets its elements in ascending order, so that among equals only the direction of the tie counts.
void acc_add(inout Acc acc, VALUE x, uint position) {
#if defined(TIE_HIGH)
  bool better = !ACC_BEATS(acc.value, x);
#else
  bool better = ACC_BEATS(x, acc.value);
#endif
  bool takes = acc.extra == ACC_NONE || is_nan_value(x) || (!is_nan_value(acc.value) && better);
  acc.value = takes ? x : acc.value;
  acc.extra = takes ? position : acc.extra;
}
uint acc_result(Acc acc) { return acc.extra; }
#endif
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
// The skeleton of every scan: the Acc of all positions of a line up to each.
//
// A line is scanned in segments of P_STEPS positions for each of `lanes` invocations, and a workgroup has as many lines
// side by side as its invocations make. P_MODE is log2 of lanes, plus 32 where lanes run innermost, as in a reduction.
// Each lane first adds up its positions, the lanes of a line are scanned (scan_lanes.glsl), then each goes over its
// positions again. Every line is added in one order, so the same operands always give the same bits.
//
// The emitter defines INVOCATIONS and the P_* parameters and writes the functions declared here. TOTALS: only the Acc
// of each segment is wanted. CARRIES: what lies before a segment is known. EXCLUSIVE: up to each position, without it.

void take(inout Acc acc, uint line, uint position);
#if defined(TOTALS)
void put_total(uint line, uint segment, Acc acc);
#else
void put(uint line, uint position, Acc acc);
#endif
#if defined(CARRIES)
Acc carried(uint line, uint segment);
#endif

void scan_main() {
  uint log_lanes = P_MODE & 31u, lanes = 1u << log_lanes, width = INVOCATIONS >> log_lanes;
  bool rows = P_MODE >= 32u;
  uint group = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
  uint first_line = group / P_SEGMENTS * width, segment = group % P_SEGMENTS;
  if (first_line >= P_LINES) return;
  uint i = gl_LocalInvocationIndex;
  uint lane = rows ? i & (lanes - 1u) : i / width;
  uint line = first_line + (rows ? i >> log_lanes : i % width);
  uint neighbour = rows ? 1u : width;
  uint first = min((segment << log_lanes) * P_STEPS + lane * P_STEPS, P_COUNT);
  uint end = line < P_LINES ? min(first + P_STEPS, P_COUNT) : first;

  Acc acc = acc_identity(), before = acc_identity();
#if !defined(TOTALS)
  if (lanes > 1u)
#endif
  {
    for (uint position = first; position < end; ++position) take(acc, line, position);
    before = lanes_before(acc, i, lane, lanes, neighbour);
  }
#if defined(TOTALS)
  if (lane == lanes - 1u && line < P_LINES) put_total(line, segment, acc);
#else
#if defined(CARRIES)
  if (line < P_LINES) before = acc_merge(carried(line, segment), before);
#endif
  acc = before;
  for (uint position = first; position < end; ++position) {
#if defined(EXCLUSIVE)
    Acc so_far = acc;
    take(acc, line, position);
    put(line, position, so_far);
#else
    take(acc, line, position);
    put(line, position, acc);
#endif
  }
#endif
}
void take(inout Acc acc, uint line, uint position) {
  acc = acc_merge(acc, Acc(accs_value[line * P_COUNT + position]));
}
void put(uint line, uint position, Acc acc) {
  accs_value[line * P_COUNT + position] = acc.value;
}
void main() {
  scan_main();
}
// radix u8 a mv b8 n256 l32 x16
#version 460
#extension GL_EXT_shader_8bit_storage : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
#define P_ROWS p0
#define P_COUNT p1
#define P_BLOCKS p2
#define P_STEPS p3
#define P_SHIFT p4
#define P_KEEP p5
#define P_SOURCE p6
#define INVOCATIONS 256u
#define LOG_BINS 8u
#define KEY_BITS 8
#define KEY_SIGN 128u
#define KEY_UNSIGNED 
#define SUBGROUP 32
#define STEPS 16u
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { uint8_t in_bits[]; };
layout(set = 0, binding = 1, std430) readonly buffer Buffer1 { uint offsets[]; };
layout(set = 0, binding = 2, std430) writeonly buffer Buffer2 { uint8_t out_bits[]; };
layout(push_constant, std430) uniform Push {
  layout(offset = 0) uint p0;
  layout(offset = 4) uint p1;
  layout(offset = 8) uint p2;
  layout(offset = 12) uint p3;
  layout(offset = 16) uint p4;
  layout(offset = 20) uint p5;
  layout(offset = 24) uint p6;
};
KEY bits_at(uint row, uint place) { return uint(in_bits[P_SOURCE + row * P_COUNT + place]); }
void put_bits(uint row, uint to, KEY bits) {
  if (to < P_KEEP) out_bits[row * P_KEEP + to] = uint8_t(bits);
}
void main() {
  radix_main();
}
