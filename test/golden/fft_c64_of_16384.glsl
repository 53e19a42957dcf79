// fourier power c64 c64 c64 l128 e16 n256 h ai ao t
#version 460
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
#define REAL float
#define VEC vec2
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
#define ROOT_HALF 0.70710677
#define EPS uintBitsToFloat(P_EPS)
#define scaled(z) ((z) * uintBitsToFloat(P_SCALE))
#define LOAD(i) source[i]
#define STORE(i, z) result[i] = z
#define POWERS 
#define AROUND 8u
#define TOGETHER 32u
#define HALVES 
#define TILE 4096u
#define slot(i) ((i) ^ ((i) >> 4 & 31u))
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
};
void main() {
  uvec2 in_at = place_of(false), out_at = place_of(false);
  uint first = (gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x) * TOGETHER;
  VEC v0 = VEC(0, 0), v1 = VEC(0, 0), v2 = VEC(0, 0), v3 = VEC(0, 0), v4 = VEC(0, 0), v5 = VEC(0, 0), v6 = VEC(0, 0), v7 = VEC(0, 0), v8 = VEC(0, 0), v9 = VEC(0, 0), v10 = VEC(0, 0), v11 = VEC(0, 0), v12 = VEC(0, 0), v13 = VEC(0, 0), v14 = VEC(0, 0), v15 = VEC(0, 0);
  if (first + in_at.x < P_ROWS) {
    uvec4 from = row_of(first + in_at.x);
    uint start = start_in(from), whole = whole_in(from) + in_at.y * P_IN_BY, apart = AROUND * P_IN_BY;
    uint place = start + whole * P_IN_STEP, step = apart * P_IN_STEP;
    v0 = loaded(place + 0u * step);
    v1 = loaded(place + 1u * step);
    v2 = loaded(place + 2u * step);
    v3 = loaded(place + 3u * step);
    v4 = loaded(place + 4u * step);
    v5 = loaded(place + 5u * step);
    v6 = loaded(place + 6u * step);
    v7 = loaded(place + 7u * step);
    v8 = loaded(place + 8u * step);
    v9 = loaded(place + 9u * step);
    v10 = loaded(place + 10u * step);
    v11 = loaded(place + 11u * step);
    v12 = loaded(place + 12u * step);
    v13 = loaded(place + 13u * step);
    v14 = loaded(place + 14u * step);
    v15 = loaded(place + 15u * step);
  }
  VEC coarse1_1 = turn(out_at.y * 2u, 128u);
  VEC fine1_1 = turn(out_at.y * 1u, 128u);
  if (has(kConjugateIn)) {
    v0 = conjugated(v0);
    v1 = conjugated(v1);
    v2 = conjugated(v2);
    v3 = conjugated(v3);
    v4 = conjugated(v4);
    v5 = conjugated(v5);
    v6 = conjugated(v6);
    v7 = conjugated(v7);
    v8 = conjugated(v8);
    v9 = conjugated(v9);
    v10 = conjugated(v10);
    v11 = conjugated(v11);
    v12 = conjugated(v12);
    v13 = conjugated(v13);
    v14 = conjugated(v14);
    v15 = conjugated(v15);
  }
  radix_4(v0, v4, v8, v12);
  radix_4(v1, v5, v9, v13);
  radix_4(v2, v6, v10, v14);
  radix_4(v3, v7, v11, v15);
  radix_4(v0, v1, v2, v3);
  v5 = product(v5, VEC(0.9238795, -0.38268343));
  v6 = (v6 + turned_back(v6)) * ROOT_HALF;
  v7 = product(v7, VEC(0.38268343, -0.9238795));
  radix_4(v4, v5, v6, v7);
  v9 = (v9 + turned_back(v9)) * ROOT_HALF;
  v10 = turned_back(v10);
  v11 = (turned_back(v11) - v11) * ROOT_HALF;
  radix_4(v8, v9, v10, v11);
  v13 = product(v13, VEC(0.38268343, -0.9238795));
  v14 = (turned_back(v14) - v14) * ROOT_HALF;
  v15 = product(v15, VEC(-0.9238795, 0.38268343));
  radix_4(v12, v13, v14, v15);
  uint to0 = slot(in_at.x * 1u + (in_at.y / 1u * 16u + in_at.y % 1u) * 32u);
  uint tile_at = slot(out_at.x * 1u + (out_at.y) * 32u);
  tile[to0 + 0u] = v0.x;
  tile[(to0 ^ 2u) + 32u] = v4.x;
  tile[(to0 ^ 4u) + 64u] = v8.x;
  tile[(to0 ^ 6u) + 96u] = v12.x;
  tile[(to0 ^ 8u) + 128u] = v1.x;
  tile[(to0 ^ 10u) + 160u] = v5.x;
  tile[(to0 ^ 12u) + 192u] = v9.x;
  tile[(to0 ^ 14u) + 224u] = v13.x;
  tile[(to0 ^ 16u) + 256u] = v2.x;
  tile[(to0 ^ 18u) + 288u] = v6.x;
  tile[(to0 ^ 20u) + 320u] = v10.x;
  tile[(to0 ^ 22u) + 352u] = v14.x;
  tile[(to0 ^ 24u) + 384u] = v3.x;
  tile[(to0 ^ 26u) + 416u] = v7.x;
  tile[(to0 ^ 28u) + 448u] = v11.x;
  tile[(to0 ^ 30u) + 480u] = v15.x;
  barrier();
  v0.x = tile[tile_at + 0u];
  v1.x = tile[(tile_at ^ 16u) + 256u];
  v2.x = tile[tile_at + 512u];
  v3.x = tile[(tile_at ^ 16u) + 768u];
  v4.x = tile[tile_at + 1024u];
  v5.x = tile[(tile_at ^ 16u) + 1280u];
  v6.x = tile[tile_at + 1536u];
  v7.x = tile[(tile_at ^ 16u) + 1792u];
  v8.x = tile[tile_at + 2048u];
  v9.x = tile[(tile_at ^ 16u) + 2304u];
  v10.x = tile[tile_at + 2560u];
  v11.x = tile[(tile_at ^ 16u) + 2816u];
  v12.x = tile[tile_at + 3072u];
  v13.x = tile[(tile_at ^ 16u) + 3328u];
  v14.x = tile[tile_at + 3584u];
  v15.x = tile[(tile_at ^ 16u) + 3840u];
  barrier();
  tile[to0 + 0u] = v0.y;
  tile[(to0 ^ 2u) + 32u] = v4.y;
  tile[(to0 ^ 4u) + 64u] = v8.y;
  tile[(to0 ^ 6u) + 96u] = v12.y;
  tile[(to0 ^ 8u) + 128u] = v1.y;
  tile[(to0 ^ 10u) + 160u] = v5.y;
  tile[(to0 ^ 12u) + 192u] = v9.y;
  tile[(to0 ^ 14u) + 224u] = v13.y;
  tile[(to0 ^ 16u) + 256u] = v2.y;
  tile[(to0 ^ 18u) + 288u] = v6.y;
  tile[(to0 ^ 20u) + 320u] = v10.y;
  tile[(to0 ^ 22u) + 352u] = v14.y;
  tile[(to0 ^ 24u) + 384u] = v3.y;
  tile[(to0 ^ 26u) + 416u] = v7.y;
  tile[(to0 ^ 28u) + 448u] = v11.y;
  tile[(to0 ^ 30u) + 480u] = v15.y;
  barrier();
  v0.y = tile[tile_at + 0u];
  v1.y = tile[(tile_at ^ 16u) + 256u];
  v2.y = tile[tile_at + 512u];
  v3.y = tile[(tile_at ^ 16u) + 768u];
  v4.y = tile[tile_at + 1024u];
  v5.y = tile[(tile_at ^ 16u) + 1280u];
  v6.y = tile[tile_at + 1536u];
  v7.y = tile[(tile_at ^ 16u) + 1792u];
  v8.y = tile[tile_at + 2048u];
  v9.y = tile[(tile_at ^ 16u) + 2304u];
  v10.y = tile[tile_at + 2560u];
  v11.y = tile[(tile_at ^ 16u) + 2816u];
  v12.y = tile[tile_at + 3072u];
  v13.y = tile[(tile_at ^ 16u) + 3328u];
  v14.y = tile[tile_at + 3584u];
  v15.y = tile[(tile_at ^ 16u) + 3840u];
  VEC coarse1_2 = product(coarse1_1, coarse1_1);
  VEC coarse1_3 = product(coarse1_2, coarse1_1);
  v4 = product(v4, coarse1_1);
  v6 = product(v6, coarse1_1);
  v8 = product(v8, coarse1_2);
  v10 = product(v10, coarse1_2);
  v12 = product(v12, coarse1_3);
  v14 = product(v14, coarse1_3);
  radix_4(v0, v4, v8, v12);
  radix_4(v2, v6, v10, v14);
  v2 = product(v2, fine1_1);
  radix_2(v0, v2);
  v6 = product(v6, fine1_1);
  v6 = (v6 + turned_back(v6)) * ROOT_HALF;
  radix_2(v4, v6);
  v10 = product(v10, fine1_1);
  v10 = turned_back(v10);
  radix_2(v8, v10);
  v14 = product(v14, fine1_1);
  v14 = (turned_back(v14) - v14) * ROOT_HALF;
  radix_2(v12, v14);
  v3 = product(v3, VEC(0.9238795, -0.38268343));
  v5 = product(v5, coarse1_1);
  v5 = (v5 + turned_back(v5)) * ROOT_HALF;
  v7 = product(v7, coarse1_1);
  v7 = product(v7, VEC(0.38268343, -0.9238795));
  v9 = product(v9, coarse1_2);
  v9 = turned_back(v9);
  v11 = product(v11, coarse1_2);
  v11 = product(v11, VEC(-0.38268343, -0.9238795));
  v13 = product(v13, coarse1_3);
  v13 = (turned_back(v13) - v13) * ROOT_HALF;
  v15 = product(v15, coarse1_3);
  v15 = product(v15, VEC(-0.9238795, -0.38268343));
  radix_4(v1, v5, v9, v13);
  radix_4(v3, v7, v11, v15);
  v3 = product(v3, fine1_1);
  radix_2(v1, v3);
  v7 = product(v7, fine1_1);
  v7 = (v7 + turned_back(v7)) * ROOT_HALF;
  radix_2(v5, v7);
  v11 = product(v11, fine1_1);
  v11 = turned_back(v11);
  radix_2(v9, v11);
  v15 = product(v15, fine1_1);
  v15 = (turned_back(v15) - v15) * ROOT_HALF;
  radix_2(v13, v15);
  if (first + out_at.x < P_ROWS) {
    uvec4 to = row_of(first + out_at.x);
    VEC fine1 = turn(8u * to.w, P_TURN);
    VEC fine2 = product(fine1, fine1);
    VEC fine3 = product(fine2, fine1);
    VEC coarse0 = turn(out_at.y * to.w, P_TURN);
    VEC further = turn(32u * to.w, P_TURN);
    v0 = product(v0, coarse0);
    v1 = product(v1, coarse0);
    v1 = product(v1, fine1);
    v4 = product(v4, coarse0);
    v4 = product(v4, fine2);
    v5 = product(v5, coarse0);
    v5 = product(v5, fine3);
    VEC coarse1 = product(coarse0, further);
    v8 = product(v8, coarse1);
    v9 = product(v9, coarse1);
    v9 = product(v9, fine1);
    v12 = product(v12, coarse1);
    v12 = product(v12, fine2);
    v13 = product(v13, coarse1);
    v13 = product(v13, fine3);
    VEC coarse2 = product(coarse1, further);
    v2 = product(v2, coarse2);
    v3 = product(v3, coarse2);
    v3 = product(v3, fine1);
    v6 = product(v6, coarse2);
    v6 = product(v6, fine2);
    v7 = product(v7, coarse2);
    v7 = product(v7, fine3);
    VEC coarse3 = product(coarse2, further);
    v10 = product(v10, coarse3);
    v11 = product(v11, coarse3);
    v11 = product(v11, fine1);
    v14 = product(v14, coarse3);
    v14 = product(v14, fine2);
    v15 = product(v15, coarse3);
    v15 = product(v15, fine3);
    uint start = start_out(to), whole = whole_out(to) + out_at.y * P_OUT_BY, apart = AROUND * P_OUT_BY;
    if (has(kConjugateOut)) {
      v0 = conjugated(v0);
      v1 = conjugated(v1);
      v2 = conjugated(v2);
      v3 = conjugated(v3);
      v4 = conjugated(v4);
      v5 = conjugated(v5);
      v6 = conjugated(v6);
      v7 = conjugated(v7);
      v8 = conjugated(v8);
      v9 = conjugated(v9);
      v10 = conjugated(v10);
      v11 = conjugated(v11);
      v12 = conjugated(v12);
      v13 = conjugated(v13);
      v14 = conjugated(v14);
      v15 = conjugated(v15);
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
      v8 = scaled(v8);
      v9 = scaled(v9);
      v10 = scaled(v10);
      v11 = scaled(v11);
      v12 = scaled(v12);
      v13 = scaled(v13);
      v14 = scaled(v14);
      v15 = scaled(v15);
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
      v8 = cleared(v8);
      v9 = cleared(v9);
      v10 = cleared(v10);
      v11 = cleared(v11);
      v12 = cleared(v12);
      v13 = cleared(v13);
      v14 = cleared(v14);
      v15 = cleared(v15);
    }
    uint place = start + whole * P_OUT_STEP, step = apart * P_OUT_STEP;
    stored(v0, place + 0u * step);
    stored(v1, place + 1u * step);
    stored(v4, place + 2u * step);
    stored(v5, place + 3u * step);
    stored(v8, place + 4u * step);
    stored(v9, place + 5u * step);
    stored(v12, place + 6u * step);
    stored(v13, place + 7u * step);
    stored(v2, place + 8u * step);
    stored(v3, place + 9u * step);
    stored(v6, place + 10u * step);
    stored(v7, place + 11u * step);
    stored(v10, place + 12u * step);
    stored(v11, place + 13u * step);
    stored(v14, place + 14u * step);
    stored(v15, place + 15u * step);
  }
}
// fourier power c64 c64 c64 l128 e16 n256 h ao ui
#version 460
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
#define REAL float
#define VEC vec2
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
#define ROOT_HALF 0.70710677
#define EPS uintBitsToFloat(P_EPS)
#define scaled(z) ((z) * uintBitsToFloat(P_SCALE))
#define LOAD(i) source[i]
#define STORE(i, z) result[i] = z
#define POWERS 
#define AROUND 8u
#define TOGETHER 32u
#define HALVES 
#define TILE 4096u
#define slot(i) ((i) ^ (((i) >> 4 ^ (i) >> 9) & 31u))
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
};
void main() {
  uvec2 in_at = place_of(true), out_at = place_of(false);
  uint first = (gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x) * TOGETHER;
  VEC v0 = VEC(0, 0), v1 = VEC(0, 0), v2 = VEC(0, 0), v3 = VEC(0, 0), v4 = VEC(0, 0), v5 = VEC(0, 0), v6 = VEC(0, 0), v7 = VEC(0, 0), v8 = VEC(0, 0), v9 = VEC(0, 0), v10 = VEC(0, 0), v11 = VEC(0, 0), v12 = VEC(0, 0), v13 = VEC(0, 0), v14 = VEC(0, 0), v15 = VEC(0, 0);
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
    v8 = loaded(place + 64u);
    v9 = loaded(place + 72u);
    v10 = loaded(place + 80u);
    v11 = loaded(place + 88u);
    v12 = loaded(place + 96u);
    v13 = loaded(place + 104u);
    v14 = loaded(place + 112u);
    v15 = loaded(place + 120u);
  }
  VEC coarse1_1 = turn(out_at.y * 2u, 128u);
  VEC fine1_1 = turn(out_at.y * 1u, 128u);
  if (has(kConjugateIn)) {
    v0 = conjugated(v0);
    v1 = conjugated(v1);
    v2 = conjugated(v2);
    v3 = conjugated(v3);
    v4 = conjugated(v4);
    v5 = conjugated(v5);
    v6 = conjugated(v6);
    v7 = conjugated(v7);
    v8 = conjugated(v8);
    v9 = conjugated(v9);
    v10 = conjugated(v10);
    v11 = conjugated(v11);
    v12 = conjugated(v12);
    v13 = conjugated(v13);
    v14 = conjugated(v14);
    v15 = conjugated(v15);
  }
  radix_4(v0, v4, v8, v12);
  radix_4(v1, v5, v9, v13);
  radix_4(v2, v6, v10, v14);
  radix_4(v3, v7, v11, v15);
  radix_4(v0, v1, v2, v3);
  v5 = product(v5, VEC(0.9238795, -0.38268343));
  v6 = (v6 + turned_back(v6)) * ROOT_HALF;
  v7 = product(v7, VEC(0.38268343, -0.9238795));
  radix_4(v4, v5, v6, v7);
  v9 = (v9 + turned_back(v9)) * ROOT_HALF;
  v10 = turned_back(v10);
  v11 = (turned_back(v11) - v11) * ROOT_HALF;
  radix_4(v8, v9, v10, v11);
  v13 = product(v13, VEC(0.38268343, -0.9238795));
  v14 = (turned_back(v14) - v14) * ROOT_HALF;
  v15 = product(v15, VEC(-0.9238795, 0.38268343));
  radix_4(v12, v13, v14, v15);
  uint to0 = slot(in_at.x * 1u + (in_at.y / 1u * 16u + in_at.y % 1u) * 32u);
  uint tile_at = slot(out_at.x * 1u + (out_at.y) * 32u);
  tile[to0 + 0u] = v0.x;
  tile[(to0 ^ 2u) + 32u] = v4.x;
  tile[(to0 ^ 4u) + 64u] = v8.x;
  tile[(to0 ^ 6u) + 96u] = v12.x;
  tile[(to0 ^ 8u) + 128u] = v1.x;
  tile[(to0 ^ 10u) + 160u] = v5.x;
  tile[(to0 ^ 12u) + 192u] = v9.x;
  tile[(to0 ^ 14u) + 224u] = v13.x;
  tile[(to0 ^ 16u) + 256u] = v2.x;
  tile[(to0 ^ 18u) + 288u] = v6.x;
  tile[(to0 ^ 20u) + 320u] = v10.x;
  tile[(to0 ^ 22u) + 352u] = v14.x;
  tile[(to0 ^ 24u) + 384u] = v3.x;
  tile[(to0 ^ 26u) + 416u] = v7.x;
  tile[(to0 ^ 28u) + 448u] = v11.x;
  tile[(to0 ^ 30u) + 480u] = v15.x;
  barrier();
  v0.x = tile[tile_at + 0u];
  v1.x = tile[(tile_at ^ 16u) + 256u];
  v2.x = tile[(tile_at ^ 1u) + 512u];
  v3.x = tile[(tile_at ^ 17u) + 768u];
  v4.x = tile[(tile_at ^ 2u) + 1024u];
  v5.x = tile[(tile_at ^ 18u) + 1280u];
  v6.x = tile[(tile_at ^ 3u) + 1536u];
  v7.x = tile[(tile_at ^ 19u) + 1792u];
  v8.x = tile[(tile_at ^ 4u) + 2048u];
  v9.x = tile[(tile_at ^ 20u) + 2304u];
  v10.x = tile[(tile_at ^ 5u) + 2560u];
  v11.x = tile[(tile_at ^ 21u) + 2816u];
  v12.x = tile[(tile_at ^ 6u) + 3072u];
  v13.x = tile[(tile_at ^ 22u) + 3328u];
  v14.x = tile[(tile_at ^ 7u) + 3584u];
  v15.x = tile[(tile_at ^ 23u) + 3840u];
  barrier();
  tile[to0 + 0u] = v0.y;
  tile[(to0 ^ 2u) + 32u] = v4.y;
  tile[(to0 ^ 4u) + 64u] = v8.y;
  tile[(to0 ^ 6u) + 96u] = v12.y;
  tile[(to0 ^ 8u) + 128u] = v1.y;
  tile[(to0 ^ 10u) + 160u] = v5.y;
  tile[(to0 ^ 12u) + 192u] = v9.y;
  tile[(to0 ^ 14u) + 224u] = v13.y;
  tile[(to0 ^ 16u) + 256u] = v2.y;
  tile[(to0 ^ 18u) + 288u] = v6.y;
  tile[(to0 ^ 20u) + 320u] = v10.y;
  tile[(to0 ^ 22u) + 352u] = v14.y;
  tile[(to0 ^ 24u) + 384u] = v3.y;
  tile[(to0 ^ 26u) + 416u] = v7.y;
  tile[(to0 ^ 28u) + 448u] = v11.y;
  tile[(to0 ^ 30u) + 480u] = v15.y;
  barrier();
  v0.y = tile[tile_at + 0u];
  v1.y = tile[(tile_at ^ 16u) + 256u];
  v2.y = tile[(tile_at ^ 1u) + 512u];
  v3.y = tile[(tile_at ^ 17u) + 768u];
  v4.y = tile[(tile_at ^ 2u) + 1024u];
  v5.y = tile[(tile_at ^ 18u) + 1280u];
  v6.y = tile[(tile_at ^ 3u) + 1536u];
  v7.y = tile[(tile_at ^ 19u) + 1792u];
  v8.y = tile[(tile_at ^ 4u) + 2048u];
  v9.y = tile[(tile_at ^ 20u) + 2304u];
  v10.y = tile[(tile_at ^ 5u) + 2560u];
  v11.y = tile[(tile_at ^ 21u) + 2816u];
  v12.y = tile[(tile_at ^ 6u) + 3072u];
  v13.y = tile[(tile_at ^ 22u) + 3328u];
  v14.y = tile[(tile_at ^ 7u) + 3584u];
  v15.y = tile[(tile_at ^ 23u) + 3840u];
  VEC coarse1_2 = product(coarse1_1, coarse1_1);
  VEC coarse1_3 = product(coarse1_2, coarse1_1);
  v4 = product(v4, coarse1_1);
  v6 = product(v6, coarse1_1);
  v8 = product(v8, coarse1_2);
  v10 = product(v10, coarse1_2);
  v12 = product(v12, coarse1_3);
  v14 = product(v14, coarse1_3);
  radix_4(v0, v4, v8, v12);
  radix_4(v2, v6, v10, v14);
  v2 = product(v2, fine1_1);
  radix_2(v0, v2);
  v6 = product(v6, fine1_1);
  v6 = (v6 + turned_back(v6)) * ROOT_HALF;
  radix_2(v4, v6);
  v10 = product(v10, fine1_1);
  v10 = turned_back(v10);
  radix_2(v8, v10);
  v14 = product(v14, fine1_1);
  v14 = (turned_back(v14) - v14) * ROOT_HALF;
  radix_2(v12, v14);
  v3 = product(v3, VEC(0.9238795, -0.38268343));
  v5 = product(v5, coarse1_1);
  v5 = (v5 + turned_back(v5)) * ROOT_HALF;
  v7 = product(v7, coarse1_1);
  v7 = product(v7, VEC(0.38268343, -0.9238795));
  v9 = product(v9, coarse1_2);
  v9 = turned_back(v9);
  v11 = product(v11, coarse1_2);
  v11 = product(v11, VEC(-0.38268343, -0.9238795));
  v13 = product(v13, coarse1_3);
  v13 = (turned_back(v13) - v13) * ROOT_HALF;
  v15 = product(v15, coarse1_3);
  v15 = product(v15, VEC(-0.9238795, -0.38268343));
  radix_4(v1, v5, v9, v13);
  radix_4(v3, v7, v11, v15);
  v3 = product(v3, fine1_1);
  radix_2(v1, v3);
  v7 = product(v7, fine1_1);
  v7 = (v7 + turned_back(v7)) * ROOT_HALF;
  radix_2(v5, v7);
  v11 = product(v11, fine1_1);
  v11 = turned_back(v11);
  radix_2(v9, v11);
  v15 = product(v15, fine1_1);
  v15 = (turned_back(v15) - v15) * ROOT_HALF;
  radix_2(v13, v15);
  if (first + out_at.x < P_ROWS) {
    uvec4 to = row_of(first + out_at.x);
    uint start = start_out(to), whole = whole_out(to) + out_at.y * P_OUT_BY, apart = AROUND * P_OUT_BY;
    if (has(kConjugateOut)) {
      v0 = conjugated(v0);
      v1 = conjugated(v1);
      v2 = conjugated(v2);
      v3 = conjugated(v3);
      v4 = conjugated(v4);
      v5 = conjugated(v5);
      v6 = conjugated(v6);
      v7 = conjugated(v7);
      v8 = conjugated(v8);
      v9 = conjugated(v9);
      v10 = conjugated(v10);
      v11 = conjugated(v11);
      v12 = conjugated(v12);
      v13 = conjugated(v13);
      v14 = conjugated(v14);
      v15 = conjugated(v15);
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
      v8 = scaled(v8);
      v9 = scaled(v9);
      v10 = scaled(v10);
      v11 = scaled(v11);
      v12 = scaled(v12);
      v13 = scaled(v13);
      v14 = scaled(v14);
      v15 = scaled(v15);
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
      v8 = cleared(v8);
      v9 = cleared(v9);
      v10 = cleared(v10);
      v11 = cleared(v11);
      v12 = cleared(v12);
      v13 = cleared(v13);
      v14 = cleared(v14);
      v15 = cleared(v15);
    }
    uint place = start + whole * P_OUT_STEP, step = apart * P_OUT_STEP;
    stored(v0, place + 0u * step);
    stored(v1, place + 1u * step);
    stored(v4, place + 2u * step);
    stored(v5, place + 3u * step);
    stored(v8, place + 4u * step);
    stored(v9, place + 5u * step);
    stored(v12, place + 6u * step);
    stored(v13, place + 7u * step);
    stored(v2, place + 8u * step);
    stored(v3, place + 9u * step);
    stored(v6, place + 10u * step);
    stored(v7, place + 11u * step);
    stored(v10, place + 12u * step);
    stored(v11, place + 13u * step);
    stored(v14, place + 14u * step);
    stored(v15, place + 15u * step);
  }
}
