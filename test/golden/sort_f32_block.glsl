// order f32 s32 srvas r3 n128 l32
#version 460
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
#define P_ROWS p0
#define P_SEGMENTS p1
#define P_COUNT p2
#define P_KEEP p3
#define P_OUT p4
#define P_SOURCE p5
#define P_LENGTH p6
#define P_LOG_SEGMENT p7
#define INVOCATIONS 128u
#define LOG_REGISTERS 3u
#define SUBGROUP 32
#define WORD_PARTS 1
#define RESTORES 
#define KEY_BITS 32
#define KEY_SIGN 2147483648u
#define KEY_FLOAT 2139095040u
layout(local_size_x = 128, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { uint source[]; };
layout(set = 0, binding = 1, std430) writeonly buffer Buffer1 { uint values[]; };
layout(push_constant, std430) uniform Push {
  layout(offset = 0) uint p0;
  layout(offset = 4) uint p1;
  layout(offset = 8) uint p2;
  layout(offset = 12) uint p3;
  layout(offset = 16) uint p4;
  layout(offset = 20) uint p5;
  layout(offset = 24) uint p6;
  layout(offset = 28) uint p7;
};
WORD word_at(uint row, uint position) {
  KEY bits = uint(source[P_SOURCE + row * P_LENGTH + position]);
  others = others || has_kin(bits);
  return word_of(order_key(bits), position);
}
void put(uint row, uint segment, uint position, WORD word) {
  uint at = segment * P_KEEP + position;
  if (position >= P_KEEP || at >= P_OUT) return;
  at += row * P_OUT;
  values[at] = bits_of(word);
}
KEY bits_at(uint row, uint position) { return uint(source[P_SOURCE + row * P_LENGTH + position]); }
void restore(uint row, uint position, KEY bits) { values[row * P_OUT + position] = bits; }
void sort_registers() {
  STEP(0, 1)
  STEP(2, 3)
  STEP(4, 5)
  STEP(6, 7)
  STEP(0, 3)
  STEP(1, 2)
  STEP(4, 7)
  STEP(5, 6)
  STEP(0, 1)
  STEP(2, 3)
  STEP(4, 5)
  STEP(6, 7)
  STEP(0, 7)
  STEP(1, 6)
  STEP(2, 5)
  STEP(3, 4)
  STEP(0, 2)
  STEP(1, 3)
  STEP(4, 6)
  STEP(5, 7)
  STEP(0, 1)
  STEP(2, 3)
  STEP(4, 5)
  STEP(6, 7)
}
void merge_registers() {
  STEP(0, 4)
  STEP(1, 5)
  STEP(2, 6)
  STEP(3, 7)
  STEP(0, 2)
  STEP(1, 3)
  STEP(4, 6)
  STEP(5, 7)
  STEP(0, 1)
  STEP(2, 3)
  STEP(4, 5)
  STEP(6, 7)
}
void main() {
  order_main();
}
