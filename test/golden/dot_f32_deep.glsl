// dot f32 f32 f32 32x32x16/4x4 ddr 0 1 1 1
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
layout(set = 0, binding = 2, std430) writeonly buffer Buffer2 { float result[]; };
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
};
uvec2 batch_offsets(uint index) {
  uvec2 at = uvec2(p7, p8);
  return at;
}
uint row_offset(uint index) {
  uint at = 0u;
  at += p10 * index;
  return at;
}
uint column_offset(uint index) {
  uint at = 0u;
  at += p12 * index;
  return at;
}
uint left_depth(uint index) {
  uint at = 0u;
  at += p14 * index;
  return at;
}
uint right_depth(uint index) {
  uint at = 0u;
  at += p15 * index;
  return at;
}
uvec4 left_at0;
T4 left_next0;
uvec4 left_at1;
T4 left_next1;
void place_left(uint first, uint base) {
  uint at;
  at = first + 4u * ((gl_LocalInvocationIndex + 0u) / BLOCK_K);
  left_at0[0] = base + row_offset(min(at + 0u, p0 - 1u));
  left_at0[1] = base + row_offset(min(at + 1u, p0 - 1u));
  left_at0[2] = base + row_offset(min(at + 2u, p0 - 1u));
  left_at0[3] = base + row_offset(min(at + 3u, p0 - 1u));
  at = first + 4u * ((gl_LocalInvocationIndex + 64u) / BLOCK_K);
  left_at1[0] = base + row_offset(min(at + 0u, p0 - 1u));
  left_at1[1] = base + row_offset(min(at + 1u, p0 - 1u));
  left_at1[2] = base + row_offset(min(at + 2u, p0 - 1u));
  left_at1[3] = base + row_offset(min(at + 3u, p0 - 1u));
}
uvec4 right_at0;
T4 right_next0;
uvec4 right_at1;
T4 right_next1;
void place_right(uint first, uint base) {
  uint at;
  at = first + 4u * ((gl_LocalInvocationIndex + 0u) / BLOCK_K);
  right_at0[0] = base + column_offset(min(at + 0u, p1 - 1u));
  right_at0[1] = base + column_offset(min(at + 1u, p1 - 1u));
  right_at0[2] = base + column_offset(min(at + 2u, p1 - 1u));
  right_at0[3] = base + column_offset(min(at + 3u, p1 - 1u));
  at = first + 4u * ((gl_LocalInvocationIndex + 64u) / BLOCK_K);
  right_at1[0] = base + column_offset(min(at + 0u, p1 - 1u));
  right_at1[1] = base + column_offset(min(at + 1u, p1 - 1u));
  right_at1[2] = base + column_offset(min(at + 2u, p1 - 1u));
  right_at1[3] = base + column_offset(min(at + 3u, p1 - 1u));
}
void fetch_tiles(uint k, uint end) {
  uint step, at;
  step = k + (gl_LocalInvocationIndex + 0u) % BLOCK_K;
  left_next0 = T4(0);
  if (step < end) {
    at = left_depth(step);
    left_next0[0] = left_data[left_at0[0] + at];
    left_next0[1] = left_data[left_at0[1] + at];
    left_next0[2] = left_data[left_at0[2] + at];
    left_next0[3] = left_data[left_at0[3] + at];
  }
  step = k + (gl_LocalInvocationIndex + 64u) % BLOCK_K;
  left_next1 = T4(0);
  if (step < end) {
    at = left_depth(step);
    left_next1[0] = left_data[left_at1[0] + at];
    left_next1[1] = left_data[left_at1[1] + at];
    left_next1[2] = left_data[left_at1[2] + at];
    left_next1[3] = left_data[left_at1[3] + at];
  }
  step = k + (gl_LocalInvocationIndex + 0u) % BLOCK_K;
  right_next0 = T4(0);
  if (step < end) {
    at = right_depth(step);
    right_next0[0] = right_data[right_at0[0] + at];
    right_next0[1] = right_data[right_at0[1] + at];
    right_next0[2] = right_data[right_at0[2] + at];
    right_next0[3] = right_data[right_at0[3] + at];
  }
  step = k + (gl_LocalInvocationIndex + 64u) % BLOCK_K;
  right_next1 = T4(0);
  if (step < end) {
    at = right_depth(step);
    right_next1[0] = right_data[right_at1[0] + at];
    right_next1[1] = right_data[right_at1[1] + at];
    right_next1[2] = right_data[right_at1[2] + at];
    right_next1[3] = right_data[right_at1[3] + at];
  }
}
void stage_tiles() {
  left_tile[((gl_LocalInvocationIndex + 0u) % BLOCK_K) * LEFT_PITCH + (gl_LocalInvocationIndex + 0u) / BLOCK_K] = left_next0;
  left_tile[((gl_LocalInvocationIndex + 64u) % BLOCK_K) * LEFT_PITCH + (gl_LocalInvocationIndex + 64u) / BLOCK_K] = left_next1;
  right_tile[((gl_LocalInvocationIndex + 0u) % BLOCK_K) * RIGHT_PITCH + (gl_LocalInvocationIndex + 0u) / BLOCK_K] = right_next0;
  right_tile[((gl_LocalInvocationIndex + 64u) % BLOCK_K) * RIGHT_PITCH + (gl_LocalInvocationIndex + 64u) / BLOCK_K] = right_next1;
}
T4 sum0_0 = T4(0);
T4 sum1_0 = T4(0);
T4 sum2_0 = T4(0);
T4 sum3_0 = T4(0);
void multiply_step(uint k) {
  T4 a0 = left_tile[k * LEFT_PITCH + (gl_LocalInvocationIndex / 8u) + 0u];
  T4 b0 = right_tile[k * RIGHT_PITCH + (gl_LocalInvocationIndex % 8u) + 0u];
  sum0_0 += a0[0] * b0;
  sum1_0 += a0[1] * b0;
  sum2_0 += a0[2] * b0;
  sum3_0 += a0[3] * b0;
}
void put_sums(uint plane, uint first_row, uint first_column) {
  uint row, column, at;
  row = first_row + 4u * ((gl_LocalInvocationIndex / 8u) + 0u) + 0u;
  if (row >= P_ROWS) return;
  column = first_column + 4u * ((gl_LocalInvocationIndex % 8u) + 0u);
  at = (plane * P_ROWS + row) * P_COLUMNS + column;
  if (column + 0u < P_COLUMNS) result[at + 0u] = sum0_0[0];
  if (column + 1u < P_COLUMNS) result[at + 1u] = sum0_0[1];
  if (column + 2u < P_COLUMNS) result[at + 2u] = sum0_0[2];
  if (column + 3u < P_COLUMNS) result[at + 3u] = sum0_0[3];
  row = first_row + 4u * ((gl_LocalInvocationIndex / 8u) + 0u) + 1u;
  if (row >= P_ROWS) return;
  column = first_column + 4u * ((gl_LocalInvocationIndex % 8u) + 0u);
  at = (plane * P_ROWS + row) * P_COLUMNS + column;
  if (column + 0u < P_COLUMNS) result[at + 0u] = sum1_0[0];
  if (column + 1u < P_COLUMNS) result[at + 1u] = sum1_0[1];
  if (column + 2u < P_COLUMNS) result[at + 2u] = sum1_0[2];
  if (column + 3u < P_COLUMNS) result[at + 3u] = sum1_0[3];
  row = first_row + 4u * ((gl_LocalInvocationIndex / 8u) + 0u) + 2u;
  if (row >= P_ROWS) return;
  column = first_column + 4u * ((gl_LocalInvocationIndex % 8u) + 0u);
  at = (plane * P_ROWS + row) * P_COLUMNS + column;
  if (column + 0u < P_COLUMNS) result[at + 0u] = sum2_0[0];
  if (column + 1u < P_COLUMNS) result[at + 1u] = sum2_0[1];
  if (column + 2u < P_COLUMNS) result[at + 2u] = sum2_0[2];
  if (column + 3u < P_COLUMNS) result[at + 3u] = sum2_0[3];
  row = first_row + 4u * ((gl_LocalInvocationIndex / 8u) + 0u) + 3u;
  if (row >= P_ROWS) return;
  column = first_column + 4u * ((gl_LocalInvocationIndex % 8u) + 0u);
  at = (plane * P_ROWS + row) * P_COLUMNS + column;
  if (column + 0u < P_COLUMNS) result[at + 0u] = sum3_0[0];
  if (column + 1u < P_COLUMNS) result[at + 1u] = sum3_0[1];
  if (column + 2u < P_COLUMNS) result[at + 2u] = sum3_0[2];
  if (column + 3u < P_COLUMNS) result[at + 3u] = sum3_0[3];
}
void main() {
  dot_main();
}
