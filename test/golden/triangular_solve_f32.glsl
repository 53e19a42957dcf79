// e f32.s as_type,0:f64 r2
#version 460
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 64);
#define USE_F64
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { float in0[]; };
layout(set = 0, binding = 1, std430) writeonly buffer Buffer1 { double out0[]; };
layout(push_constant, std430) uniform Push {
  layout(offset = 0) uint count;
  layout(offset = 4) uint size1;
  layout(offset = 8) uint offset_in0;
  layout(offset = 12) uint stride_in0_0;
  layout(offset = 16) uint stride_in0_1;
  layout(offset = 20) uint offset_out;
};
void main() {
  uint i = gl_GlobalInvocationID.x + gl_GlobalInvocationID.y * (gl_NumWorkGroups.x * gl_WorkGroupSize.x);
  if (i >= count) return;
  uint rest = i;
  uint c1 = rest % size1;
  rest /= size1;
  uint c0 = rest;
  uint at_in0 = offset_in0 + c0 * stride_in0_0 + c1 * stride_in0_1;
  float v0 = in0[at_in0];
  double v1 = mi_widen(v0);
  out0[offset_out + i] = v1;
}
// e f32.s as_type,0:f64 r2
#version 460
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 64);
#define USE_F64
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { float in0[]; };
layout(set = 0, binding = 1, std430) writeonly buffer Buffer1 { double out0[]; };
layout(push_constant, std430) uniform Push {
  layout(offset = 0) uint count;
  layout(offset = 4) uint size1;
  layout(offset = 8) uint offset_in0;
  layout(offset = 12) uint stride_in0_0;
  layout(offset = 16) uint stride_in0_1;
  layout(offset = 20) uint offset_out;
};
void main() {
  uint i = gl_GlobalInvocationID.x + gl_GlobalInvocationID.y * (gl_NumWorkGroups.x * gl_WorkGroupSize.x);
  if (i >= count) return;
  uint rest = i;
  uint c1 = rest % size1;
  rest /= size1;
  uint c0 = rest;
  uint at_in0 = offset_in0 + c0 * stride_in0_0 + c1 * stride_in0_1;
  float v0 = in0[at_in0];
  double v1 = mi_widen(v0);
  out0[offset_out + i] = v1;
}
// linalg solve_rows f64 n256
#version 460
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 64);
#define USE_F64
#define P_COUNT p0
#define P_N p1
#define P_M p2
#define P_FROM p3
#define P_TO p4
#define P_CONJUGATE p5
#define SOLVE_ROWS 
#define INVOCATIONS 256u
#define NUM double
#define PART double
#define ELEMENT double
#define EPSILON PART(2.220446049250313e-16lf)
#define RESULT_EPSILON EPSILON
#define HIGHEST_STEP 9
#define MOST_PAIRS 32u
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { double a[]; };
layout(set = 0, binding = 1, std430) buffer Buffer1 { double x[]; };
layout(push_constant, std430) uniform Push {
  layout(offset = 0) uint p0;
  layout(offset = 4) uint p1;
  layout(offset = 8) uint p2;
  layout(offset = 12) uint p3;
  layout(offset = 16) uint p4;
  layout(offset = 20) uint p5;
};
void main() {
  solve_rows();
}
// linalg solve_rest f64 n256
#version 460
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 64);
#define USE_F64
#define P_COUNT p0
#define P_N p1
#define P_M p2
#define P_FROM p3
#define P_TO p4
#define P_CONJUGATE p5
#define SOLVE_REST 
#define INVOCATIONS 256u
#define NUM double
#define PART double
#define ELEMENT double
#define EPSILON PART(2.220446049250313e-16lf)
#define RESULT_EPSILON EPSILON
#define HIGHEST_STEP 9
#define MOST_PAIRS 32u
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { double a[]; };
layout(set = 0, binding = 1, std430) buffer Buffer1 { double x[]; };
layout(push_constant, std430) uniform Push {
  layout(offset = 0) uint p0;
  layout(offset = 4) uint p1;
  layout(offset = 8) uint p2;
  layout(offset = 12) uint p3;
  layout(offset = 16) uint p4;
  layout(offset = 20) uint p5;
};
void main() {
  solve_rest();
}
// linalg solve_rows f64 n256
#version 460
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 64);
#define USE_F64
#define P_COUNT p0
#define P_N p1
#define P_M p2
#define P_FROM p3
#define P_TO p4
#define P_CONJUGATE p5
#define SOLVE_ROWS 
#define INVOCATIONS 256u
#define NUM double
#define PART double
#define ELEMENT double
#define EPSILON PART(2.220446049250313e-16lf)
#define RESULT_EPSILON EPSILON
#define HIGHEST_STEP 9
#define MOST_PAIRS 32u
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { double a[]; };
layout(set = 0, binding = 1, std430) buffer Buffer1 { double x[]; };
layout(push_constant, std430) uniform Push {
  layout(offset = 0) uint p0;
  layout(offset = 4) uint p1;
  layout(offset = 8) uint p2;
  layout(offset = 12) uint p3;
  layout(offset = 16) uint p4;
  layout(offset = 20) uint p5;
};
void main() {
  solve_rows();
}
// linalg solve_rest f64 n256
#version 460
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 64);
#define USE_F64
#define P_COUNT p0
#define P_N p1
#define P_M p2
#define P_FROM p3
#define P_TO p4
#define P_CONJUGATE p5
#define SOLVE_REST 
#define INVOCATIONS 256u
#define NUM double
#define PART double
#define ELEMENT double
#define EPSILON PART(2.220446049250313e-16lf)
#define RESULT_EPSILON EPSILON
#define HIGHEST_STEP 9
#define MOST_PAIRS 32u
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { double a[]; };
layout(set = 0, binding = 1, std430) buffer Buffer1 { double x[]; };
layout(push_constant, std430) uniform Push {
  layout(offset = 0) uint p0;
  layout(offset = 4) uint p1;
  layout(offset = 8) uint p2;
  layout(offset = 12) uint p3;
  layout(offset = 16) uint p4;
  layout(offset = 20) uint p5;
};
void main() {
  solve_rest();
}
// linalg solve_rows f64 n256
#version 460
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 64);
#define USE_F64
#define P_COUNT p0
#define P_N p1
#define P_M p2
#define P_FROM p3
#define P_TO p4
#define P_CONJUGATE p5
#define SOLVE_ROWS 
#define INVOCATIONS 256u
#define NUM double
#define PART double
#define ELEMENT double
#define EPSILON PART(2.220446049250313e-16lf)
#define RESULT_EPSILON EPSILON
#define HIGHEST_STEP 9
#define MOST_PAIRS 32u
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { double a[]; };
layout(set = 0, binding = 1, std430) buffer Buffer1 { double x[]; };
layout(push_constant, std430) uniform Push {
  layout(offset = 0) uint p0;
  layout(offset = 4) uint p1;
  layout(offset = 8) uint p2;
  layout(offset = 12) uint p3;
  layout(offset = 16) uint p4;
  layout(offset = 20) uint p5;
};
void main() {
  solve_rows();
}
// e f64.s as_type,0:f32 r2s
#version 460
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 64);
#define USE_F64
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { double in0[]; };
layout(set = 0, binding = 1, std430) writeonly buffer Buffer1 { float out0[]; };
layout(push_constant, std430) uniform Push {
  layout(offset = 0) uint count;
  layout(offset = 4) uint size1;
  layout(offset = 8) uint offset_in0;
  layout(offset = 12) uint stride_in0_0;
  layout(offset = 16) uint stride_in0_1;
  layout(offset = 20) uint offset_out;
  layout(offset = 24) uint stride_out_0;
  layout(offset = 28) uint stride_out_1;
};
void main() {
  uint i = gl_GlobalInvocationID.x + gl_GlobalInvocationID.y * (gl_NumWorkGroups.x * gl_WorkGroupSize.x);
  if (i >= count) return;
  uint rest = i;
  uint c1 = rest % size1;
  rest /= size1;
  uint c0 = rest;
  uint at_in0 = offset_in0 + c0 * stride_in0_0 + c1 * stride_in0_1;
  uint at_out = offset_out + c0 * stride_out_0 + c1 * stride_out_1;
  double v0 = in0[at_in0];
  float v1 = float(v0);
  out0[at_out] = v1;
}
