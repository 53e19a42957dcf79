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
// fourier power c128 c128 c128 l64 e8 n256 h ui uo
#version 460
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 64);
#define USE_F64
#define REAL double
#define VEC dvec2
#define WIDE 
#define P_ROWS p0
#define P_SIZE1 p1
#define P_SIZE2 p2
#define P_SIZE3 p3
#define P_IN0 p4
#define P_IN1 p5
#define P_IN2 p6
#define P_IN3 p7
#define P_IN_FIRST p8
#define P_IN_STEP p9
#define P_IN_BY p10
#define P_IN_BY3 p11
#define P_IN_COUNT p12
#define P_OUT0 p13
#define P_OUT1 p14
#define P_OUT2 p15
#define P_OUT3 p16
#define P_OUT_FIRST p17
#define P_OUT_STEP p18
#define P_OUT_BY p19
#define P_OUT_BY2 p20
#define P_OUT_BY3 p21
#define P_OUT_COUNT p22
#define P_LENGTH p23
#define P_TURN p24
#define P_SCALE p25
#define P_SCALE2 p26
#define P_EPS p27
#define P_EPS2 p28
#define P_FLAGS p29
#define ROOT_HALF 0.7071067811865476lf
#define EPS packDouble2x32(uvec2(P_EPS, P_EPS2))
#define scaled(z) ((z) * packDouble2x32(uvec2(P_SCALE, P_SCALE2)))
#define LOAD(i) source[i]
#define STORE(i, z) result[i] = z
#define POWERS 
#define AROUND 8u
#define TOGETHER 32u
#define HALVES 
#define TILE 2048u
#define slot(i) ((i) ^ ((i) >> 3 & 15u))
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
};
void main() {
  uvec2 in_at = place_of(true), out_at = place_of(true);
  uint first = (gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x) * TOGETHER;
  VEC v0 = VEC(0, 0), v1 = VEC(0, 0), v2 = VEC(0, 0), v3 = VEC(0, 0), v4 = VEC(0, 0), v5 = VEC(0, 0), v6 = VEC(0, 0), v7 = VEC(0, 0);
  if (first + in_at.x < P_ROWS) {
    uvec4 from = row_of(first + in_at.x);
    uint place = start_in(from) + whole_in(from) + in_at.y;
    v0 = loaded(place + 0u);
    v1 = loaded(place + 8u);
    v2 = loaded(place + 16u);
    v3 = loaded(place + 24u);
    v4 = loaded(place + 32u);
    v5 = loaded(place + 40u);
    v6 = loaded(place + 48u);
    v7 = loaded(place + 56u);
  }
  VEC coarse1_1 = turn(out_at.y * 2u, 64u);
  VEC fine1_1 = turn(out_at.y * 1u, 64u);
  if (has(kConjugateIn)) {
    v0 = conjugated(v0);
    v1 = conjugated(v1);
    v2 = conjugated(v2);
    v3 = conjugated(v3);
    v4 = conjugated(v4);
    v5 = conjugated(v5);
    v6 = conjugated(v6);
    v7 = conjugated(v7);
  }
  radix_4(v0, v2, v4, v6);
  radix_4(v1, v3, v5, v7);
  radix_2(v0, v1);
  v3 = (v3 + turned_back(v3)) * ROOT_HALF;
  radix_2(v2, v3);
  v5 = turned_back(v5);
  radix_2(v4, v5);
  v7 = (turned_back(v7) - v7) * ROOT_HALF;
  radix_2(v6, v7);
  uint to0 = slot(in_at.x * 64u + (in_at.y / 1u * 8u + in_at.y % 1u) * 1u);
  uint tile_at = slot(out_at.x * 64u + (out_at.y) * 1u);
  tile[to0 + 0u] = v0.x;
  tile[(to0 ^ 1u) + 0u] = v2.x;
  tile[(to0 ^ 2u) + 0u] = v4.x;
  tile[(to0 ^ 3u) + 0u] = v6.x;
  tile[(to0 ^ 4u) + 0u] = v1.x;
  tile[(to0 ^ 5u) + 0u] = v3.x;
  tile[(to0 ^ 6u) + 0u] = v5.x;
  tile[(to0 ^ 7u) + 0u] = v7.x;
  barrier();
  v0.x = tile[tile_at + 0u];
  v1.x = tile[(tile_at ^ 9u) + 0u];
  v2.x = tile[(tile_at ^ 2u) + 16u];
  v3.x = tile[(tile_at ^ 11u) + 16u];
  v4.x = tile[(tile_at ^ 4u) + 32u];
  v5.x = tile[(tile_at ^ 13u) + 32u];
  v6.x = tile[(tile_at ^ 6u) + 48u];
  v7.x = tile[(tile_at ^ 15u) + 48u];
  barrier();
  tile[to0 + 0u] = v0.y;
  tile[(to0 ^ 1u) + 0u] = v2.y;
  tile[(to0 ^ 2u) + 0u] = v4.y;
  tile[(to0 ^ 3u) + 0u] = v6.y;
  tile[(to0 ^ 4u) + 0u] = v1.y;
  tile[(to0 ^ 5u) + 0u] = v3.y;
  tile[(to0 ^ 6u) + 0u] = v5.y;
  tile[(to0 ^ 7u) + 0u] = v7.y;
  barrier();
  v0.y = tile[tile_at + 0u];
  v1.y = tile[(tile_at ^ 9u) + 0u];
  v2.y = tile[(tile_at ^ 2u) + 16u];
  v3.y = tile[(tile_at ^ 11u) + 16u];
  v4.y = tile[(tile_at ^ 4u) + 32u];
  v5.y = tile[(tile_at ^ 13u) + 32u];
  v6.y = tile[(tile_at ^ 6u) + 48u];
  v7.y = tile[(tile_at ^ 15u) + 48u];
  VEC coarse1_2 = product(coarse1_1, coarse1_1);
  VEC coarse1_3 = product(coarse1_2, coarse1_1);
  v2 = product(v2, coarse1_1);
  v3 = product(v3, coarse1_1);
  v4 = product(v4, coarse1_2);
  v5 = product(v5, coarse1_2);
  v6 = product(v6, coarse1_3);
  v7 = product(v7, coarse1_3);
  radix_4(v0, v2, v4, v6);
  radix_4(v1, v3, v5, v7);
  v1 = product(v1, fine1_1);
  radix_2(v0, v1);
  v3 = product(v3, fine1_1);
  v3 = (v3 + turned_back(v3)) * ROOT_HALF;
  radix_2(v2, v3);
  v5 = product(v5, fine1_1);
  v5 = turned_back(v5);
  radix_2(v4, v5);
  v7 = product(v7, fine1_1);
  v7 = (turned_back(v7) - v7) * ROOT_HALF;
  radix_2(v6, v7);
  if (first + out_at.x < P_ROWS) {
    uvec4 to = row_of(first + out_at.x);
    if (has(kConjugateOut)) {
      v0 = conjugated(v0);
      v1 = conjugated(v1);
      v2 = conjugated(v2);
      v3 = conjugated(v3);
      v4 = conjugated(v4);
      v5 = conjugated(v5);
      v6 = conjugated(v6);
      v7 = conjugated(v7);
    }
    if (has(kScaled)) {
      v0 = scaled(v0);
      v1 = scaled(v1);
      v2 = scaled(v2);
      v3 = scaled(v3);
      v4 = scaled(v4);
      v5 = scaled(v5);
      v6 = scaled(v6);
      v7 = scaled(v7);
    }
    if (EPS >= REAL(0)) {
      v0 = cleared(v0);
      v1 = cleared(v1);
      v2 = cleared(v2);
      v3 = cleared(v3);
      v4 = cleared(v4);
      v5 = cleared(v5);
      v6 = cleared(v6);
      v7 = cleared(v7);
    }
    uint place = start_out(to) + whole_out(to) + out_at.y;
    stored(v0, place + 0u);
    stored(v2, place + 8u);
    stored(v4, place + 16u);
    stored(v6, place + 24u);
    stored(v1, place + 32u);
    stored(v3, place + 40u);
    stored(v5, place + 48u);
    stored(v7, place + 56u);
  }
}
// fourier power f64 c128 c128 i o l64 e8 n256 h ci co
#version 460
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 64);
#define USE_F64
#define REAL double
#define VEC dvec2
#define WIDE 
#define P_ROWS p0
#define P_SIZE1 p1
#define P_SIZE2 p2
#define P_SIZE3 p3
#define P_IN0 p4
#define P_IN1 p5
#define P_IN2 p6
#define P_IN3 p7
#define P_IN_FIRST p8
#define P_IN_STEP p9
#define P_IN_BY p10
#define P_IN_BY3 p11
#define P_IN_COUNT p12
#define P_OUT0 p13
#define P_OUT1 p14
#define P_OUT2 p15
#define P_OUT3 p16
#define P_OUT_FIRST p17
#define P_OUT_STEP p18
#define P_OUT_BY p19
#define P_OUT_BY2 p20
#define P_OUT_BY3 p21
#define P_OUT_COUNT p22
#define P_LENGTH p23
#define P_TURN p24
#define P_SCALE p25
#define P_SCALE2 p26
#define P_EPS p27
#define P_EPS2 p28
#define P_FLAGS p29
#define IN_TABLE 
#define OUT_TABLE 
#define ROOT_HALF 0.7071067811865476lf
#define EPS packDouble2x32(uvec2(P_EPS, P_EPS2))
#define scaled(z) ((z) * packDouble2x32(uvec2(P_SCALE, P_SCALE2)))
#define MAY_DIVIDE 
#define divided(z) ((z) / packDouble2x32(uvec2(P_SCALE, P_SCALE2)))
#define LOAD(i) dvec2(source[i], 0.0lf)
#define STORE(i, z) result[i] = z
#define POWERS 
#define AROUND 8u
#define TOGETHER 32u
#define HALVES 
#define TILE 2048u
#define slot(i) ((i) ^ ((i) >> 3 & 15u))
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
};
void main() {
  uvec2 in_at = place_of(true), out_at = place_of(true);
  uint first = (gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x) * TOGETHER;
  VEC v0 = VEC(0, 0), v1 = VEC(0, 0), v2 = VEC(0, 0), v3 = VEC(0, 0), v4 = VEC(0, 0), v5 = VEC(0, 0), v6 = VEC(0, 0), v7 = VEC(0, 0);
  if (first + in_at.x < P_ROWS) {
    uvec4 from = row_of(first + in_at.x);
    uint start = start_in(from), whole = whole_in(from) + in_at.y * P_IN_BY, apart = AROUND * P_IN_BY;
    v0 = taken(start, whole + 0u * apart);
    v1 = taken(start, whole + 1u * apart);
    v2 = taken(start, whole + 2u * apart);
    v3 = taken(start, whole + 3u * apart);
    v4 = taken(start, whole + 4u * apart);
    v5 = taken(start, whole + 5u * apart);
    v6 = taken(start, whole + 6u * apart);
    v7 = taken(start, whole + 7u * apart);
  }
  VEC coarse1_1 = turn(out_at.y * 2u, 64u);
  VEC fine1_1 = turn(out_at.y * 1u, 64u);
  radix_4(v0, v2, v4, v6);
  radix_4(v1, v3, v5, v7);
  radix_2(v0, v1);
  v3 = (v3 + turned_back(v3)) * ROOT_HALF;
  radix_2(v2, v3);
  v5 = turned_back(v5);
  radix_2(v4, v5);
  v7 = (turned_back(v7) - v7) * ROOT_HALF;
  radix_2(v6, v7);
  uint to0 = slot(in_at.x * 64u + (in_at.y / 1u * 8u + in_at.y % 1u) * 1u);
  uint tile_at = slot(out_at.x * 64u + (out_at.y) * 1u);
  tile[to0 + 0u] = v0.x;
  tile[(to0 ^ 1u) + 0u] = v2.x;
  tile[(to0 ^ 2u) + 0u] = v4.x;
  tile[(to0 ^ 3u) + 0u] = v6.x;
  tile[(to0 ^ 4u) + 0u] = v1.x;
  tile[(to0 ^ 5u) + 0u] = v3.x;
  tile[(to0 ^ 6u) + 0u] = v5.x;
  tile[(to0 ^ 7u) + 0u] = v7.x;
  barrier();
  v0.x = tile[tile_at + 0u];
  v1.x = tile[(tile_at ^ 9u) + 0u];
  v2.x = tile[(tile_at ^ 2u) + 16u];
  v3.x = tile[(tile_at ^ 11u) + 16u];
  v4.x = tile[(tile_at ^ 4u) + 32u];
  v5.x = tile[(tile_at ^ 13u) + 32u];
  v6.x = tile[(tile_at ^ 6u) + 48u];
  v7.x = tile[(tile_at ^ 15u) + 48u];
  barrier();
  tile[to0 + 0u] = v0.y;
  tile[(to0 ^ 1u) + 0u] = v2.y;
  tile[(to0 ^ 2u) + 0u] = v4.y;
  tile[(to0 ^ 3u) + 0u] = v6.y;
  tile[(to0 ^ 4u) + 0u] = v1.y;
  tile[(to0 ^ 5u) + 0u] = v3.y;
  tile[(to0 ^ 6u) + 0u] = v5.y;
  tile[(to0 ^ 7u) + 0u] = v7.y;
  barrier();
  v0.y = tile[tile_at + 0u];
  v1.y = tile[(tile_at ^ 9u) + 0u];
  v2.y = tile[(tile_at ^ 2u) + 16u];
  v3.y = tile[(tile_at ^ 11u) + 16u];
  v4.y = tile[(tile_at ^ 4u) + 32u];
  v5.y = tile[(tile_at ^ 13u) + 32u];
  v6.y = tile[(tile_at ^ 6u) + 48u];
  v7.y = tile[(tile_at ^ 15u) + 48u];
  VEC coarse1_2 = product(coarse1_1, coarse1_1);
  VEC coarse1_3 = product(coarse1_2, coarse1_1);
  v2 = product(v2, coarse1_1);
  v3 = product(v3, coarse1_1);
  v4 = product(v4, coarse1_2);
  v5 = product(v5, coarse1_2);
  v6 = product(v6, coarse1_3);
  v7 = product(v7, coarse1_3);
  radix_4(v0, v2, v4, v6);
  radix_4(v1, v3, v5, v7);
  v1 = product(v1, fine1_1);
  radix_2(v0, v1);
  v3 = product(v3, fine1_1);
  v3 = (v3 + turned_back(v3)) * ROOT_HALF;
  radix_2(v2, v3);
  v5 = product(v5, fine1_1);
  v5 = turned_back(v5);
  radix_2(v4, v5);
  v7 = product(v7, fine1_1);
  v7 = (turned_back(v7) - v7) * ROOT_HALF;
  radix_2(v6, v7);
  if (first + out_at.x < P_ROWS) {
    uvec4 to = row_of(first + out_at.x);
    uint start = start_out(to), whole = whole_out(to) + out_at.y * P_OUT_BY, apart = AROUND * P_OUT_BY;
    put(v0, start, whole + 0u * apart);
    put(v2, start, whole + 1u * apart);
    put(v4, start, whole + 2u * apart);
    put(v6, start, whole + 3u * apart);
    put(v1, start, whole + 4u * apart);
    put(v3, start, whole + 5u * apart);
    put(v5, start, whole + 6u * apart);
    put(v7, start, whole + 7u * apart);
  }
}
// fourier power c128 c128 c128 o l64 e8 n256 h co ui
#version 460
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 64);
#define USE_F64
#define REAL double
#define VEC dvec2
#define WIDE 
#define P_ROWS p0
#define P_SIZE1 p1
#define P_SIZE2 p2
#define P_SIZE3 p3
#define P_IN0 p4
#define P_IN1 p5
#define P_IN2 p6
#define P_IN3 p7
#define P_IN_FIRST p8
#define P_IN_STEP p9
#define P_IN_BY p10
#define P_IN_BY3 p11
#define P_IN_COUNT p12
#define P_OUT0 p13
#define P_OUT1 p14
#define P_OUT2 p15
#define P_OUT3 p16
#define P_OUT_FIRST p17
#define P_OUT_STEP p18
#define P_OUT_BY p19
#define P_OUT_BY2 p20
#define P_OUT_BY3 p21
#define P_OUT_COUNT p22
#define P_LENGTH p23
#define P_TURN p24
#define P_SCALE p25
#define P_SCALE2 p26
#define P_EPS p27
#define P_EPS2 p28
#define P_FLAGS p29
#define OUT_TABLE 
#define ROOT_HALF 0.7071067811865476lf
#define EPS packDouble2x32(uvec2(P_EPS, P_EPS2))
#define scaled(z) ((z) * packDouble2x32(uvec2(P_SCALE, P_SCALE2)))
#define MAY_DIVIDE 
#define divided(z) ((z) / packDouble2x32(uvec2(P_SCALE, P_SCALE2)))
#define LOAD(i) source[i]
#define STORE(i, z) result[i] = z
#define POWERS 
#define AROUND 8u
#define TOGETHER 32u
#define HALVES 
#define TILE 2048u
#define slot(i) ((i) ^ ((i) >> 3 & 15u))
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
};
void main() {
  uvec2 in_at = place_of(true), out_at = place_of(true);
  uint first = (gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x) * TOGETHER;
  VEC v0 = VEC(0, 0), v1 = VEC(0, 0), v2 = VEC(0, 0), v3 = VEC(0, 0), v4 = VEC(0, 0), v5 = VEC(0, 0), v6 = VEC(0, 0), v7 = VEC(0, 0);
  if (first + in_at.x < P_ROWS) {
    uvec4 from = row_of(first + in_at.x);
    uint place = start_in(from) + whole_in(from) + in_at.y;
    v0 = loaded(place + 0u);
    v1 = loaded(place + 8u);
    v2 = loaded(place + 16u);
    v3 = loaded(place + 24u);
    v4 = loaded(place + 32u);
    v5 = loaded(place + 40u);
    v6 = loaded(place + 48u);
    v7 = loaded(place + 56u);
  }
  VEC coarse1_1 = turn(out_at.y * 2u, 64u);
  VEC fine1_1 = turn(out_at.y * 1u, 64u);
  if (has(kConjugateIn)) {
    v0 = conjugated(v0);
    v1 = conjugated(v1);
    v2 = conjugated(v2);
    v3 = conjugated(v3);
    v4 = conjugated(v4);
    v5 = conjugated(v5);
    v6 = conjugated(v6);
    v7 = conjugated(v7);
  }
  radix_4(v0, v2, v4, v6);
  radix_4(v1, v3, v5, v7);
  radix_2(v0, v1);
  v3 = (v3 + turned_back(v3)) * ROOT_HALF;
  radix_2(v2, v3);
  v5 = turned_back(v5);
  radix_2(v4, v5);
  v7 = (turned_back(v7) - v7) * ROOT_HALF;
  radix_2(v6, v7);
  uint to0 = slot(in_at.x * 64u + (in_at.y / 1u * 8u + in_at.y % 1u) * 1u);
  uint tile_at = slot(out_at.x * 64u + (out_at.y) * 1u);
  tile[to0 + 0u] = v0.x;
  tile[(to0 ^ 1u) + 0u] = v2.x;
  tile[(to0 ^ 2u) + 0u] = v4.x;
  tile[(to0 ^ 3u) + 0u] = v6.x;
  tile[(to0 ^ 4u) + 0u] = v1.x;
  tile[(to0 ^ 5u) + 0u] = v3.x;
  tile[(to0 ^ 6u) + 0u] = v5.x;
  tile[(to0 ^ 7u) + 0u] = v7.x;
  barrier();
  v0.x = tile[tile_at + 0u];
  v1.x = tile[(tile_at ^ 9u) + 0u];
  v2.x = tile[(tile_at ^ 2u) + 16u];
  v3.x = tile[(tile_at ^ 11u) + 16u];
  v4.x = tile[(tile_at ^ 4u) + 32u];
  v5.x = tile[(tile_at ^ 13u) + 32u];
  v6.x = tile[(tile_at ^ 6u) + 48u];
  v7.x = tile[(tile_at ^ 15u) + 48u];
  barrier();
  tile[to0 + 0u] = v0.y;
  tile[(to0 ^ 1u) + 0u] = v2.y;
  tile[(to0 ^ 2u) + 0u] = v4.y;
  tile[(to0 ^ 3u) + 0u] = v6.y;
  tile[(to0 ^ 4u) + 0u] = v1.y;
  tile[(to0 ^ 5u) + 0u] = v3.y;
  tile[(to0 ^ 6u) + 0u] = v5.y;
  tile[(to0 ^ 7u) + 0u] = v7.y;
  barrier();
  v0.y = tile[tile_at + 0u];
  v1.y = tile[(tile_at ^ 9u) + 0u];
  v2.y = tile[(tile_at ^ 2u) + 16u];
  v3.y = tile[(tile_at ^ 11u) + 16u];
  v4.y = tile[(tile_at ^ 4u) + 32u];
  v5.y = tile[(tile_at ^ 13u) + 32u];
  v6.y = tile[(tile_at ^ 6u) + 48u];
  v7.y = tile[(tile_at ^ 15u) + 48u];
  VEC coarse1_2 = product(coarse1_1, coarse1_1);
  VEC coarse1_3 = product(coarse1_2, coarse1_1);
  v2 = product(v2, coarse1_1);
  v3 = product(v3, coarse1_1);
  v4 = product(v4, coarse1_2);
  v5 = product(v5, coarse1_2);
  v6 = product(v6, coarse1_3);
  v7 = product(v7, coarse1_3);
  radix_4(v0, v2, v4, v6);
  radix_4(v1, v3, v5, v7);
  v1 = product(v1, fine1_1);
  radix_2(v0, v1);
  v3 = product(v3, fine1_1);
  v3 = (v3 + turned_back(v3)) * ROOT_HALF;
  radix_2(v2, v3);
  v5 = product(v5, fine1_1);
  v5 = turned_back(v5);
  radix_2(v4, v5);
  v7 = product(v7, fine1_1);
  v7 = (turned_back(v7) - v7) * ROOT_HALF;
  radix_2(v6, v7);
  if (first + out_at.x < P_ROWS) {
    uvec4 to = row_of(first + out_at.x);
    uint start = start_out(to), whole = whole_out(to) + out_at.y * P_OUT_BY, apart = AROUND * P_OUT_BY;
    put(v0, start, whole + 0u * apart);
    put(v2, start, whole + 1u * apart);
    put(v4, start, whole + 2u * apart);
    put(v6, start, whole + 3u * apart);
    put(v1, start, whole + 4u * apart);
    put(v3, start, whole + 5u * apart);
    put(v5, start, whole + 6u * apart);
    put(v7, start, whole + 7u * apart);
  }
}
