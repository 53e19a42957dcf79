// e f16.l as_type,0:f16 r0
#version 460
#extension GL_EXT_shader_16bit_storage : require
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) writeonly buffer Buffer0 { uint16_t out0[]; };
layout(push_constant, std430) uniform Push {
  layout(offset = 0) uint count;
  layout(offset = 4) uint offset_out;
  layout(offset = 8) uint literal0;
};
void main() {
  uint i = gl_GlobalInvocationID.x + gl_GlobalInvocationID.y * (gl_NumWorkGroups.x * gl_WorkGroupSize.x);
  if (i >= count) return;
  float v0 = uintBitsToFloat(literal0);
  float v1 = v0;
  out0[offset_out + i] = uint16_t(f16_bits(v1));
}
// fold bf16 f16 k2w2 f16 f16 f16=3f800000 greater,0,2:u8 f32=3f000000 multiply,1,4:f16 select,3,5,0:f16
#version 460
#extension GL_EXT_shader_16bit_storage : require
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
#define P_RESULTS p0
#define P_FIRST p1
#define P_END p2
#define P_IN_START p3
#define P_OUT_START p4
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { uint16_t source[]; };
layout(set = 0, binding = 1, std430) buffer Buffer1 { uint16_t result[]; };
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
uint kept_offset(uint index) {
  uint at = P_IN_START;
  at += p8 * (index % p7);
  index /= p7;
  at += p6 * index;
  return at;
}
uint walk_offset(uint index) {
  uint at = 0u;
  at += p12 * (index % p11);
  index /= p11;
  at += p10 * index;
  return at;
}
float function(float x, float acc) {
  float v0 = x;
  float v1 = acc;
  float v2 = uintBitsToFloat(1065353216u);
  uint v3 = uint(compare(v0, v2) == 1);
  float v4 = uintBitsToFloat(1056964608u);
  float v5 = f16_value(f16_bits(op_multiply(v1, v4)));
  float v6 = (is_true(v3) ? v5 : v0);
  return f16_value(f16_bits(v6));
}
void main() {
  uint i = gl_GlobalInvocationID.x + gl_GlobalInvocationID.y * (gl_NumWorkGroups.x * gl_WorkGroupSize.x);
  if (i >= P_RESULTS) return;
  uint kept = kept_offset(i), at = P_OUT_START + i;
  float acc = f16_value(uint(result[at]));
  for (uint position = P_FIRST; position < P_END; ++position) {
    float element = bf16_value(uint(source[kept + walk_offset(position)]));
    acc = function(f16_value(f16_bits(element)), acc);
  }
  result[at] = uint16_t(f16_bits(acc));
}
