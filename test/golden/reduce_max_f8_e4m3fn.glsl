// reduce max f8_e4m3fn f8_e4m3fn f8_e4m3fn i1vr k0w1n256
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
#define OFFSETS uint
#define ELEMENT vec4
#define ROUND 2
#define WALK_RANK 1
#define VALUE float
#define VALUE_F32 
#define ACC_MAX 
#define ACC_START (-448.0)
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { u8vec4 in0[]; };
layout(set = 0, binding = 1, std430) writeonly buffer Buffer1 { uint8_t result[]; };
layout(push_constant, std430) uniform Push {
  layout(offset = 0) uint p0;
  layout(offset = 4) uint p1;
  layout(offset = 8) uint p2;
  layout(offset = 12) uint p3;
  layout(offset = 16) uint p4;
  layout(offset = 20) uint p5;
};
ELEMENT fetch(OFFSETS at) {
  uvec4 w0 = uvec4(in0[at]);
  return ELEMENT(f8_e4m3fn_value(uint(w0.x)), f8_e4m3fn_value(uint(w0.y)), f8_e4m3fn_value(uint(w0.z)), f8_e4m3fn_value(uint(w0.w)));
}
void take(inout Acc acc, ELEMENT x, uint position) {
  acc_add(acc, x.x, 4u * position);
  acc_add(acc, x.y, 4u * position + 1u);
  acc_add(acc, x.z, 4u * position + 2u);
  acc_add(acc, x.w, 4u * position + 3u);
}
OFFSETS kept_offsets(uint index) {
  OFFSETS at = OFFSETS(p4);
  return at;
}
OFFSETS walk_linear(uint position) { return OFFSETS(p5) * position; }
void put(uint part, uint output_index, Acc acc) {
  result[output_index] = uint8_t(f8_e4m3fn_bits(acc_result(acc)));
}
void main() {
  reduce_main();
}
