// e u64.f s64.f remainder,0,1:s64@s65 r0
#version 460
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
#define USE_I64
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { uint64_t in0[]; };
layout(set = 0, binding = 1, std430) readonly buffer Buffer1 { int64_t in1[]; };
layout(set = 0, binding = 2, std430) writeonly buffer Buffer2 { int64_t out0[]; };
layout(push_constant, std430) uniform Push {
  layout(offset = 0) uint count;
  layout(offset = 4) uint offset_in0;
  layout(offset = 8) uint offset_in1;
  layout(offset = 12) uint offset_out;
};
void main() {
  uint i = gl_GlobalInvocationID.x + gl_GlobalInvocationID.y * (gl_NumWorkGroups.x * gl_WorkGroupSize.x);
  if (i >= count) return;
  uint64_t v0 = in0[offset_in0 + i];
  int64_t v1 = in1[offset_in1 + i];
  int64_t v2 = int64_t(wide_remainder(wide(v0), wide(v1)));
  out0[offset_out + i] = v2;
}
