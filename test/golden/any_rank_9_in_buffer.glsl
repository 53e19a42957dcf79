// reduce any s16 u32 u8 i1r k5w4n256
#version 460
#extension GL_EXT_shader_8bit_storage : require
#extension GL_EXT_shader_16bit_storage : require
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
#define INVOCATIONS 256u
#define LOG_INVOCATIONS 8u
#define P_OUTPUTS p0
#define P_COUNT p1
#define P_CHUNK p2
#define P_MODE p3
#define OFFSETS uint
#define ELEMENT uint
#define ROUND 4
#define WALK_RANK 4
#define VALUE uint
#define ACC_ANY 
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { int16_t in0[]; };
layout(set = 0, binding = 1, std430) writeonly buffer Buffer1 { uint8_t result[]; };
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
  layout(offset = 56) uint p14;
  layout(offset = 60) uint p15;
  layout(offset = 64) uint p16;
  layout(offset = 68) uint p17;
  layout(offset = 72) uint p18;
  layout(offset = 76) uint p19;
  layout(offset = 80) uint p20;
  layout(offset = 84) uint p21;
  layout(offset = 88) uint p22;
  layout(offset = 92) uint p23;
  layout(offset = 96) uint p24;
  layout(offset = 100) uint p25;
  layout(offset = 104) uint p26;
};
ELEMENT fetch(OFFSETS at) {
  return (int(in0[at]) != 0 ? 1u : 0u);
}
void take(inout Acc acc, ELEMENT x, uint position) {
  acc_add(acc, x, position);
}
OFFSETS kept_offsets(uint index) {
  OFFSETS at = OFFSETS(p4);
  at += OFFSETS(p14) * (index % p13);
  index /= p13;
  at += OFFSETS(p12) * (index % p11);
  index /= p11;
  at += OFFSETS(p10) * (index % p9);
  index /= p9;
  at += OFFSETS(p8) * (index % p7);
  index /= p7;
  at += OFFSETS(p6) * index;
  return at;
}
Walk walk_start(uint position) {
  Walk walk;
  walk.at[3] = position % p24;
  position /= p24;
  walk.at[2] = position % p21;
  position /= p21;
  walk.at[1] = position % p18;
  position /= p18;
  walk.at[0] = position;
  return walk;
}
void walk_step(inout Walk walk) {
  uint carry = 0u;
  walk.at[3] += p25;
  carry = walk.at[3] >= p24 ? 1u : 0u;
  if (carry == 1u) walk.at[3] -= p24;
  walk.at[2] += p22 + carry;
  carry = walk.at[2] >= p21 ? 1u : 0u;
  if (carry == 1u) walk.at[2] -= p21;
  walk.at[1] += p19 + carry;
  carry = walk.at[1] >= p18 ? 1u : 0u;
  if (carry == 1u) walk.at[1] -= p18;
  walk.at[0] += p16 + carry;
}
OFFSETS walk_offsets(Walk walk) { return OFFSETS(0u) + OFFSETS(p26) * walk.at[3] + OFFSETS(p23) * walk.at[2] + OFFSETS(p20) * walk.at[1] + OFFSETS(p17) * walk.at[0]; }
void put(uint part, uint output_index, Acc acc) {
  result[output_index] = uint8_t(acc_result(acc));
}
void main() {
  reduce_main();
}
