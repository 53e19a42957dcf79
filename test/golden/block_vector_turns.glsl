// e bf16.f f32.f multiply,0,1:f32 v0 x2
#version 460
#extension GL_EXT_shader_16bit_storage : require
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { u16vec4 in0[]; };
layout(set = 0, binding = 1, std430) readonly buffer Buffer1 { vec4 in1[]; };
layout(set = 0, binding = 2, std430) writeonly buffer Buffer2 { vec4 out0[]; };
layout(push_constant, std430) uniform Push {
  layout(offset = 0) uint count;
  layout(offset = 4) uint offset_in0;
  layout(offset = 8) uint offset_in1;
  layout(offset = 12) uint offset_out;
};
float element(uint w0, float w1) {
  float v0 = bf16_value(uint(w0));
  float v1 = w1;
  float v2 = op_multiply(v0, v1);
  return v2;
}
void main() {
  uint first = (gl_WorkGroupID.x + gl_WorkGroupID.y * gl_NumWorkGroups.x) * (gl_WorkGroupSize.x * 2u) + gl_LocalInvocationID.x;
  uint i_0 = first + 0u * gl_WorkGroupSize.x;
  uint i_1 = first + 1u * gl_WorkGroupSize.x;
  uvec4 w0_0 = uvec4(in0[offset_in0 + i_0]);
  vec4 w1_0 = vec4(in1[offset_in1 + i_0]);
  uvec4 w0_1 = uvec4(in0[offset_in0 + i_1]);
  vec4 w1_1 = vec4(in1[offset_in1 + i_1]);
  vec4 e0_0;
  e0_0.x = element(w0_0.x, w1_0.x);
  e0_0.y = element(w0_0.y, w1_0.y);
  e0_0.z = element(w0_0.z, w1_0.z);
  e0_0.w = element(w0_0.w, w1_0.w);
  if (i_0 < count) {
  out0[offset_out + i_0] = e0_0;
  }
  vec4 e0_1;
  e0_1.x = element(w0_1.x, w1_1.x);
  e0_1.y = element(w0_1.y, w1_1.y);
  e0_1.z = element(w0_1.z, w1_1.z);
  e0_1.w = element(w0_1.w, w1_1.w);
  if (i_1 < count) {
  out0[offset_out + i_1] = e0_1;
  }
}
