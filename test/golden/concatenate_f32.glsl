// join 16 x2
#version 460
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
#define INVOCATIONS 256u
#define UNITS 2u
#define UNIT uvec4
#define P_COUNT p0
#define P_ROW p1
#define P_START p2
#define P_STEP p3
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { uvec4 in0[]; };
layout(set = 0, binding = 1, std430) readonly buffer Buffer1 { uvec4 in1[]; };
layout(set = 0, binding = 2, std430) writeonly buffer Buffer2 { uvec4 result[]; };
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
};
UNIT unit_at(uint row, uint at) {
  if (at < p4) return UNIT(in0[p5 + row * p6 + at]);
  return UNIT(in1[p8 + row * p9 + at]);
}
void put_unit(uint place, UNIT unit) { result[place] = unit; }
void main() {
  join_main();
}
