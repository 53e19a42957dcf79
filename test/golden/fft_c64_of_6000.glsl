// fourier c64 c64 c64 n256 t4096 s
#version 460
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
#define REAL float
#define VEC vec2
#define P_SIZES p0
#define P_RADICES p1
#define P_ROWS p2
#define P_SIZE1 p3
#define P_SIZE2 p4
#define P_SIZE3 p5
#define P_IN0 p6
#define P_IN1 p7
#define P_IN2 p8
#define P_IN3 p9
#define P_IN_FIRST p10
#define P_IN_STEP p11
#define P_IN_BY p12
#define P_IN_BY3 p13
#define P_IN_COUNT p14
#define P_OUT0 p15
#define P_OUT1 p16
#define P_OUT2 p17
#define P_OUT3 p18
#define P_OUT_FIRST p19
#define P_OUT_STEP p20
#define P_OUT_BY p21
#define P_OUT_BY2 p22
#define P_OUT_BY3 p23
#define P_OUT_COUNT p24
#define P_LENGTH p25
#define P_TURN p26
#define P_SCALE p27
#define P_SCALE2 p28
#define P_EPS p29
#define P_EPS2 p30
#define P_FLAGS p31
#define ROOT_HALF 0.70710677
#define EPS uintBitsToFloat(P_EPS)
#define scaled(z) ((z) * uintBitsToFloat(P_SCALE))
#define MAY_DIVIDE 
#define divided(z) ((z) / uintBitsToFloat(P_SCALE) / uintBitsToFloat(P_SCALE2))
#define LOAD(i) source[i]
#define STORE(i, z) result[i] = z
#define INVOCATIONS 256u
#define TILE 4681u
#define SKEWED 
#define SIN_3 0.8660254
#define COS_5_1 0.309017
#define SIN_5_1 0.95105654
#define COS_5_2 -0.809017
#define SIN_5_2 0.58778524
#define ROOTS VEC(1.0, 0.0), VEC(0.6234898, 0.7818315), VEC(-0.22252093, 0.9749279), VEC(-0.90096885, 0.43388373), VEC(-0.90096885, -0.43388373), VEC(-0.22252093, -0.9749279), VEC(0.6234898, -0.7818315), VEC(1.0, 0.0), VEC(0.8412535, 0.54064083), VEC(0.41541502, 0.90963197), VEC(-0.14231484, 0.98982143), VEC(-0.65486073, 0.7557496), VEC(-0.959493, 0.28173256), VEC(-0.959493, -0.28173256), VEC(-0.65486073, -0.7557496), VEC(-0.14231484, -0.98982143), VEC(0.41541502, -0.90963197), VEC(0.8412535, -0.54064083), VEC(1.0, 0.0), VEC(0.885456, 0.46472317), VEC(0.56806475, 0.82298386), VEC(0.12053668, 0.99270886), VEC(-0.3546049, 0.9350162), VEC(-0.7485108, 0.66312265), VEC(-0.97094184, 0.23931566), VEC(-0.97094184, -0.23931566), VEC(-0.7485108, -0.66312265), VEC(-0.3546049, -0.9350162), VEC(0.12053668, -0.99270886), VEC(0.56806475, -0.82298386), VEC(0.885456, -0.46472317)
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { vec2 source[]; };
layout(set = 0, binding = 1, std430) writeonly buffer Buffer1 { vec2 result[]; };
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
  layout(offset = 52) uint p13;
  layout(offset = 56) uint p14;
  layout(offset = 60) uint p15;
  layout(offset = 64) uint p16;
  layout(offset = 68) uint p17;
  layout(offset = 72) uint p18;
  layout(offset = 76) uint p19;
  layout(offset = 80) uint p20;
  layout(offset = 84) uint p21;
  layout(offset = 88) uint p22;
  layout(offset = 92) uint p23;
  layout(offset = 96) uint p24;
  layout(offset = 100) uint p25;
  layout(offset = 104) uint p26;
  layout(offset = 108) uint p27;
  layout(offset = 112) uint p28;
  layout(offset = 116) uint p29;
  layout(offset = 120) uint p30;
  layout(offset = 124) uint p31;
};
void main() {
  fourier_main();
}
// fourier c64 c64 c64 n256 t4096 s
#version 460
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
#define REAL float
#define VEC vec2
#define P_SIZES p0
#define P_RADICES p1
#define P_ROWS p2
#define P_SIZE1 p3
#define P_SIZE2 p4
#define P_SIZE3 p5
#define P_IN0 p6
#define P_IN1 p7
#define P_IN2 p8
#define P_IN3 p9
#define P_IN_FIRST p10
#define P_IN_STEP p11
#define P_IN_BY p12
#define P_IN_BY3 p13
#define P_IN_COUNT p14
#define P_OUT0 p15
#define P_OUT1 p16
#define P_OUT2 p17
#define P_OUT3 p18
#define P_OUT_FIRST p19
#define P_OUT_STEP p20
#define P_OUT_BY p21
#define P_OUT_BY2 p22
#define P_OUT_BY3 p23
#define P_OUT_COUNT p24
#define P_LENGTH p25
#define P_TURN p26
#define P_SCALE p27
#define P_SCALE2 p28
#define P_EPS p29
#define P_EPS2 p30
#define P_FLAGS p31
#define ROOT_HALF 0.70710677
#define EPS uintBitsToFloat(P_EPS)
#define scaled(z) ((z) * uintBitsToFloat(P_SCALE))
#define MAY_DIVIDE 
#define divided(z) ((z) / uintBitsToFloat(P_SCALE) / uintBitsToFloat(P_SCALE2))
#define LOAD(i) source[i]
#define STORE(i, z) result[i] = z
#define INVOCATIONS 256u
#define TILE 4681u
#define SKEWED 
#define SIN_3 0.8660254
#define COS_5_1 0.309017
#define SIN_5_1 0.95105654
#define COS_5_2 -0.809017
#define SIN_5_2 0.58778524
#define ROOTS VEC(1.0, 0.0), VEC(0.6234898, 0.7818315), VEC(-0.22252093, 0.9749279), VEC(-0.90096885, 0.43388373), VEC(-0.90096885, -0.43388373), VEC(-0.22252093, -0.9749279), VEC(0.6234898, -0.7818315), VEC(1.0, 0.0), VEC(0.8412535, 0.54064083), VEC(0.41541502, 0.90963197), VEC(-0.14231484, 0.98982143), VEC(-0.65486073, 0.7557496), VEC(-0.959493, 0.28173256), VEC(-0.959493, -0.28173256), VEC(-0.65486073, -0.7557496), VEC(-0.14231484, -0.98982143), VEC(0.41541502, -0.90963197), VEC(0.8412535, -0.54064083), VEC(1.0, 0.0), VEC(0.885456, 0.46472317), VEC(0.56806475, 0.82298386), VEC(0.12053668, 0.99270886), VEC(-0.3546049, 0.9350162), VEC(-0.7485108, 0.66312265), VEC(-0.97094184, 0.23931566), VEC(-0.97094184, -0.23931566), VEC(-0.7485108, -0.66312265), VEC(-0.3546049, -0.9350162), VEC(0.12053668, -0.99270886), VEC(0.56806475, -0.82298386), VEC(0.885456, -0.46472317)
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { vec2 source[]; };
layout(set = 0, binding = 1, std430) writeonly buffer Buffer1 { vec2 result[]; };
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
  layout(offset = 52) uint p13;
  layout(offset = 56) uint p14;
  layout(offset = 60) uint p15;
  layout(offset = 64) uint p16;
  layout(offset = 68) uint p17;
  layout(offset = 72) uint p18;
  layout(offset = 76) uint p19;
  layout(offset = 80) uint p20;
  layout(offset = 84) uint p21;
  layout(offset = 88) uint p22;
  layout(offset = 92) uint p23;
  layout(offset = 96) uint p24;
  layout(offset = 100) uint p25;
  layout(offset = 104) uint p26;
  layout(offset = 108) uint p27;
  layout(offset = 112) uint p28;
  layout(offset = 116) uint p29;
  layout(offset = 120) uint p30;
  layout(offset = 124) uint p31;
};
void main() {
  fourier_main();
}
