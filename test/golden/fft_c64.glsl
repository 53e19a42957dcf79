// fourier power c64 c64 c64 l4096 e16 n256 h ui uo
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
#define AROUND 256u
#define TOGETHER 1u
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
  uvec2 in_at = place_of(true), out_at = place_of(true);
  uint first = (gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x) * TOGETHER;
  VEC v0 = VEC(0, 0), v1 = VEC(0, 0), v2 = VEC(0, 0), v3 = VEC(0, 0), v4 = VEC(0, 0), v5 = VEC(0, 0), v6 = VEC(0, 0), v7 = VEC(0, 0), v8 = VEC(0, 0), v9 = VEC(0, 0), v10 = VEC(0, 0), v11 = VEC(0, 0), v12 = VEC(0, 0), v13 = VEC(0, 0), v14 = VEC(0, 0), v15 = VEC(0, 0);
  if (first + in_at.x < P_ROWS) {
    uvec4 from = row_of(first + in_at.x);
    uint place = start_in(from) + whole_in(from) + in_at.y;
    v0 = loaded(place + 0u);
    v1 = loaded(place + 256u);
    v2 = loaded(place + 512u);
    v3 = loaded(place + 768u);
    v4 = loaded(place + 1024u);
    v5 = loaded(place + 1280u);
    v6 = loaded(place + 1536u);
    v7 = loaded(place + 1792u);
    v8 = loaded(place + 2048u);
    v9 = loaded(place + 2304u);
    v10 = loaded(place + 2560u);
    v11 = loaded(place + 2816u);
    v12 = loaded(place + 3072u);
    v13 = loaded(place + 3328u);
    v14 = loaded(place + 3584u);
    v15 = loaded(place + 3840u);
  }
  VEC coarse1_1 = turn(out_at.y % 16u * 4u, 256u);
  VEC fine1_1 = turn(out_at.y % 16u * 1u, 256u);
  VEC coarse2_1 = turn(out_at.y * 4u, 4096u);
  VEC fine2_1 = turn(out_at.y * 1u, 4096u);
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
  uint to0 = slot(in_at.x * 4096u + (in_at.y / 1u * 16u + in_at.y % 1u) * 1u);
  uint tile_at = slot(out_at.x * 4096u + (out_at.y) * 1u);
  tile[to0 + 0u] = v0.x;
  tile[(to0 ^ 1u) + 0u] = v4.x;
  tile[(to0 ^ 2u) + 0u] = v8.x;
  tile[(to0 ^ 3u) + 0u] = v12.x;
  tile[(to0 ^ 4u) + 0u] = v1.x;
  tile[(to0 ^ 5u) + 0u] = v5.x;
  tile[(to0 ^ 6u) + 0u] = v9.x;
  tile[(to0 ^ 7u) + 0u] = v13.x;
  tile[(to0 ^ 8u) + 0u] = v2.x;
  tile[(to0 ^ 9u) + 0u] = v6.x;
  tile[(to0 ^ 10u) + 0u] = v10.x;
  tile[(to0 ^ 11u) + 0u] = v14.x;
  tile[(to0 ^ 12u) + 0u] = v3.x;
  tile[(to0 ^ 13u) + 0u] = v7.x;
  tile[(to0 ^ 14u) + 0u] = v11.x;
  tile[(to0 ^ 15u) + 0u] = v15.x;
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
  tile[(to0 ^ 1u) + 0u] = v4.y;
  tile[(to0 ^ 2u) + 0u] = v8.y;
  tile[(to0 ^ 3u) + 0u] = v12.y;
  tile[(to0 ^ 4u) + 0u] = v1.y;
  tile[(to0 ^ 5u) + 0u] = v5.y;
  tile[(to0 ^ 6u) + 0u] = v9.y;
  tile[(to0 ^ 7u) + 0u] = v13.y;
  tile[(to0 ^ 8u) + 0u] = v2.y;
  tile[(to0 ^ 9u) + 0u] = v6.y;
  tile[(to0 ^ 10u) + 0u] = v10.y;
  tile[(to0 ^ 11u) + 0u] = v14.y;
  tile[(to0 ^ 12u) + 0u] = v3.y;
  tile[(to0 ^ 13u) + 0u] = v7.y;
  tile[(to0 ^ 14u) + 0u] = v11.y;
  tile[(to0 ^ 15u) + 0u] = v15.y;
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
  VEC fine1_2 = product(fine1_1, fine1_1);
  VEC fine1_3 = product(fine1_2, fine1_1);
  v4 = product(v4, coarse1_1);
  v5 = product(v5, coarse1_1);
  v6 = product(v6, coarse1_1);
  v7 = product(v7, coarse1_1);
  v8 = product(v8, coarse1_2);
  v9 = product(v9, coarse1_2);
  v10 = product(v10, coarse1_2);
  v11 = product(v11, coarse1_2);
  v12 = product(v12, coarse1_3);
  v13 = product(v13, coarse1_3);
  v14 = product(v14, coarse1_3);
  v15 = product(v15, coarse1_3);
  radix_4(v0, v4, v8, v12);
  radix_4(v1, v5, v9, v13);
  radix_4(v2, v6, v10, v14);
  radix_4(v3, v7, v11, v15);
  v1 = product(v1, fine1_1);
  v2 = product(v2, fine1_2);
  v3 = product(v3, fine1_3);
  radix_4(v0, v1, v2, v3);
  v5 = product(v5, fine1_1);
  v5 = product(v5, VEC(0.9238795, -0.38268343));
  v6 = product(v6, fine1_2);
  v6 = (v6 + turned_back(v6)) * ROOT_HALF;
  v7 = product(v7, fine1_3);
  v7 = product(v7, VEC(0.38268343, -0.9238795));
  radix_4(v4, v5, v6, v7);
  v9 = product(v9, fine1_1);
  v9 = (v9 + turned_back(v9)) * ROOT_HALF;
  v10 = product(v10, fine1_2);
  v10 = turned_back(v10);
  v11 = product(v11, fine1_3);
  v11 = (turned_back(v11) - v11) * ROOT_HALF;
  radix_4(v8, v9, v10, v11);
  v13 = product(v13, fine1_1);
  v13 = product(v13, VEC(0.38268343, -0.9238795));
  v14 = product(v14, fine1_2);
  v14 = (turned_back(v14) - v14) * ROOT_HALF;
  v15 = product(v15, fine1_3);
  v15 = product(v15, VEC(-0.9238795, 0.38268343));
  radix_4(v12, v13, v14, v15);
  uint to1 = slot(out_at.x * 4096u + (out_at.y / 16u * 256u + out_at.y % 16u) * 1u);
  barrier();
  tile[to1 + 0u] = v0.x;
  tile[(to1 ^ 17u) + 0u] = v4.x;
  tile[(to1 ^ 2u) + 32u] = v8.x;
  tile[(to1 ^ 19u) + 32u] = v12.x;
  tile[(to1 ^ 4u) + 64u] = v1.x;
  tile[(to1 ^ 21u) + 64u] = v5.x;
  tile[(to1 ^ 6u) + 96u] = v9.x;
  tile[(to1 ^ 23u) + 96u] = v13.x;
  tile[(to1 ^ 8u) + 128u] = v2.x;
  tile[(to1 ^ 25u) + 128u] = v6.x;
  tile[(to1 ^ 10u) + 160u] = v10.x;
  tile[(to1 ^ 27u) + 160u] = v14.x;
  tile[(to1 ^ 12u) + 192u] = v3.x;
  tile[(to1 ^ 29u) + 192u] = v7.x;
  tile[(to1 ^ 14u) + 224u] = v11.x;
  tile[(to1 ^ 31u) + 224u] = v15.x;
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
  tile[to1 + 0u] = v0.y;
  tile[(to1 ^ 17u) + 0u] = v4.y;
  tile[(to1 ^ 2u) + 32u] = v8.y;
  tile[(to1 ^ 19u) + 32u] = v12.y;
  tile[(to1 ^ 4u) + 64u] = v1.y;
  tile[(to1 ^ 21u) + 64u] = v5.y;
  tile[(to1 ^ 6u) + 96u] = v9.y;
  tile[(to1 ^ 23u) + 96u] = v13.y;
  tile[(to1 ^ 8u) + 128u] = v2.y;
  tile[(to1 ^ 25u) + 128u] = v6.y;
  tile[(to1 ^ 10u) + 160u] = v10.y;
  tile[(to1 ^ 27u) + 160u] = v14.y;
  tile[(to1 ^ 12u) + 192u] = v3.y;
  tile[(to1 ^ 29u) + 192u] = v7.y;
  tile[(to1 ^ 14u) + 224u] = v11.y;
  tile[(to1 ^ 31u) + 224u] = v15.y;
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
  VEC coarse2_2 = product(coarse2_1, coarse2_1);
  VEC coarse2_3 = product(coarse2_2, coarse2_1);
  VEC fine2_2 = product(fine2_1, fine2_1);
  VEC fine2_3 = product(fine2_2, fine2_1);
  v4 = product(v4, coarse2_1);
  v5 = product(v5, coarse2_1);
  v6 = product(v6, coarse2_1);
  v7 = product(v7, coarse2_1);
  v8 = product(v8, coarse2_2);
  v9 = product(v9, coarse2_2);
  v10 = product(v10, coarse2_2);
  v11 = product(v11, coarse2_2);
  v12 = product(v12, coarse2_3);
  v13 = product(v13, coarse2_3);
  v14 = product(v14, coarse2_3);
  v15 = product(v15, coarse2_3);
  radix_4(v0, v4, v8, v12);
  radix_4(v1, v5, v9, v13);
  radix_4(v2, v6, v10, v14);
  radix_4(v3, v7, v11, v15);
  v1 = product(v1, fine2_1);
  v2 = product(v2, fine2_2);
  v3 = product(v3, fine2_3);
  radix_4(v0, v1, v2, v3);
  v5 = product(v5, fine2_1);
  v5 = product(v5, VEC(0.9238795, -0.38268343));
  v6 = product(v6, fine2_2);
  v6 = (v6 + turned_back(v6)) * ROOT_HALF;
  v7 = product(v7, fine2_3);
  v7 = product(v7, VEC(0.38268343, -0.9238795));
  radix_4(v4, v5, v6, v7);
  v9 = product(v9, fine2_1);
  v9 = (v9 + turned_back(v9)) * ROOT_HALF;
  v10 = product(v10, fine2_2);
  v10 = turned_back(v10);
  v11 = product(v11, fine2_3);
  v11 = (turned_back(v11) - v11) * ROOT_HALF;
  radix_4(v8, v9, v10, v11);
  v13 = product(v13, fine2_1);
  v13 = product(v13, VEC(0.38268343, -0.9238795));
  v14 = product(v14, fine2_2);
  v14 = (turned_back(v14) - v14) * ROOT_HALF;
  v15 = product(v15, fine2_3);
  v15 = product(v15, VEC(-0.9238795, 0.38268343));
  radix_4(v12, v13, v14, v15);
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
    uint place = start_out(to) + whole_out(to) + out_at.y;
    stored(v0, place + 0u);
    stored(v4, place + 256u);
    stored(v8, place + 512u);
    stored(v12, place + 768u);
    stored(v1, place + 1024u);
    stored(v5, place + 1280u);
    stored(v9, place + 1536u);
    stored(v13, place + 1792u);
    stored(v2, place + 2048u);
    stored(v6, place + 2304u);
    stored(v10, place + 2560u);
    stored(v14, place + 2816u);
    stored(v3, place + 3072u);
    stored(v7, place + 3328u);
    stored(v11, place + 3584u);
    stored(v15, place + 3840u);
  }
}
