// e u8.f s64.f s64.l select,0,1,2:s64 v0
#version 460
#extension GL_EXT_shader_8bit_storage : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
#define USE_I64
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { u8vec4 in0[]; };
layout(set = 0, binding = 1, std430) readonly buffer Buffer1 { i64vec4 in1[]; };
layout(set = 0, binding = 2, std430) writeonly buffer Buffer2 { i64vec4 out0[]; };
layout(push_constant, std430) uniform Push {
  layout(offset = 0) uint count;
  layout(offset = 4) uint offset_in0;
  layout(offset = 8) uint offset_in1;
  layout(offset = 12) uint offset_out;
  layout(offset = 16) uvec2 literal2;
};
int64_t element(uint w0, int64_t w1) {
  uint v0 = uint(w0);
  int64_t v1 = w1;
  int64_t v2 = int64_t(packUint2x32(literal2));
  int64_t v3 = (is_true(v0) ? v1 : v2);
  return v3;
}
void main() {
  uint i = gl_GlobalInvocationID.x + gl_GlobalInvocationID.y * (gl_NumWorkGroups.x * gl_WorkGroupSize.x);
  if (i >= count) return;
  uvec4 w0 = uvec4(in0[offset_in0 + i]);
  i64vec4 w1 = i64vec4(in1[offset_in1 + i]);
  i64vec4 e0;
  e0.x = element(w0.x, w1.x);
  e0.y = element(w0.y, w1.y);
  e0.z = element(w0.z, w1.z);
  e0.w = element(w0.w, w1.w);
  out0[offset_out + i] = e0;
}
