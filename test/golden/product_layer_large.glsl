dot f32 f32 f32 128x128x16/8x8 dwr 0 1 1 1 + f32.e f32.s f32.l add,0,1:f32 max,3,2:f32 >3,4 ff 0 1 1
#version 460
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
#define LOOP_CONTROL [[unroll]]
#define T float
#define T4 vec4
#define BLOCK_M 128u
#define BLOCK_N 128u
#define BLOCK_K 16u
#define LEFT_PITCH 33u
#define RIGHT_PITCH 33u
#define P_ROWS p0
#define P_COLUMNS p1
#define P_COUNT p2
#define P_CHUNK p3
#define P_PARTS p4
#define P_FIRST_BATCH p5
#define P_BATCHES p6
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { float left_data[]; };
layout(set = 0, binding = 1, std430) readonly buffer Buffer1 { float right_data[]; };
layout(set = 0, binding = 2, std430) readonly buffer Buffer2 { float beside0[]; };
layout(set = 0, binding = 3, std430) writeonly buffer Buffer3 { float out0[]; };
layout(set = 0, binding = 4, std430) writeonly buffer Buffer4 { float out1[]; };
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
};
uint place0_1(uint index) {
  uint at = 0u;
  at += p21 * index;
  return at;
}
uint place0_2(uint index) {
  uint at = 0u;
  at += p23 * index;
  return at;
}
void finish(uint element, uint g0, uint g1, uint g2, float value) {
  uint at0 = p17 + place0_1(g1) + place0_2(g2);
  uint at1 = p18 + element;
  uint at2 = p19 + element;
  float v0 = value;
  float v1 = beside0[at0];
  float v2 = uintBitsToFloat(p16);
  float v3 = op_add(v0, v1);
  float v4 = op_max(v3, v2);
  out0[at1] = v3;
  out1[at2] = v4;
}
void put_sums(uint plane, uint first_row, uint first_column) {
  [[unroll]] for (uint r = 0u; r < 8u; ++r) {
    uint row = first_row + 4u * ((gl_LocalInvocationIndex / 16u) + r / 4u * 16u) + r % 4u;
    if (row >= P_ROWS) return;
    [[unroll]] for (uint c = 0u; c < 8u; ++c) {
      uint column = first_column + 4u * ((gl_LocalInvocationIndex % 16u) + c / 4u * 16u) + c % 4u;
      if (column < P_COLUMNS) finish((plane * P_ROWS + row) * P_COLUMNS + column, plane, row, column, (c < 4u ? sum0_0 : sum0_1)[c % 4u]);
    }
    sum0_0 = sum1_0;
    sum0_1 = sum1_1;
    sum1_0 = sum2_0;
    sum1_1 = sum2_1;
    sum2_0 = sum3_0;
    sum2_1 = sum3_1;
    sum3_0 = sum4_0;
    sum3_1 = sum4_1;
    sum4_0 = sum5_0;
    sum4_1 = sum5_1;
    sum5_0 = sum6_0;
    sum5_1 = sum6_1;
    sum6_0 = sum7_0;
    sum6_1 = sum7_1;
  }
}
void main() {
  dot_main();
}
