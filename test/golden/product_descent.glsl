dot f32 f32 f32 32x32x16/4x4 wdr 0 1 1 1 + f32.e f32.l f32.f multiply,0,1:f32 subtract,2,3:f32 f 0 0 0
#version 460
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
#define LOOP_CONTROL [[unroll]]
#define T float
#define T4 vec4
#define BLOCK_M 32u
#define BLOCK_N 32u
#define BLOCK_K 16u
#define LEFT_PITCH 9u
#define RIGHT_PITCH 9u
#define P_ROWS p0
#define P_COLUMNS p1
#define P_COUNT p2
#define P_CHUNK p3
#define P_PARTS p4
#define P_FIRST_BATCH p5
#define P_BATCHES p6
layout(local_size_x = 64, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { float left_data[]; };
layout(set = 0, binding = 1, std430) readonly buffer Buffer1 { float right_data[]; };
layout(set = 0, binding = 2, std430) readonly buffer Buffer2 { float beside1[]; };
layout(set = 0, binding = 3, std430) writeonly buffer Buffer3 { float out0[]; };
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
};
void finish(uint element, uint g0, uint g1, uint g2, float value) {
  uint at0 = p17 + element;
  uint at1 = p18 + element;
  float v0 = value;
  float v1 = uintBitsToFloat(p16);
  float v2 = beside1[at0];
  float v3 = op_multiply(v0, v1);
  float v4 = op_subtract(v2, v3);
  out0[at1] = v4;
}
void put_sums(uint plane, uint first_row, uint first_column) {
  [[unroll]] for (uint r = 0u; r < 4u; ++r) {
    uint row = first_row + 4u * ((gl_LocalInvocationIndex / 8u) + r / 4u * 8u) + r % 4u;
    if (row >= P_ROWS) return;
    [[unroll]] for (uint c = 0u; c < 4u; ++c) {
      uint column = first_column + 4u * ((gl_LocalInvocationIndex % 8u) + c / 4u * 8u) + c % 4u;
      if (column < P_COLUMNS) finish((plane * P_ROWS + row) * P_COLUMNS + column, plane, row, column, sum0_0[c]);
    }
    sum0_0 = sum1_0;
    sum1_0 = sum2_0;
    sum2_0 = sum3_0;
  }
}
void main() {
  dot_main();
}
