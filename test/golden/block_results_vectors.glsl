// e f16.f f32.1 exp,0:f16 multiply,2,1:f32 less,3,1:u8 >2,3,4 v0
#version 460
#extension GL_EXT_shader_8bit_storage : require
#extension GL_EXT_shader_16bit_storage : require
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 64);
#define USE_F64
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { u16vec4 in0[]; };
layout(set = 0, binding = 1, std430) readonly buffer Buffer1 { float in1[]; };
layout(set = 0, binding = 2, std430) writeonly buffer Buffer2 { u16vec4 out0[]; };
layout(set = 0, binding = 3, std430) writeonly buffer Buffer3 { vec4 out1[]; };
layout(set = 0, binding = 4, std430) writeonly buffer Buffer4 { u8vec4 out2[]; };
layout(push_constant, std430) uniform Push {
  layout(offset = 0) uint count;
  layout(offset = 4) uint offset_in0;
  layout(offset = 8) uint offset_in1;
  layout(offset = 12) uint offset_out;
  layout(offset = 16) uint offset_out1;
  layout(offset = 20) uint offset_out2;
};
void element(uint w0, float w1, out uint r0, out float r1, out uint r2) {
  float v0 = f16_value(uint(w0));
  float v1 = w1;
  float v2 = f16_value(f16_bits(m_exp(v0)));
  float v3 = op_multiply(v2, v1);
  uint v4 = uint(compare(v3, v1) == -1);
  r0 = f16_bits(v2);
  r1 = v3;
  r2 = v4;
}
void main() {
  uint i = gl_GlobalInvocationID.x + gl_GlobalInvocationID.y * (gl_NumWorkGroups.x * gl_WorkGroupSize.x);
  if (i >= count) return;
  uvec4 w0 = uvec4(in0[offset_in0 + i]);
  float w1 = float(in1[offset_in1]);
  uvec4 e0;
  vec4 e1;
  uvec4 e2;
  element(w0.x, w1, e0.x, e1.x, e2.x);
  element(w0.y, w1, e0.y, e1.y, e2.y);
  element(w0.z, w1, e0.z, e1.z, e2.z);
  element(w0.w, w1, e0.w, e1.w, e2.w);
  out0[offset_out + i] = u16vec4(e0);
  out1[offset_out1 + i] = e1;
  out2[offset_out2 + i] = u8vec4(e2);
}
