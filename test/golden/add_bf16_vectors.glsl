// e bf16.f bf16.f add,0,1:bf16 v0
#version 460
#extension GL_EXT_shader_16bit_storage : require
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { u16vec4 in0[]; };
layout(set = 0, binding = 1, std430) readonly buffer Buffer1 { u16vec4 in1[]; };
layout(set = 0, binding = 2, std430) writeonly buffer Buffer2 { u16vec4 out0[]; };
layout(push_constant, std430) uniform Push {
  layout(offset = 0) uint count;
  layout(offset = 4) uint offset_in0;
  layout(offset = 8) uint offset_in1;
  layout(offset = 12) uint offset_out;
};
uint element(uint w0, uint w1) {
  float v0 = bf16_value(uint(w0));
  float v1 = bf16_value(uint(w1));
  float v2 = op_add(v0, v1);
  return bf16_bits(v2);
}
void main() {
  uint i = gl_GlobalInvocationID.x + gl_GlobalInvocationID.y * (gl_NumWorkGroups.x * gl_WorkGroupSize.x);
  if (i >= count) return;
  uvec4 w0 = uvec4(in0[offset_in0 + i]);
  uvec4 w1 = uvec4(in1[offset_in1 + i]);
  uvec4 e0;
  e0.x = element(w0.x, w1.x);
  e0.y = element(w0.y, w1.y);
  e0.z = element(w0.z, w1.z);
  e0.w = element(w0.w, w1.w);
  out0[offset_out + i] = u16vec4(e0);
}
