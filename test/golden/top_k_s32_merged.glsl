// order s32 s32 spvid w1 b10 n256
#version 460
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
#define P_ROWS p0
#define P_SEGMENTS p1
#define P_COUNT p2
#define P_KEEP p3
#define P_OUT p4
#define P_RUN p5
#define P_SOURCE p6
#define P_LENGTH p7
#define P_LOG_SEGMENT p8
#define INVOCATIONS 256u
#define LOG_BLOCK 10u
#define ALTERNATES 
#define KEY_I32 
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { int source[]; };
layout(set = 0, binding = 1, std430) writeonly buffer Buffer1 { uint out_key[]; };
layout(set = 0, binding = 2, std430) writeonly buffer Buffer2 { uint out_index[]; };
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
};
void take(uint row, uint position, out KEY key, out uint index) {
  key = descending_key(ascending_key(source[P_SOURCE + row * P_LENGTH + position]));
  index = position;
}
void put(uint row, uint segment, uint position, KEY key, uint index) {
  uint at = segment * P_KEEP + position;
  if (position >= P_KEEP || at >= P_OUT) return;
  at += row * P_OUT;
  out_key[at] = key;
  out_index[at] = index;
}
void main() {
  order_main();
}
// order exchange KEY_I32 n256
#version 460
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
#define P_PAIRS p0
#define P_COUNT p1
#define P_RUN p2
#define P_LOG_STRIDE p3
#define KEY_I32 
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) buffer Buffer0 { uint run_key[]; };
layout(set = 0, binding = 1, std430) buffer Buffer1 { uint run_index[]; };
layout(push_constant, std430) uniform Push {
  layout(offset = 0) uint p0;
  layout(offset = 4) uint p1;
  layout(offset = 8) uint p2;
  layout(offset = 12) uint p3;
};
void main() {
  exchange_main();
}
// order s32 s32 prvid w2 b10 n256
#version 460
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
#define P_ROWS p0
#define P_SEGMENTS p1
#define P_COUNT p2
#define P_KEEP p3
#define P_OUT p4
#define P_RUN p5
#define P_SOURCE p6
#define P_LENGTH p7
#define P_LOG_SEGMENT p8
#define INVOCATIONS 256u
#define LOG_BLOCK 10u
#define MERGES 
#define KEY_I32 
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { int source[]; };
layout(set = 0, binding = 1, std430) readonly buffer Buffer1 { uint in_key[]; };
layout(set = 0, binding = 2, std430) readonly buffer Buffer2 { uint in_index[]; };
layout(set = 0, binding = 3, std430) writeonly buffer Buffer3 { int values[]; };
layout(set = 0, binding = 4, std430) writeonly buffer Buffer4 { int positions[]; };
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
};
void take(uint row, uint position, out KEY key, out uint index) {
  key = in_key[row * P_COUNT + position];
  index = in_index[row * P_COUNT + position];
}
void put(uint row, uint segment, uint position, KEY key, uint index) {
  uint at = segment * P_KEEP + position;
  if (position >= P_KEEP || at >= P_OUT) return;
  at += row * P_OUT;
  values[at] = source[P_SOURCE + row * P_LENGTH + index];
  positions[at] = int(index);
}
void main() {
  order_main();
}
