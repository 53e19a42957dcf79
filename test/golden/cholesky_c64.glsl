// e c64.f as_type,0:c128 r0
#version 460
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 64);
#define USE_F64
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { vec2 in0[]; };
layout(set = 0, binding = 1, std430) writeonly buffer Buffer1 { dvec2 out0[]; };
layout(push_constant, std430) uniform Push {
  layout(offset = 0) uint count;
  layout(offset = 4) uint offset_in0;
  layout(offset = 8) uint offset_out;
};
void main() {
  uint i = gl_GlobalInvocationID.x + gl_GlobalInvocationID.y * (gl_NumWorkGroups.x * gl_WorkGroupSize.x);
  if (i >= count) return;
  vec2 v0 = in0[offset_in0 + i];
  dvec2 v1 = mi_widen2(v0);
  out0[offset_out + i] = v1;
}
// e c128.l as_type,0:c128 r0
#version 460
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 64);
#define USE_F64
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) writeonly buffer Buffer0 { dvec2 out0[]; };
layout(push_constant, std430) uniform Push {
  layout(offset = 0) uint count;
  layout(offset = 4) uint offset_out;
  layout(offset = 16) uvec4 literal0;
};
void main() {
  uint i = gl_GlobalInvocationID.x + gl_GlobalInvocationID.y * (gl_NumWorkGroups.x * gl_WorkGroupSize.x);
  if (i >= count) return;
  dvec2 v0 = dvec2(packDouble2x32(literal0.xy), packDouble2x32(literal0.zw));
  dvec2 v1 = v0;
  out0[offset_out + i] = v1;
}
// linalg cholesky_panel c128 r n256
#version 460
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 64);
#define USE_F64
#define P_COUNT p0
#define P_N p1
#define P_FROM p2
#define P_TO p3
#define CHOLESKY_PANEL 
#define INVOCATIONS 256u
#define NUM dvec2
#define PART double
#define EPSILON PART(2.220446049250313e-16lf)
#define RESULT_EPSILON PART(1.1920929e-7)
#define HIGHEST_STEP 9
#define MOST_PAIRS 32u
#define COMPLEX 
#define ROUNDS_TO_F32 
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { dvec2 a[]; };
layout(set = 0, binding = 1, std430) buffer Buffer1 { dvec2 l[]; };
layout(push_constant, std430) uniform Push {
  layout(offset = 0) uint p0;
  layout(offset = 4) uint p1;
  layout(offset = 8) uint p2;
  layout(offset = 12) uint p3;
};
void main() {
  cholesky_panel();
}
// e c128.f as_type,0:c64 r0
#version 460
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 64);
#define USE_F64
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { dvec2 in0[]; };
layout(set = 0, binding = 1, std430) writeonly buffer Buffer1 { vec2 out0[]; };
layout(push_constant, std430) uniform Push {
  layout(offset = 0) uint count;
  layout(offset = 4) uint offset_in0;
  layout(offset = 8) uint offset_out;
};
void main() {
  uint i = gl_GlobalInvocationID.x + gl_GlobalInvocationID.y * (gl_NumWorkGroups.x * gl_WorkGroupSize.x);
  if (i >= count) return;
  dvec2 v0 = in0[offset_in0 + i];
  vec2 v1 = vec2(v0);
  out0[offset_out + i] = v1;
}
