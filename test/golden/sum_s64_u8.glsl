// reduce sum u8 u64 u64 i1r k1w2n256
#version 460
#extension GL_EXT_shader_8bit_storage : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
#define USE_I64
#define INVOCATIONS 256u
#define LOG_INVOCATIONS 8u
#define P_OUTPUTS p0
#define P_COUNT p1
#define P_CHUNK p2
#define P_MODE p3
#define OFFSETS uint
#define ELEMENT uint64_t
#define ROUND 4
#define WALK_RANK 2
#define VALUE uint64_t
#define ACC_SUM 
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { uint8_t in0[]; };
layout(set = 0, binding = 1, std430) writeonly buffer Buffer1 { uint64_t result[]; };
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
};
ELEMENT fetch(OFFSETS at) {
  return uint64_t(int64_t(uint(in0[at])));
}
void take(inout Acc acc, ELEMENT x, uint position) {
  acc_add(acc, x, position);
}
OFFSETS kept_offsets(uint index) {
  OFFSETS at = OFFSETS(p4);
  at += OFFSETS(p6) * index;
  return at;
}
Walk walk_start(uint position) {
  Walk walk;
  walk.at[1] = position % p10;
  position /= p10;
  walk.at[0] = position;
  return walk;
}
void walk_step(inout Walk walk) {
  uint carry = 0u;
  walk.at[1] += p11;
  carry = walk.at[1] >= p10 ? 1u : 0u;
  if (carry == 1u) walk.at[1] -= p10;
  walk.at[0] += p8 + carry;
}
OFFSETS walk_offsets(Walk walk) { return OFFSETS(0u) + OFFSETS(p12) * walk.at[1] + OFFSETS(p9) * walk.at[0]; }
void put(uint part, uint output_index, Acc acc) {
  result[output_index] = acc_result(acc);
}
void main() {
  reduce_main();
}
