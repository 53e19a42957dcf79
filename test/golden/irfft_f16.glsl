// e f16.s as_type,0:f32 r2
#version 460
#extension GL_EXT_shader_16bit_storage : require
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { uint16_t in0[]; };
layout(set = 0, binding = 1, std430) writeonly buffer Buffer1 { float out0[]; };
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
  float v0 = f16_value(uint(in0[at_in0]));
  float v1 = v0;
  out0[offset_out + i] = v1;
}
// fourier power f32 c128 f16 m l16 e4 n256 ci uo
#version 460
#extension GL_EXT_shader_16bit_storage : require
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
#define MIRRORED 
#define ROOT_HALF 0.7071067811865476lf
#define EPS packDouble2x32(uvec2(P_EPS, P_EPS2))
#define scaled(z) ((z) * packDouble2x32(uvec2(P_SCALE, P_SCALE2)))
#define LOAD(i) dvec2(mi_widen(source[i]), 0.0lf)
#define STORE(i, z) result[i] = uint16_t(f16_bits(f16_value(f16_bits(odd_f32(z.x)))))
#define POWERS 
#define AROUND 4u
#define TOGETHER 64u
#define TILE 1024u
#define slot(i) ((i) ^ ((i) >> 2 & 7u))
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { float source[]; };
layout(set = 0, binding = 1, std430) writeonly buffer Buffer1 { uint16_t result[]; };
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
  VEC v0 = VEC(0, 0), v1 = VEC(0, 0), v2 = VEC(0, 0), v3 = VEC(0, 0);
  if (first + in_at.x < P_ROWS) {
    uvec4 from = row_of(first + in_at.x);
    uint start = start_in(from), whole = whole_in(from) + in_at.y * P_IN_BY, apart = AROUND * P_IN_BY;
    v0 = taken(start, whole + 0u * apart);
    v1 = taken(start, whole + 1u * apart);
    v2 = taken(start, whole + 2u * apart);
    v3 = taken(start, whole + 3u * apart);
  }
  VEC coarse1_1 = turn(out_at.y * 1u, 16u);
  radix_4(v0, v1, v2, v3);
  uint to0 = slot(in_at.x * 16u + (in_at.y / 1u * 4u + in_at.y % 1u) * 1u);
  uint tile_at = slot(out_at.x * 16u + (out_at.y) * 1u);
  tile[to0 + 0u] = v0;
  tile[(to0 ^ 1u) + 0u] = v1;
  tile[(to0 ^ 2u) + 0u] = v2;
  tile[(to0 ^ 3u) + 0u] = v3;
  barrier();
  v0 = tile[tile_at + 0u];
  v1 = tile[(tile_at ^ 5u) + 0u];
  v2 = tile[(tile_at ^ 2u) + 8u];
  v3 = tile[(tile_at ^ 7u) + 8u];
  VEC coarse1_2 = product(coarse1_1, coarse1_1);
  VEC coarse1_3 = product(coarse1_2, coarse1_1);
  v1 = product(v1, coarse1_1);
  v2 = product(v2, coarse1_2);
  v3 = product(v3, coarse1_3);
  radix_4(v0, v1, v2, v3);
  if (first + out_at.x < P_ROWS) {
    uvec4 to = row_of(first + out_at.x);
    if (has(kConjugateOut)) {
      v0 = conjugated(v0);
      v1 = conjugated(v1);
      v2 = conjugated(v2);
      v3 = conjugated(v3);
    }
    if (has(kScaled)) {
      v0 = scaled(v0);
      v1 = scaled(v1);
      v2 = scaled(v2);
      v3 = scaled(v3);
    }
    if (EPS >= REAL(0)) {
      v0 = cleared(v0);
      v1 = cleared(v1);
      v2 = cleared(v2);
      v3 = cleared(v3);
    }
    uint place = start_out(to) + whole_out(to) + out_at.y;
    stored(v0, place + 0u);
    stored(v1, place + 4u);
    stored(v2, place + 8u);
    stored(v3, place + 12u);
  }
}
