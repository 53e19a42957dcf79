// fourier chirp c128
#version 460
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 64);
#define USE_F64
#define REAL double
#define VEC dvec2
#define WIDE 
#define P_LENGTH p0
#define P_WHOLE p1
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) writeonly buffer Buffer0 { dvec2 chirp[]; };
layout(set = 0, binding = 1, std430) writeonly buffer Buffer1 { dvec2 around[]; };
layout(push_constant, std430) uniform Push {
  layout(offset = 0) uint p0;
  layout(offset = 4) uint p1;
};
void main() {
  uint i = gl_GlobalInvocationID.x + gl_GlobalInvocationID.y * (gl_NumWorkGroups.x * gl_WorkGroupSize.x);
  if (i >= p1) return;
  chirp_main(i);
}
// fourier c128 c128 c128 n256 t2048 s
#version 460
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 64);
#define USE_F64
#define REAL double
#define VEC dvec2
#define WIDE 
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
#define P_DIVISOR p27
#define P_DIVISOR2 p28
#define P_EPS p29
#define P_EPS2 p30
#define P_FLAGS p31
#define INVOCATIONS 256u
#define TILE 2341u
#define SKEWED 
#define ROOT_HALF 0.7071067811865476lf
#define SIN_3 0.8660254037844387lf
#define COS_5_1 0.30901699437494745lf
#define SIN_5_1 0.9510565162951535lf
#define COS_5_2 -0.8090169943749473lf
#define SIN_5_2 0.5877852522924732lf
#define ROOTS VEC(1.0lf, 0.0lf), VEC(0.6234898018587336lf, 0.7818314824680298lf), VEC(-0.22252093395631434lf, 0.9749279121818236lf), VEC(-0.900968867902419lf, 0.43388373911755823lf), VEC(-0.9009688679024191lf, -0.433883739117558lf), VEC(-0.2225209339563146lf, -0.9749279121818236lf), VEC(0.6234898018587334lf, -0.7818314824680299lf), VEC(1.0lf, 0.0lf), VEC(0.8412535328311812lf, 0.5406408174555976lf), VEC(0.41541501300188644lf, 0.9096319953545183lf), VEC(-0.142314838273285lf, 0.9898214418809328lf), VEC(-0.654860733945285lf, 0.7557495743542583lf), VEC(-0.9594929736144974lf, 0.28173255684142967lf), VEC(-0.9594929736144975lf, -0.2817325568414294lf), VEC(-0.6548607339452852lf, -0.7557495743542582lf), VEC(-0.14231483827328523lf, -0.9898214418809327lf), VEC(0.41541501300188605lf, -0.9096319953545186lf), VEC(0.8412535328311812lf, -0.5406408174555974lf), VEC(1.0lf, 0.0lf), VEC(0.8854560256532099lf, 0.4647231720437685lf), VEC(0.5680647467311559lf, 0.8229838658936564lf), VEC(0.120536680255323lf, 0.992708874098054lf), VEC(-0.35460488704253545lf, 0.9350162426854148lf), VEC(-0.7485107481711012lf, 0.6631226582407952lf), VEC(-0.970941817426052lf, 0.23931566428755768lf), VEC(-0.9709418174260521lf, -0.23931566428755743lf), VEC(-0.7485107481711013lf, -0.663122658240795lf), VEC(-0.3546048870425359lf, -0.9350162426854147lf), VEC(0.1205366802553232lf, -0.992708874098054lf), VEC(0.5680647467311548lf, -0.822983865893657lf), VEC(0.88545602565321lf, -0.4647231720437684lf)
#define EPS packDouble2x32(uvec2(P_EPS, P_EPS2))
#define divided(z) ((z) / packDouble2x32(uvec2(P_DIVISOR, P_DIVISOR2)))
#define LOAD(i) source[i]
#define STORE(i, z) result[i] = z
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { dvec2 source[]; };
layout(set = 0, binding = 1, std430) writeonly buffer Buffer1 { dvec2 result[]; };
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
// fourier f64 c128 c128 i o n256 t2048 s
#version 460
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 64);
#define USE_F64
#define REAL double
#define VEC dvec2
#define WIDE 
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
#define P_DIVISOR p27
#define P_DIVISOR2 p28
#define P_EPS p29
#define P_EPS2 p30
#define P_FLAGS p31
#define INVOCATIONS 256u
#define TILE 2341u
#define SKEWED 
#define IN_TABLE 
#define OUT_TABLE 
#define ROOT_HALF 0.7071067811865476lf
#define SIN_3 0.8660254037844387lf
#define COS_5_1 0.30901699437494745lf
#define SIN_5_1 0.9510565162951535lf
#define COS_5_2 -0.8090169943749473lf
#define SIN_5_2 0.5877852522924732lf
#define ROOTS VEC(1.0lf, 0.0lf), VEC(0.6234898018587336lf, 0.7818314824680298lf), VEC(-0.22252093395631434lf, 0.9749279121818236lf), VEC(-0.900968867902419lf, 0.43388373911755823lf), VEC(-0.9009688679024191lf, -0.433883739117558lf), VEC(-0.2225209339563146lf, -0.9749279121818236lf), VEC(0.6234898018587334lf, -0.7818314824680299lf), VEC(1.0lf, 0.0lf), VEC(0.8412535328311812lf, 0.5406408174555976lf), VEC(0.41541501300188644lf, 0.9096319953545183lf), VEC(-0.142314838273285lf, 0.9898214418809328lf), VEC(-0.654860733945285lf, 0.7557495743542583lf), VEC(-0.9594929736144974lf, 0.28173255684142967lf), VEC(-0.9594929736144975lf, -0.2817325568414294lf), VEC(-0.6548607339452852lf, -0.7557495743542582lf), VEC(-0.14231483827328523lf, -0.9898214418809327lf), VEC(0.41541501300188605lf, -0.9096319953545186lf), VEC(0.8412535328311812lf, -0.5406408174555974lf), VEC(1.0lf, 0.0lf), VEC(0.8854560256532099lf, 0.4647231720437685lf), VEC(0.5680647467311559lf, 0.8229838658936564lf), VEC(0.120536680255323lf, 0.992708874098054lf), VEC(-0.35460488704253545lf, 0.9350162426854148lf), VEC(-0.7485107481711012lf, 0.6631226582407952lf), VEC(-0.970941817426052lf, 0.23931566428755768lf), VEC(-0.9709418174260521lf, -0.23931566428755743lf), VEC(-0.7485107481711013lf, -0.663122658240795lf), VEC(-0.3546048870425359lf, -0.9350162426854147lf), VEC(0.1205366802553232lf, -0.992708874098054lf), VEC(0.5680647467311548lf, -0.822983865893657lf), VEC(0.88545602565321lf, -0.4647231720437684lf)
#define EPS packDouble2x32(uvec2(P_EPS, P_EPS2))
#define divided(z) ((z) / packDouble2x32(uvec2(P_DIVISOR, P_DIVISOR2)))
#define LOAD(i) dvec2(source[i], 0.0lf)
#define STORE(i, z) result[i] = z
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { double source[]; };
layout(set = 0, binding = 1, std430) readonly buffer Buffer1 { dvec2 in_table[]; };
layout(set = 0, binding = 2, std430) readonly buffer Buffer2 { dvec2 out_table[]; };
layout(set = 0, binding = 3, std430) writeonly buffer Buffer3 { dvec2 result[]; };
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
// fourier c128 c128 c128 o n256 t2048 s
#version 460
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 64);
#define USE_F64
#define REAL double
#define VEC dvec2
#define WIDE 
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
#define P_DIVISOR p27
#define P_DIVISOR2 p28
#define P_EPS p29
#define P_EPS2 p30
#define P_FLAGS p31
#define INVOCATIONS 256u
#define TILE 2341u
#define SKEWED 
#define OUT_TABLE 
#define ROOT_HALF 0.7071067811865476lf
#define SIN_3 0.8660254037844387lf
#define COS_5_1 0.30901699437494745lf
#define SIN_5_1 0.9510565162951535lf
#define COS_5_2 -0.8090169943749473lf
#define SIN_5_2 0.5877852522924732lf
#define ROOTS VEC(1.0lf, 0.0lf), VEC(0.6234898018587336lf, 0.7818314824680298lf), VEC(-0.22252093395631434lf, 0.9749279121818236lf), VEC(-0.900968867902419lf, 0.43388373911755823lf), VEC(-0.9009688679024191lf, -0.433883739117558lf), VEC(-0.2225209339563146lf, -0.9749279121818236lf), VEC(0.6234898018587334lf, -0.7818314824680299lf), VEC(1.0lf, 0.0lf), VEC(0.8412535328311812lf, 0.5406408174555976lf), VEC(0.41541501300188644lf, 0.9096319953545183lf), VEC(-0.142314838273285lf, 0.9898214418809328lf), VEC(-0.654860733945285lf, 0.7557495743542583lf), VEC(-0.9594929736144974lf, 0.28173255684142967lf), VEC(-0.9594929736144975lf, -0.2817325568414294lf), VEC(-0.6548607339452852lf, -0.7557495743542582lf), VEC(-0.14231483827328523lf, -0.9898214418809327lf), VEC(0.41541501300188605lf, -0.9096319953545186lf), VEC(0.8412535328311812lf, -0.5406408174555974lf), VEC(1.0lf, 0.0lf), VEC(0.8854560256532099lf, 0.4647231720437685lf), VEC(0.5680647467311559lf, 0.8229838658936564lf), VEC(0.120536680255323lf, 0.992708874098054lf), VEC(-0.35460488704253545lf, 0.9350162426854148lf), VEC(-0.7485107481711012lf, 0.6631226582407952lf), VEC(-0.970941817426052lf, 0.23931566428755768lf), VEC(-0.9709418174260521lf, -0.23931566428755743lf), VEC(-0.7485107481711013lf, -0.663122658240795lf), VEC(-0.3546048870425359lf, -0.9350162426854147lf), VEC(0.1205366802553232lf, -0.992708874098054lf), VEC(0.5680647467311548lf, -0.822983865893657lf), VEC(0.88545602565321lf, -0.4647231720437684lf)
#define EPS packDouble2x32(uvec2(P_EPS, P_EPS2))
#define divided(z) ((z) / packDouble2x32(uvec2(P_DIVISOR, P_DIVISOR2)))
#define LOAD(i) source[i]
#define STORE(i, z) result[i] = z
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { dvec2 source[]; };
layout(set = 0, binding = 1, std430) readonly buffer Buffer1 { dvec2 out_table[]; };
layout(set = 0, binding = 2, std430) writeonly buffer Buffer2 { dvec2 result[]; };
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
