// linalg cholesky c128 r n256 PANEL16 TILE64
#version 460
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 64);
#define USE_F64
#define P_COUNT p0
#define P_N p1
#define P_FROM p2
#define P_TO p3
#define CHOLESKY 
#define INVOCATIONS 256u
#define NUM dvec2
#define PART double
#define ELEMENT vec2
#define PANEL 16u
#define TILE 64u
#define EPSILON PART(2.220446049250313e-16lf)
#define RESULT_EPSILON PART(1.1920929e-7)
#define HIGHEST_STEP 9
#define MOST_PAIRS 32u
#define COMPLEX 
#define ROUNDS_TO_F32 
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { vec2 a[]; };
layout(set = 0, binding = 1, std430) buffer Buffer1 { dvec2 sums[]; };
layout(set = 0, binding = 2, std430) buffer Buffer2 { vec2 l[]; };
layout(push_constant, std430) uniform Push {
  layout(offset = 0) uint p0;
  layout(offset = 4) uint p1;
  layout(offset = 8) uint p2;
  layout(offset = 12) uint p3;
};
void main() {
  cholesky();
}
