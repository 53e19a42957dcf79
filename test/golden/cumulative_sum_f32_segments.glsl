// scan sum f32 et n256 x16 r4 s32
#version 460
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
#define P_LINES p0
#define P_INNER p1
#define P_COUNT p2
#define P_SEGMENTS p3
#define P_STEPS p4
#define P_MODE p5
#define P_IN_START p6
#define P_IN_OUTER p7
#define P_IN_INNER p8
#define P_IN_STEP p9
#define P_OUT_START p10
#define P_OUT_OUTER p11
#define P_OUT_INNER p12
#define P_OUT_STEP p13
#define INVOCATIONS 256u
#define TOTALS 
#define QUADS 4
#define VALUES vec4
#define SUBGROUP 32u
#define ACC_WORDS 2u
#define VALUE_WORDS 1u
#define VALUE float
#define VALUE_F32 
#define ACC_SUM_COMPENSATED 
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { vec4 source[]; };
layout(set = 0, binding = 1, std430) writeonly buffer Buffer1 { float carry_value[]; };
layout(set = 0, binding = 2, std430) writeonly buffer Buffer2 { float carry_extra[]; };
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
};
VALUES quad_at(uint line, uint position) {
  if (position >= P_COUNT) return VALUES(acc_identity().value, acc_identity().value, acc_identity().value, acc_identity().value);
  vec4 words = vec4(source[(P_IN_START + line / P_INNER * P_IN_OUTER + line % P_INNER * P_IN_INNER + position * P_IN_STEP) / 4u]);
  VALUES values = VALUES(words[0], words[1], words[2], words[3]);
  return P_IN_STEP == 1u ? values : VALUES(values[3], values[2], values[1], values[0]);
}
void put_total(uint line, uint segment, Acc acc) {
  carry_value[line * P_SEGMENTS + segment] = acc.value;
  carry_extra[line * P_SEGMENTS + segment] = acc.extra;
}
void main() {
  scan_main();
}
// scan sum f32 aw n256
#version 460
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
#define P_LINES p0
#define P_INNER p1
#define P_COUNT p2
#define P_SEGMENTS p3
#define P_STEPS p4
#define P_MODE p5
#define P_IN_START p6
#define P_IN_OUTER p7
#define P_IN_INNER p8
#define P_IN_STEP p9
#define P_OUT_START p10
#define P_OUT_OUTER p11
#define P_OUT_INNER p12
#define P_OUT_STEP p13
#define INVOCATIONS 256u
#define EXCLUSIVE 
#define VALUE float
#define VALUE_F32 
#define ACC_SUM_COMPENSATED 
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) buffer Buffer0 { float accs_value[]; };
layout(set = 0, binding = 1, std430) buffer Buffer1 { float accs_extra[]; };
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
};
void take(inout Acc acc, uint line, uint position) {
  acc = acc_merge(acc, Acc(accs_value[line * P_COUNT + position], accs_extra[line * P_COUNT + position]));
}
void put(uint line, uint position, Acc acc) {
  accs_value[line * P_COUNT + position] = acc.value;
  accs_extra[line * P_COUNT + position] = acc.extra;
}
void main() {
  scan_main();
}
// scan sum f32 ec n256 x16 r4 w4 s32
#version 460
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#extension GL_EXT_spirv_intrinsics : require
spirv_execution_mode(extensions = ["SPV_KHR_float_controls"], capabilities = [4466], 4461, 32);
#define P_LINES p0
#define P_INNER p1
#define P_COUNT p2
#define P_SEGMENTS p3
#define P_STEPS p4
#define P_MODE p5
#define P_IN_START p6
#define P_IN_OUTER p7
#define P_IN_INNER p8
#define P_IN_STEP p9
#define P_OUT_START p10
#define P_OUT_OUTER p11
#define P_OUT_INNER p12
#define P_OUT_STEP p13
#define INVOCATIONS 256u
#define CARRIES 
#define QUADS 4
#define VALUES vec4
#define SUBGROUP 32u
#define ACC_WORDS 2u
#define VALUE_WORDS 1u
#define VALUE float
#define VALUE_F32 
#define ACC_SUM_COMPENSATED 
layout(local_size_x = 256, local_size_y = 1, local_size_z = 1) in;
layout(set = 0, binding = 0, std430) readonly buffer Buffer0 { vec4 source[]; };
layout(set = 0, binding = 1, std430) writeonly buffer Buffer1 { vec4 result[]; };
layout(set = 0, binding = 2, std430) readonly buffer Buffer2 { float carry_value[]; };
layout(set = 0, binding = 3, std430) readonly buffer Buffer3 { float carry_extra[]; };
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
};
VALUES quad_at(uint line, uint position) {
  if (position >= P_COUNT) return VALUES(acc_identity().value, acc_identity().value, acc_identity().value, acc_identity().value);
  vec4 words = vec4(source[(P_IN_START + line / P_INNER * P_IN_OUTER + line % P_INNER * P_IN_INNER + position * P_IN_STEP) / 4u]);
  VALUES values = VALUES(words[0], words[1], words[2], words[3]);
  return P_IN_STEP == 1u ? values : VALUES(values[3], values[2], values[1], values[0]);
}
void put_quad(uint line, uint position, VALUES values) {
  if (!(P_OUT_STEP == 1u)) values = VALUES(values[3], values[2], values[1], values[0]);
  if (position < P_COUNT) result[(P_OUT_START + line / P_INNER * P_OUT_OUTER + line % P_INNER * P_OUT_INNER + position * P_OUT_STEP) / 4u] = vec4(vec4(values[0], values[1], values[2], values[3]));
}
Acc carried(uint line, uint segment) {
  return Acc(carry_value[line * P_SEGMENTS + segment], carry_extra[line * P_SEGMENTS + segment]);
}
void main() {
  scan_main();
}
