// reduce sum s8 s32 s32 s32 i2r k2w1n256
#version 460
#extension GL_EXT_shader_8bit_storage : require
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
#define INVOCATIONS 256u
#define LOG_INVOCATIONS 8u
#define P_OUTPUTS p0
#define P_COUNT p1
#define P_CHUNK p2
#define P_MODE p3
#define OFFSETS uvec2
#define ELEMENT int
#define ROUND 4
#define WALK_RANK 1
#define VALUE int
#define ACC_SUM 
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { int8_t in0[]; };
layout(set = 0, binding = 1, std430) readonly buffer Buffer1 { int in1[]; };
layout(set = 0, binding = 2, std430) writeonly buffer Buffer2 { int result[]; };
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
ELEMENT fetch(OFFSETS at) {
  return int(in0[at.x]) * in1[at.y];
}
void take(inout Acc acc, ELEMENT x, uint position) {
  acc_add(acc, x, position);
}
OFFSETS kept_offsets(uint index) {
  OFFSETS at = OFFSETS(p4, p5);
  at += OFFSETS(p10, p11) * (index % p9);
  index /= p9;
  at += OFFSETS(p7, p8) * index;
  return at;
}
OFFSETS walk_linear(uint position) { return OFFSETS(p12, p13) * position; }
void put(uint part, uint output_index, Acc acc) {
  result[output_index] = acc_result(acc);
}
void main() {
  reduce_main();
}
