reduce sum f32 f32 f32 i1r k1w1n256 + f32.e f32.s f32.l add,0,1:f32 max,3,2:f32 >3,4 ff 2
#version 460
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
#define INVOCATIONS 256u
#define LOG_INVOCATIONS 8u
#define P_OUTPUTS p0
#define P_COUNT p1
#define P_CHUNK p2
#define P_MODE p3
#define OFFSETS uint
#define ELEMENT float
#define ROUND 4
#define WALK_RANK 1
#define VALUE float
#define VALUE_F32 
#define ACC_SUM_COMPENSATED 
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { float in0[]; };
layout(set = 0, binding = 1, std430) readonly buffer Buffer1 { float beside0[]; };
layout(set = 0, binding = 2, std430) writeonly buffer Buffer2 { float out0[]; };
layout(set = 0, binding = 3, std430) writeonly buffer Buffer3 { float out1[]; };
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
};
uint place0_0(uint index) {
  uint at = 0u;
  at += p15 * (index % p14);
  index /= p14;
  at += p13 * index;
  return at;
}
void finish(uint element, uint g0, float value) {
  uint at0 = p9 + place0_0(g0);
  uint at1 = p10 + element;
  uint at2 = p11 + element;
  float v0 = value;
  float v1 = beside0[at0];
  float v2 = uintBitsToFloat(p8);
  float v3 = op_add(v0, v1);
  float v4 = op_max(v3, v2);
  out0[at1] = v3;
  out1[at2] = v4;
}
void put(uint part, uint output_index, Acc acc) {
  finish(output_index, output_index, acc_result(acc));
}
void main() {
  reduce_main();
}
