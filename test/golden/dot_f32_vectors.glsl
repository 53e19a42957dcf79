// reduce sum f32 f32 f32 f32 i2r k0w1n256
#version 460
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 64);
#define USE_F64
#define INVOCATIONS 256u
#define LOG_INVOCATIONS 8u
#define P_OUTPUTS p0
#define P_COUNT p1
#define P_CHUNK p2
#define P_MODE p3
#define OFFSETS uvec2
#define ELEMENT vec2
#define ROUND 4
#define WALK_RANK 1
#define PRODUCT_IN_DOUBLE 
#define VALUE float
#define VALUE_F32 
#define ACC_SUM_COMPENSATED 
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { float in0[]; };
layout(set = 0, binding = 1, std430) readonly buffer Buffer1 { float in1[]; };
layout(set = 0, binding = 2, std430) writeonly buffer Buffer2 { float result[]; };
layout(push_constant, std430) uniform Push {
  layout(offset = 0) uint p0;
  layout(offset = 4) uint p1;
  layout(offset = 8) uint p2;
  layout(offset = 12) uint p3;
  layout(offset = 16) uint p4;
  layout(offset = 20) uint p5;
  layout(offset = 24) uint p6;
  layout(offset = 28) uint p7;
};
ELEMENT fetch(OFFSETS at) {
  return ELEMENT(in0[at.x], in1[at.y]);
}
void take(inout Acc acc, ELEMENT x, uint position) {
  acc_product(acc, x.x, x.y);
}
OFFSETS kept_offsets(uint index) {
  OFFSETS at = OFFSETS(p4, p5);
  return at;
}
OFFSETS walk_linear(uint position) { return OFFSETS(p6, p7) * position; }
void put(uint part, uint output_index, Acc acc) {
  result[output_index] = acc_result(acc);
}
void main() {
  reduce_main();
}
